"""What nobody hears is told nowhere."""

import pytest

from pipeline.edits import Mute
from pipeline.models import Segment, Transcript, Word
from pipeline.unsaid import is_muted, said


def spoken(speaker: str | None, start_s: float, text: str) -> Segment:
    """A word a second."""
    words = tuple(Word(text=word, start_s=start_s + n, end_s=start_s + n + 1) for n, word in enumerate(text.split()))
    return Segment(speaker=speaker, start_s=start_s, end_s=start_s + len(words), text=text, words=words)


def texts(*mutes: Mute) -> list[str]:
    transcript = Transcript(
        engine="x", model="y", quality="full", language="en",
        segments=(spoken("ann", 0, "one two three four five"), spoken("ben", 5, "six seven"), spoken(None, 7, "eight")),
    )  # fmt: skip
    return [segment.text for segment in said(transcript, mutes).segments]


@pytest.mark.parametrize(
    ("mute", "left"),
    [
        (Mute(participant="ann"), ["six seven", "eight"]),
        (Mute(participant="ben", start_s=6.0), ["one two three four five", "six", "eight"]),
        (Mute(participant="ann", start_s=2.0, end_s=3.0), ["one two", "four five", "six seven", "eight"]),
        (Mute(participant=None, start_s=4.0, end_s=7.0), ["one two three four", "eight"]),
        (Mute(participant="ann", start_s=5.0), ["one two three four five", "six seven", "eight"]),
    ],
)
def test_the_words_of_a_mute_are_gone_and_no_others(mute: Mute, left: list[str]) -> None:
    assert texts(mute) == left


def test_what_is_left_on_both_sides_keeps_its_times() -> None:
    transcript = Transcript(engine="x", model="y", quality="full", language="en", segments=(spoken("ann", 10, "a b c d"),))
    before, after = said(transcript, (Mute(participant="ann", start_s=11.0, end_s=13.0),)).segments
    assert [(s.start_s, s.end_s, len(s.words)) for s in (before, after)] == [(10.0, 11.0, 1), (13.0, 14.0, 1)]


def test_a_segment_without_words_loses_the_share_that_is_muted() -> None:
    transcript = Transcript(
        engine="x", model="y", quality="full", language="en",
        segments=(Segment(speaker="ann", start_s=0, end_s=10, text="aaaa bbbb cccc dddd"),),
    )  # fmt: skip
    assert [s.text for s in said(transcript, (Mute(participant="ann", start_s=5.0),)).segments] == ["aaaa bbbb"]


def test_a_mute_ends_where_it_says() -> None:
    mutes = (Mute(participant="ann", start_s=1.0, end_s=2.0),)
    assert [is_muted(mutes, "ann", at_s) for at_s in (0.9, 1.0, 1.9, 2.0)] == [False, True, True, False]
    assert not is_muted(mutes, "ben", 1.5)
