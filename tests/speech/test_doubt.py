"""What a recogniser makes up goes, and what was said stays as it was said."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.doubt import in_time, is_looping, without_loops, without_parroting
from pipeline.leaks import without_leaks
from pipeline.models import Segment, Word
from pipeline.sentences import sentences


def segment(text: str, start_s: float = 0.0, each_s: float = 0.3, confidence: float = 0.9, speaker: str | None = None) -> Segment:
    """The text said at an even pace."""
    words = tuple(
        Word(text=t, start_s=start_s + n * each_s, end_s=start_s + (n + 1) * each_s, confidence=confidence)
        for n, t in enumerate(text.split())
    )
    return Segment(speaker=speaker, start_s=words[0].start_s, end_s=words[-1].end_s, text=text, words=words)


def text_of(segments: tuple[Segment, ...]) -> str:
    return " | ".join(s.text for s in segments)


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("well " + "thank you " * 20, "well thank you"),
        ("so so so so so so so so so so it begins", "so it begins"),
        ("we talk about bread. " * 9, "we talk about bread."),
        ("no no no no, not that", "no no no no, not that"),
        ("row, row, row your boat gently down the stream", "row, row, row your boat gently down the stream"),
    ],
)
def test_a_loop_is_said_once_and_an_emphasis_stays(said: str, left: str) -> None:
    assert text_of(without_loops((segment(said.strip()),))) == left


def test_a_loop_over_many_segments_is_cut_and_a_greeting_said_again_later_is_not() -> None:
    assert text_of(without_loops(tuple(segment("Thanks for watching.", n * 1.0) for n in range(9)))) == "Thanks for watching."
    assert len(without_loops(tuple(segment("Thanks for watching.", n * 60.0) for n in range(9)))) == 9


@given(st.lists(st.sampled_from("abcdefgh"), max_size=60))
def test_cutting_loops_leaves_words_in_order(texts: list[str]) -> None:
    segments = (segment(" ".join(texts)),) if texts else ()
    once = without_loops(segments)
    kept = iter(texts)
    assert all(word in kept for s in once for word in s.text.split())
    assert all(" ".join(w.text for w in s.words) == s.text for s in once)


def test_a_caught_recogniser_is_noticed() -> None:
    assert is_looping((segment("ha ha ha ha ha ha ha ha ha"),))
    assert is_looping((segment("one two three four five six seven eight nine ten eleven twelve", each_s=0.05),))
    assert not is_looping((segment("a perfectly normal sentence about bread and how to bake it"),))


@pytest.mark.parametrize(
    ("text", "confidence", "stays"),
    [
        ("Ana Bento Carla Duarte", 0.9, False),
        ("Bento Carla Duarte", 0.9, False),
        ("Carla", 0.2, False),
        ("Carla!", 0.9, True),
        ("Duarte Ana", 0.9, True),
        ("With us are Ana Bento and Carla Duarte", 0.9, True),
    ],
)
def test_reciting_the_hints_is_no_speech_and_a_name_called_is(text: str, confidence: float, stays: bool) -> None:
    said = segment(text, confidence=confidence)
    assert without_parroting((said,), ("Ana Bento", "Carla Duarte")) == ((said,) if stays else ())


wild = st.floats(-1000, 1000)
wild_words = st.lists(st.builds(Word, text=st.sampled_from(["a", "longer"]), start_s=wild, end_s=wild), max_size=6)
wild_segment: Callable[..., st.SearchStrategy[Segment]] = lambda: st.builds(  # noqa: E731
    lambda words, a, b: Segment(speaker=None, start_s=a, end_s=b, text=" ".join(w.text for w in words) or "x", words=tuple(words)),
    wild_words, wild, wild,
)  # fmt: skip


@given(st.lists(wild_segment(), max_size=5), st.floats(1, 400), st.floats(0, 9000))
def test_times_are_in_order_inside_the_slice_and_no_longer_than_words_last(
    segments: list[Segment], length_s: float, start_s: float
) -> None:
    timed = in_time(segments, start_s, length_s)
    assert len(timed) == len(segments)
    times = [t for s in timed for w in s.words for t in (w.start_s, w.end_s)]
    assert times == sorted(times)
    for s in timed:
        assert start_s - 0.01 <= s.start_s <= s.end_s <= start_s + length_s + 0.01
        assert all(w.end_s - w.start_s <= 1.002 + 0.1 * len(w.text) for w in s.words)


def test_a_word_in_two_microphones_stays_where_it_is_louder() -> None:
    spoken = ((0, segment("the bread is fresh", 10.0)), (1, segment("bread is", 10.35)), (1, segment("is it?", 30.0)))
    kept = without_leaks(spoken, lambda track, start_s, end_s: (-20.0, -38.0)[track])
    assert [(track, s.text) for track, s in kept] == [(0, "the bread is fresh"), (1, "is it?")]


def test_two_who_say_the_same_word_equally_loud_both_said_it() -> None:
    spoken = ((0, segment("yes", 10.0)), (1, segment("yes", 10.1)))
    assert without_leaks(spoken, lambda track, start_s, end_s: -20.0 - track) == spoken


def test_sentences_have_their_own_words_and_times() -> None:
    said = segment("We bake. You eat “bread.” Who washes up? Nobody…")
    parts = sentences(said)
    assert [p.text for p in parts] == ["We bake.", "You eat “bread.”", "Who washes up?", "Nobody…"]
    assert [w for p in parts for w in p.words] == list(said.words)
    assert all((p.start_s, p.end_s) == (p.words[0].start_s, p.words[-1].end_s) for p in parts)


def test_sentences_without_word_times_share_the_time_by_their_length() -> None:
    parts = sentences(Segment(speaker=None, start_s=10.0, end_s=20.0, text="Half of it. Half of it."))
    assert [p.text for p in parts] == ["Half of it.", "Half of it."]
    assert parts[0].end_s == parts[1].start_s == pytest.approx(15, abs=0.3)


def test_numbers_and_abbreviations_within_a_sentence_do_not_end_it() -> None:
    assert len(sentences(segment("It costs 3.5 euros e.g. in spring"))) == 1
