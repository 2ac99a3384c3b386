"""A creator's edit list: what is said later stands, and nothing that was said of other seconds is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.editing import begin_at, cut, end_at, keep, mute, seconds_of, stretch_of, unmute
from pipeline.edits import Edits, Mute, Stretch
from pipeline.errors import Refused

SECONDS = st.integers(0, 60)
CHANGES = st.lists(st.tuples(st.sampled_from([cut, keep]), SECONDS, SECONDS), max_size=8)


def stretch(start_s: float, end_s: float) -> Stretch:
    return Stretch(start_s=start_s, end_s=end_s)


def is_in(stretches: tuple[Stretch, ...], at_s: float) -> bool:
    return any(one.start_s <= at_s < one.end_s for one in stretches)


@given(CHANGES)
def test_of_every_second_the_last_word_stands(changes: list) -> None:
    edits, last = Edits(), dict[int, str]()
    for change, one, other in changes:
        if one == other:
            continue
        edits = change(edits, stretch(min(one, other), max(one, other)))
        last |= dict.fromkeys(range(min(one, other), max(one, other)), change.__name__)
    for second in range(60):
        said = {"cut": is_in(edits.cuts, second + 0.5), "keep": is_in(edits.kept, second + 0.5)}
        assert said == {"cut": last.get(second) == "cut", "keep": last.get(second) == "keep"}


def test_an_episode_begins_earlier_than_the_machine_would_begin_it() -> None:
    edits = begin_at(Edits(), 1.0, [stretch(0, 20)])
    assert (edits.cuts, edits.kept) == ((stretch(0, 1),), (stretch(1, 20),))


def test_a_trim_takes_back_one_that_was_longer() -> None:
    edits = begin_at(begin_at(Edits(), 30.0, []), 10.0, [])
    assert edits.cuts == (stretch(0, 10),)
    edits = end_at(end_at(Edits(), 50.0, [], 60.0), 55.0, [], 60.0)
    assert edits.cuts == (stretch(55, 60),)


def test_an_episode_ends_later_than_the_machine_would_end_it() -> None:
    edits = end_at(Edits(), 58.0, [stretch(40, 60)], 60.0)
    assert (edits.cuts, edits.kept) == ((stretch(58, 60),), (stretch(40, 58),))


def test_cuts_elsewhere_survive_a_trim() -> None:
    edits = begin_at(cut(Edits(), stretch(30, 35)), 5.0, [])
    assert edits.cuts == (stretch(0, 5), stretch(30, 35))


def test_a_voice_is_muted_once_and_heard_again() -> None:
    ann, ben = Mute(participant="ann"), Mute(participant="ben", start_s=3.0, end_s=4.0)
    edits = mute(mute(mute(Edits(), ann), ben), ann)
    assert edits.mutes == (ann, ben)
    assert unmute(edits, "ann").mutes == (ben,)


@pytest.mark.parametrize(
    ("written", "seconds"), [("12:30", 750.0), ("1:02:03.5", 3723.5), ("750", 750.0), (" 0:07.25 ", 7.25), ("90.125", 90.125)]
)
def test_times_are_read_as_people_write_them(written: str, seconds: float) -> None:
    assert seconds_of(written) == seconds


@pytest.mark.parametrize("written", ["", "12:99", "1:2:3:4", "-5", "nan", "1e9", "١٢:٣٠", "12:30:", "9999999"])
def test_what_is_no_time_is_refused_with_an_example(written: str) -> None:
    with pytest.raises(Refused, match="12:30"):
        seconds_of(written)


def test_a_stretch_has_two_times_in_order() -> None:
    assert stretch_of("12:30-13:05") == stretch(750, 785)
    for written in ("12:30", "13:05-12:30", "12:30-12:30"):
        with pytest.raises(Refused):
            stretch_of(written)
