"""An invented room to draw: four voices, six chapters, ten minutes, cross-talk and a question; every time follows from the text."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from feeds.catalogue import Episode, Person, Show, StoredRendition, WordsInfo
from feeds.site import Site
from pipeline.models import SILENT_DBFS, Activity, Chapter, Script, Segment, Sound, VoiceLevel, Word

SITE = Site(public_url="https://radio.example/")
BIN_S = 0.5

PEOPLE = (
    Person(identity="amara", name="Amara Osei", role="host"),
    Person(identity="jonas", name="Jonas Lindqvist", role="speaker", url="https://lindqvist.example/"),
    Person(identity="priya", name="Priya Raman", role="speaker"),
    Person(identity="tomas", name="Tomás Echeverría", role="listener"),
)

# (who, what they say); a line with one name is a chapter, with the link somebody pinned in the room
ROOM: tuple[tuple[str, str], ...] = (
    ("#", "Doors open"),
    ("amara", "Good evening, and welcome back. This is Late Build, live, with the lights half down and about ninety of you in the room. Tonight we talk about one night in October."),
    ("amara", "If you were not there: for forty one minutes our payment page answered everybody with the same polite sentence, and the sentence was wrong."),
    ("jonas", "I still have that sentence on a sticky note. Something went wrong on our side. We were so sure it was on theirs."),
    ("priya", "I was asleep. I want that on the record. I was asleep for the first eleven minutes and I am told they were the good ones."),
    ("amara", "They were not the good ones. But thank you both for coming and for saying it out loud."),
    ("#", "The page at 02:14"),
    ("jonas", "So the page came at fourteen minutes past two. I read it standing in the kitchen. It said latency, and it said one host, and I thought, one host, I know that host, it does this."),
    ("jonas", "And I did the thing you do. I acknowledged it, I told myself ten minutes, and I put the kettle on."),
    ("amara", "Can I stop you there? Because I have done exactly this. What did acknowledging it change for everybody else?"),
    ("jonas", "It made the alarm stop. For everybody. That is the part I had never thought about. My one tap told six people that somebody was looking, and nobody was looking. I was looking at a kettle."),
    ("priya", "That is in the report word for word, by the way. Nobody was looking, somebody was looking at a kettle."),
    ("amara", "I love that report."),
    ("jonas", "It is a good report. It is the only one I ever read twice."),
    ("#", "Who was actually on call"),
    ("amara", "Let us go to the rota, because I think this is where it gets interesting. Who was on call?"),
    ("priya", "On paper it was me. In the calendar it was me as well. In the tool that sends the page it was still the person from the week before, because the swap was made in the calendar and the tool reads its own copy at midnight."),
    ("amara", "So the page went to Jonas, who was not on call, and he answered it, because he is nice."),
    ("jonas", "Because I was awake. Being nice came later."),
    ("priya", "And this is the thing I keep saying to new people. When you answer a page that is not yours you are not helping, you are hiding the fact that the rota is broken. It feels like help, it looks like help, and it costs eleven minutes."),
    ("jonas", "It cost eleven minutes that night. It had been costing us a minute here and there for a year, I think. We simply never added them up."),
    ("amara", "Somebody has pinned the talk about rotas from last spring, thank you. It is worth the half hour."),
    ("#", "Reading the graph backwards"),
    ("jonas", "The strange thing is that the first graph I opened was the right one. I just read it from the wrong end. I looked at the recovery and thought it was the failure."),
    ("priya", "When I finally joined the call I asked what had changed, and everybody said nothing. Nothing had changed. Which is never true, of course. Something had, we had simply stopped counting it as a change."),
    ("amara", "What was it?"),
    ("priya", "A certificate. It renewed itself at two in the morning, exactly as planned, and one machine out of nine kept the old one in memory. Nothing was deployed. Nobody touched anything. It was the most punctual failure I have ever seen."),
    ("jonas", "And the graph showed it. One line out of nine going flat. I took the eight healthy ones for the problem because there were more of them."),
    ("amara", "There is a whole essay in that sentence."),
    ("priya", "There is a whole career in that sentence."),
    ("#", "Apologies that help"),
    ("amara", "I want to spend a moment on the words. The first message went out at half past two. Who wrote it?"),
    ("priya", "I did, with one eye open. It said: some payments are failing, we do not know why yet, we will write again at a quarter to three whether we know or not."),
    ("amara", "And then at a quarter to three?"),
    ("priya", "We did not know. So we wrote that. The second message is the one that earns the trust. The first is only a promise."),
    ("jonas", "I got letters about that second message. People wrote back to say thank you for a message that said we had no idea. I have shipped features for years and nobody ever wrote to me about one of those."),
    ("amara", "Before. Always before. You can say something is wrong before you can say what it is."),
    ("#", "Questions from the room"),
    ("amara", "We have a few minutes. Somebody by the door has had a hand up since the kettle. Please, go ahead, you are on."),
    ("tomas", "Thank you. You said the swap was made in the calendar. Would it not be simpler to have only one place where the rota lives? We tried that where I work and it took a year, and most of that year was people who liked their own calendar."),
    ("priya", "Yes. It would be simpler, and it took us until Monday, because after a night like that nobody argues for their own calendar any more."),
    ("jonas", "That is the other use of an outage. For about two weeks you can change anything."),
    ("amara", "For about two weeks you can change anything. I will end on that. Thank you Priya, thank you Jonas, thank you for the question, and good night to everybody in the room."),
)  # fmt: skip


def show(**changed: object) -> Show:
    values = dict(
        id="s1", slug="late-build", guid="0f1f3f8c-0a55-5c0d-9f3e-2f43d5f2c1aa", title="Late Build",
        description="People who keep other people's things running, talking live about the night it did not work.",
        author="Amara Osei", owner_email="hello@latebuild.example", language="en", category="Technology", explicit=False,
        access="public", consent="required", distribution="auto", drafts="private", feed_rev=3, published_rev=2,
    )  # fmt: skip
    return Show(**(values | changed))  # type: ignore[arg-type]


def _words(text: str, start_s: float, dice: random.Random) -> Iterator[Word]:
    at = start_s
    for text_of_word in text.split():
        length = 0.16 + 0.088 * len(text_of_word) * dice.uniform(0.7, 1.35)
        yield Word(text=text_of_word, start_s=round(at, 2), end_s=round(at + length, 2), confidence=0.9)
        at += length + (0.6 if text_of_word[-1] in ".?!" else 0.3 if text_of_word[-1] in ",:" else 0.02)


def _sentences(text: str) -> list[str]:
    return [s.strip() + "." if not s.strip().endswith(("?", ".")) else s.strip() for s in text.replace("? ", "?. ").split(". ") if s.strip()]


def told(room: Sequence[tuple[str, str]] = ROOM, *, slowly: float = 0.75) -> tuple[tuple[Segment, ...], tuple[Chapter, ...]]:
    """Segments (by identity) and chapters; speakers sometimes cut in before the one before them has ended."""
    dice = random.Random(42)
    at, segments, starts = 1.5, [], []
    for who, text in room:
        if who == "#":
            starts.append((max(at - 0.4, 0.0) if starts else 0.0, text))
            continue
        for sentence in _sentences(text):
            words = tuple(_words(sentence, at, dice))
            segments.append(Segment(speaker=who, start_s=at, end_s=words[-1].end_s, text=sentence, words=words))
            at = words[-1].end_s + dice.uniform(0.2, 0.6)
        at = round(at + dice.choice((-1.1, 0.1, 0.4, 0.9, slowly * 3)), 2)
    ends = [*(s for s, _ in starts[1:]), segments[-1].end_s + 2.5]
    links = {"Who was actually on call": "https://rotas.example/one-place", "Apologies that help": "https://lindqvist.example/letters?from=room&n=1"}
    chapters = tuple(
        Chapter(start_s=start, end_s=end, title=title, source="pinned" if title in links else "computed", url=links.get(title, ""))
        for (start, title), end in zip(starts, ends, strict=True)
    )
    return tuple(segments), chapters


def activity(segments: Sequence[Segment], duration_s: float) -> Activity:
    """What listening would have measured: levels that move with the words, silence elsewhere."""
    dice = random.Random(7)
    bins = int(duration_s / BIN_S) + 1
    rows = {p.identity: [SILENT_DBFS] * bins for p in PEOPLE}
    for segment in segments:
        mood = dice.uniform(-5, 2)
        for word in segment.words:
            for n in range(int(word.start_s / BIN_S), int(word.end_s / BIN_S) + 1):
                rows[segment.speaker or "amara"][n] = round(-21 + mood + dice.uniform(-5, 3))
    return Activity(bin_s=BIN_S, voices=tuple((who, tuple(levels)) for who, levels in rows.items()))


SEGMENTS, CHAPTERS = told()
DURATION_S = round(CHAPTERS[-1].end_s, 2)


def script(**changed: object) -> Script:
    names = {p.identity: p.name for p in PEOPLE if p.role != "listener"}
    named = tuple(Segment(speaker=names.get(s.speaker or ""), start_s=s.start_s, end_s=s.end_s, text=s.text, words=s.words) for s in SEGMENTS)
    values = dict(
        title="What the outage taught us", language="en", duration_s=DURATION_S, engine="faster-whisper small", quality="full",
        segments=named, chapters=CHAPTERS,
    )  # fmt: skip
    return Script(**(values | changed))  # type: ignore[arg-type]


def wordless(**changed: object) -> Script:
    return script(**({"segments": (), "quality": "none", "engine": ""} | changed))


def sound(**changed: object) -> Sound:
    levels = tuple(
        VoiceLevel(participant=p.identity, name=p.name, role=p.role, speech_s=1.0, before_lufs=-24.0, after_lufs=-16.0) for p in PEOPLE  # type: ignore[arg-type]
    )  # fmt: skip
    values = dict(
        source_s=DURATION_S, duration_s=DURATION_S, target_lufs=-16.0, channels=1, voices=levels,
        activity=activity(SEGMENTS, DURATION_S), cuts=(), losses=(),
    )  # fmt: skip
    return Sound(**(values | changed))  # type: ignore[arg-type]


def mixed_sound() -> Sound:
    """The same room as one file of everybody."""
    rows = activity(SEGMENTS, DURATION_S).voices
    return sound(voices=(), activity=Activity(bin_s=BIN_S, voices=(("", tuple(max(levels) for levels in zip(*(row for _, row in rows), strict=True))),)))


def renditions(prefix: str = "late-build/q7c2mk4zta/") -> tuple[StoredRendition, ...]:
    kinds = (("mp3", "audio/mpeg", 96), ("m4a", "audio/mp4", 80), ("opus", "audio/ogg", 40))
    return tuple(
        StoredRendition(
            format=name, key=f"{prefix}episode.{name}", mime_type=mime, size_bytes=int(DURATION_S * kbps * 125), sha256="0" * 64, sha384="",
            duration_s=DURATION_S, channels=1, bitrate_kbps=kbps, integrated_lufs=-19.0, true_peak_dbtp=-1.4,
        )
        for name, mime, kbps in kinds
    )  # fmt: skip


def episode(**changed: object) -> Episode:
    started = datetime(2026, 11, 12, 19, 0, tzinfo=UTC)
    values = dict(
        guid="6d0e8b4e-1f6e-5a55-8e0b-9c1c5a7b2f10", recording_id="r1", slug="q7c2mk4zta", show_slug="late-build", state="complete",
        title="What the outage taught us",
        description="Two people saw the alert, both made a reasonable choice, and nobody was looking. Recorded live with ninety people in the room.",
        language="en", access="public", started_at=started, created_at=started, published_at=started, reason="", people=PEOPLE,
        sound=sound(), renditions=renditions(), chapters=CHAPTERS, words_key="",
        words=WordsInfo(engine="faster_whisper", model="small", quality="full", language="en", why="", count=1000),
    )  # fmt: skip
    return Episode(**(values | changed))  # type: ignore[arg-type]


def gaps(chapters: Sequence[Chapter] = CHAPTERS) -> list[tuple[Chapter, Chapter]]:
    return list(pairwise(chapters))
