"""An invented room to draw: four voices, six chapters, ten minutes, cross-talk and a question; every time follows from the text."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from feeds.catalogue import Episode, Person, Show, StoredRendition, WordsInfo
from feeds.site import Site
from pipeline.models import SILENT_DBFS, Activity, Chapter, Segment, Sound, VoiceLevel, Word
from pipeline.telling import Script

SITE = Site(public_url="https://radio.example/")
BIN_S = 0.5

PEOPLE = (
    Person(identity="amara", name="Amara Osei", role="host"),
    Person(identity="jonas", name="Jonas Lindqvist", role="speaker", url="https://lindqvist.example/"),
    Person(identity="priya", name="Priya Raman", role="speaker"),
    Person(identity="tomas", name="Tomás Echeverría", role="listener"),
)

ROOM_FILE = Path(__file__).with_suffix("").with_name("fakes_pages_room.txt")


# Text that somebody may type into a name, a title or a topic.
HOSTILE = (
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "' onmouseover='alert(1)",
    "<!-- &amp; ]]>",
    "</title></textarea></p><b>",
)


def show(**changed: object) -> Show:
    made = Show(
        id="s1", slug="late-build", guid="0f1f3f8c-0a55-5c0d-9f3e-2f43d5f2c1aa", title="Late Build",
        description="People who keep other people's things running, talking live about the night it did not work.",
        author="Amara Osei", owner_email="hello@latebuild.example", language="en", category="Technology", explicit=False,
        access="public", consent="required", distribution="auto", drafts="private", feed_rev=3, published_rev=2,
    )  # fmt: skip
    return replace(made, **changed)  # type: ignore[arg-type]


def _words(text: str, start_s: float, dice: random.Random) -> Iterator[Word]:
    at = start_s
    for text_of_word in text.split():
        length = 0.16 + 0.088 * len(text_of_word) * dice.uniform(0.7, 1.35)
        yield Word(text=text_of_word, start_s=round(at, 2), end_s=round(at + length, 2), confidence=0.9)
        at += length + (0.6 if text_of_word[-1] in ".?!" else 0.3 if text_of_word[-1] in ",:" else 0.02)


def _sentences(text: str) -> list[str]:
    return [
        s.strip() + "." if not s.strip().endswith(("?", ".")) else s.strip()
        for s in text.replace("? ", "?. ").split(". ")
        if s.strip()
    ]


def room() -> Iterator[tuple[str, str]]:
    """Who says what, in order; a chapter's title is said by `#`."""
    for paragraph in ROOM_FILE.read_text(encoding="utf-8").split("\n\n")[1:]:
        who, _, text = " ".join(paragraph.split()).partition(" ")
        yield who.removesuffix(":"), text


def told() -> tuple[tuple[Segment, ...], tuple[Chapter, ...]]:
    """Segments (by identity) and chapters; speakers sometimes cut in before the one before them has ended."""
    dice = random.Random(42)
    at, segments, starts = 1.5, [], []
    for who, text in room():
        if who == "#":
            starts.append((max(at - 0.4, 0.0) if starts else 0.0, text))
            continue
        for sentence in _sentences(text):
            words = tuple(_words(sentence, at, dice))
            segments.append(Segment(speaker=who, start_s=at, end_s=words[-1].end_s, text=sentence, words=words))
            at = words[-1].end_s + dice.uniform(0.2, 0.6)
        at = round(at + dice.choice((-1.1, 0.1, 0.4, 0.9, 2.25)), 2)
    ends = [*(s for s, _ in starts[1:]), segments[-1].end_s + 2.5]
    links = {
        "Who was actually on call": "https://rotas.example/one-place",
        "Apologies that help": "https://lindqvist.example/letters?from=room&n=1",
    }
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
    named = tuple(
        Segment(speaker=names.get(s.speaker or ""), start_s=s.start_s, end_s=s.end_s, text=s.text, words=s.words) for s in SEGMENTS
    )
    made = Script(
        title="What the outage taught us", language="en", duration_s=DURATION_S, engine="faster-whisper small", quality="full",
        segments=named, chapters=CHAPTERS,
    )  # fmt: skip
    return replace(made, **changed)  # type: ignore[arg-type]


def wordless(**changed: object) -> Script:
    return script(**({"segments": (), "quality": "none", "engine": ""} | changed))


def sound(**changed: object) -> Sound:
    levels = tuple(
        VoiceLevel(participant=p.identity, name=p.name, role=p.role, speech_s=1.0, before_lufs=-24.0, after_lufs=-16.0)  # type: ignore[arg-type]
        for p in PEOPLE
    )
    made = Sound(
        source_s=DURATION_S, duration_s=DURATION_S, target_lufs=-16.0, channels=1, voices=levels,
        activity=activity(SEGMENTS, DURATION_S), cuts=(), losses=(),
    )  # fmt: skip
    return replace(made, **changed)  # type: ignore[arg-type]


def mixed_sound() -> Sound:
    """The same room as one file of everybody."""
    rows = activity(SEGMENTS, DURATION_S).voices
    return sound(
        voices=(),
        activity=Activity(
            bin_s=BIN_S, voices=(("", tuple(max(levels) for levels in zip(*(row for _, row in rows), strict=True))),)
        ),
    )


def renditions(prefix: str) -> tuple[StoredRendition, ...]:
    kinds = (("mp3", "audio/mpeg", 96), ("m4a", "audio/mp4", 80), ("opus", "audio/ogg", 40))
    return tuple(
        StoredRendition(
            format=name, key=f"{prefix}episode.{name}", mime_type=mime, size_bytes=int(DURATION_S * kbps * 125),
            sha256="0" * 64, sha384="", duration_s=DURATION_S, channels=1,
            bitrate_kbps=kbps, integrated_lufs=-19.0, true_peak_dbtp=-1.4,
        )
        for name, mime, kbps in kinds
    )  # fmt: skip


def episode(slug: str = "q7c2mk4zta", **changed: object) -> Episode:
    started = datetime(2026, 11, 12, 19, 0, tzinfo=UTC)
    made = Episode(
        guid="6d0e8b4e-1f6e-5a55-8e0b-9c1c5a7b2f10", recording_id="r1", slug=slug, show_slug="late-build", state="complete",
        title="What the outage taught us",
        description="Two people saw the alert, both made a reasonable choice, and nobody was looking. "
        "Recorded live with ninety people in the room.",
        language="en", access="public", started_at=started, created_at=started, published_at=started, reason="", people=PEOPLE,
        sound=sound(), renditions=renditions(f"late-build/{slug}/"), chapters=CHAPTERS, words_key="",
        words=WordsInfo(engine="faster_whisper", model="small", quality="full", language="en", why="", count=1000),
    )  # fmt: skip
    return replace(made, **changed)  # type: ignore[arg-type]
