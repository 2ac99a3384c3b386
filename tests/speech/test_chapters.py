"""Where chapters begin and what they are called, as a listener expects it whatever the room was."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.chapters import LEAST_F1, MOST_PK, MOST_S, TALKS, mean, measured
from pipeline.chapter import Chapter, chapter
from pipeline.clock import TimeMap
from pipeline.models import Cut, Participant, Quality, RoomEvent, Segment, Transcript
from pipeline.plan import ChapterPlan

TOPICS = {
    "bread": "flour water salt yeast dough oven crust baker kneading",
    "money": "budget savings invoice salary taxes pension interest loans",
    "garden": "tomatoes soil compost seeds watering slugs greenhouse pruning",
    "trains": "timetable carriage railway platform locomotive ticket junction",
    "music": "guitar melody rhythm chorus album concert microphone tuning",
}


def talk(topic: str, at_s: float, *, answers: int = 4, asked: bool = True, pause_s: float = 1.0) -> list[Segment]:
    """A host's question about a topic and a guest's long answer: some four minutes with twelve answers."""
    words = TOPICS[topic].split()
    out = [
        Segment(
            speaker="host", start_s=at_s, end_s=at_s + 8, text=f"Let's talk about something else. How do you feel about {topic}?"
        )
    ]
    if not asked:
        out = []
    for n in range(answers):
        start_s = at_s + 8 + pause_s + n * (18 + pause_s)
        one, two, three = (words[(n + k) % len(words)] for k in range(3))
        text = f"I had {one} and {two} near the {topic} with {three} yesterday."
        out.append(Segment(speaker="guest", start_s=start_s, end_s=start_s + 18, text=f"{text} Then {topic} again."))
    return out


def conversation(*topics: str, answers: int = 12) -> tuple[Segment, ...]:
    each_s = 8 + answers * 19 + 2.0
    return tuple(segment for n, topic in enumerate(topics) for segment in talk(topic, n * each_s, answers=answers))


def transcript(segments: tuple[Segment, ...], quality: Quality = "full") -> Transcript:
    return Transcript(engine="any", model="", quality=quality if segments else "none", language="en", segments=segments)


def chaptered(
    words: Transcript,
    *,
    length_s: float | None = None,
    pins: tuple[tuple[float, str], ...] = (),
    cuts: tuple[Cut, ...] = (),
    plan: ChapterPlan | None = None,
) -> tuple[Chapter, ...]:
    return chapter(
        words,
        participants=(Participant(identity="host", name="Ana", role="host"), Participant(identity="guest", name="Bento")),
        events=tuple(
            RoomEvent(t_s=t, type="topic_pinned", title=title, url=f"https://example.org/{n}") for n, (t, title) in enumerate(pins)
        ),
        time_map=TimeMap(length_s or (words.segments[-1].end_s + 1), cuts),
        plan=plan or ChapterPlan(),
    )


WORDS = transcript(conversation(*TOPICS))
NO_WORDS = transcript(())


def starts(chapters: tuple[Chapter, ...]) -> list[float]:
    return [round(c.start_s, 2) for c in chapters]


def test_a_talk_about_five_things_has_five_chapters_that_name_them() -> None:
    chapters = chaptered(WORDS)
    questions = [s.start_s for s in WORDS.segments if s.speaker == "host"]
    assert starts(chapters) == [0.0, *(round(q - 0.15, 2) for q in questions[1:])]
    assert all(topic in c.title.lower() for topic, c in zip(TOPICS, chapters, strict=True))
    assert {c.source for c in chapters} == {"computed"}


def test_without_words_there_are_no_chapters_but_pinned_ones_at_their_own_time() -> None:
    assert chaptered(NO_WORDS, length_s=3600) == ()
    chapters = chaptered(NO_WORDS, length_s=3600, pins=((600, "Bread"), (1800, "Money")))
    assert [(c.start_s, c.end_s, c.title, c.source) for c in chapters] == [
        (0, 600, "Intro", "computed"),
        (600, 1800, "Bread", "pinned"),
        (1800, 3600, "Money", "pinned"),
    ]
    assert chapters[1].url == "https://example.org/0"


def test_a_draft_names_no_chapter_but_shows_where_a_pinned_topic_begins() -> None:
    draft = transcript(WORDS.segments, "draft")
    assert chaptered(draft) == ()
    question_s = [s.start_s for s in WORDS.segments if s.speaker == "host"][2]
    chapters = chaptered(draft, pins=((question_s + 20, "Our garden"),))
    assert [c.title for c in chapters] == ["Intro", "Our garden"]
    assert chapters[1].start_s == pytest.approx(question_s - 0.15, abs=0.01)


def test_a_pin_wins_over_what_is_computed_and_the_rest_stays() -> None:
    question_s = [s.start_s for s in WORDS.segments if s.speaker == "host"][2]
    plain, pinned = chaptered(WORDS), chaptered(WORDS, pins=((question_s + 30, "Our garden"),))
    assert starts(pinned) == starts(plain)
    assert [c.title for c in pinned if c.source == "pinned"] == ["Our garden"]
    assert pinned[2].title == "Our garden" and pinned[2].url == "https://example.org/0"


def test_an_early_pin_opens_the_episode_and_a_slip_is_forgotten() -> None:
    chapters = chaptered(
        NO_WORDS, length_s=900, pins=((20, "Welcome"), (300, "Bred"), (306, "Bread"), (500, "Bread"), (895, "Bye"))
    )
    assert [(c.start_s, c.title) for c in chapters] == [(0, "Welcome"), (306, "Bread")]


def test_a_short_episode_has_pinned_chapters_only() -> None:
    short = transcript(conversation("bread", "money", "garden", answers=8))
    assert short.segments[-1].end_s < 600
    assert chaptered(short) == ()
    assert [c.source for c in chaptered(short, pins=((200, "Money"),))] == ["computed", "pinned"]
    assert len(chaptered(short, plan=ChapterPlan(min_room_s=300, target_s=150))) == 3


def test_chapters_follow_cuts_and_begin_where_the_episode_does() -> None:
    cuts = (Cut(start_s=0, end_s=100, why="dead air"), Cut(start_s=300, end_s=330, why="dead air"))
    chapters = chaptered(WORDS, cuts=cuts)
    assert chapters[0].start_s == 100
    assert chapters[-1].end_s == pytest.approx(WORDS.segments[-1].end_s + 1)
    assert all(not (cut.start_s < c.start_s < cut.end_s) for cut in cuts for c in chapters)


def test_a_lone_voice_without_topics_gets_few_chapters_or_none() -> None:
    segments = tuple(s for n in range(20) for s in talk("bread", n * 90.0, asked=False))
    assert len(chaptered(transcript(segments))) <= 12


@st.composite
def rooms(draw: st.DrawFn) -> tuple[Transcript, float, tuple[tuple[float, str], ...], tuple[Cut, ...]]:
    """Any conversation: any topics, pauses, lengths, pins and cuts."""
    segments: list[Segment] = []
    for topic, answers, pause_s in draw(
        st.lists(st.tuples(st.sampled_from(sorted(TOPICS)), st.integers(0, 30), st.floats(0, 40)), max_size=25)
    ):
        segments += talk(
            topic,
            segments[-1].end_s + pause_s if segments else pause_s,
            answers=answers,
            asked=draw(st.booleans()),
            pause_s=pause_s,
        )
    length_s = (segments[-1].end_s if segments else 0) + draw(st.floats(1, 4000))
    pins = draw(st.lists(st.tuples(st.floats(-50, length_s + 50), st.sampled_from(["One", "Two", "Three"])), max_size=8))
    edges = sorted(draw(st.lists(st.floats(0, length_s), min_size=0, max_size=6)))
    cuts = tuple(Cut(start_s=a, end_s=b, why="dead air") for a, b in zip(edges[::2], edges[1::2], strict=False))
    quality: Quality = draw(st.sampled_from(["full", "draft"]))
    return transcript(tuple(segments), quality), length_s, tuple(pins), cuts


@given(rooms())
@settings(max_examples=60, deadline=None)
def test_whatever_the_room_chapters_are_as_a_listener_expects(
    room: tuple[Transcript, float, tuple[tuple[float, str], ...], tuple[Cut, ...]],
) -> None:
    words, length_s, pins, cuts = room
    chapters = chaptered(words, length_s=length_s, pins=pins, cuts=cuts)
    assert chapters == chaptered(words, length_s=length_s, pins=pins, cuts=cuts)
    if not chapters:
        return
    time_map = TimeMap(length_s, cuts)
    heard_s = [time_map.episode_s(c.start_s) for c in chapters]
    lengths_s = [b - a for a, b in zip(heard_s, [*heard_s[1:], time_map.duration_s], strict=True)]
    assert heard_s[0] == 0
    assert chapters[0].start_s == pytest.approx(time_map.room_s(0), abs=0.001)
    assert all(a.end_s == b.start_s for a, b in pairwise(chapters))
    assert all(length >= 14.9 for length in lengths_s)
    computed = [n for n, c in enumerate(chapters) if c.source == "computed" and n]
    assert all(lengths_s[n] >= 59.9 and lengths_s[n - 1] >= 59.9 for n in computed)
    assert len(chapters) >= 3 or any(c.source == "pinned" for c in chapters) or len(pins) > 0
    assert len(chapters) <= 30
    titles = [c.title for c in chapters if c.source == "computed"]
    assert len({t.casefold() for t in titles}) == len(titles)
    assert all(t and len(t) <= 45 and t[-1] not in ".,;:!…" and t == t.strip() for t in titles)


@pytest.mark.parametrize("speakers", [True, False])
def test_chapters_match_those_that_people_set(speakers: bool) -> None:
    if not Path(TALKS).is_file():
        pytest.skip("the labelled talks are not beside the project")
    score = mean(measured(TALKS, speakers=speakers))
    assert score.pk <= MOST_PK
    assert score.f1 >= LEAST_F1
    assert 0.8 <= score.count_ratio <= 1.2
    assert score.seconds_per_hour < MOST_S
