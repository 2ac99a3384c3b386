import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.clock import TimeMap, merged, spoken, written, written_full, written_ms
from pipeline.models import Cut

SECONDS = st.floats(0, 120, allow_nan=False).map(lambda s: round(s, 3))
CUTS = st.lists(st.tuples(SECONDS, SECONDS), max_size=8).map(lambda pairs: tuple(cut(*sorted(pair)) for pair in pairs))


def cut(start_s: float, end_s: float, why: str = "why") -> Cut:
    return Cut(start_s=start_s, end_s=end_s, why=why)


def test_cuts_that_touch_become_one_and_keep_the_first_reason():
    cuts = (cut(5, 9, "later"), cut(2, 5, "first"), cut(20, 99), cut(-3, 1), cut(11, 11))
    assert merged(cuts, 30) == (cut(0, 1), cut(2, 9, "first"), cut(20, 30))


def test_episode_seconds_are_room_seconds_without_the_cuts():
    times = TimeMap(100, (cut(0, 10), cut(40, 60)))
    assert times.duration_s == 70
    assert times.kept == ((10, 40), (60, 100))
    assert [times.episode_s(s) for s in (0, 9, 10, 39, 50, 60, 100, 120)] == [0, 0, 0, 29, 30, 30, 70, 70]
    assert [times.room_s(s) for s in (0, 29, 30, 70)] == [10, 39, 60, 100]
    assert [times.is_cut(s) for s in (-1, 0, 10, 40, 59.9, 60, 100)] == [True, True, False, True, True, False, True]


@given(CUTS, SECONDS)
@example((cut(1.062, 10),), 10.0)
def test_the_way_back_leads_to_the_same_room_second(cuts, at_s):
    times = TimeMap(130.0, cuts)
    if not times.is_cut(at_s):
        assert times.room_s(times.episode_s(at_s)) == pytest.approx(at_s, abs=1e-6)


@given(CUTS)
def test_what_is_kept_and_what_is_cut_make_the_whole(cuts):
    times = TimeMap(130.0, cuts)
    assert times.duration_s + sum(c.end_s - c.start_s for c in times.cuts) == pytest.approx(130.0)
    assert sum(end - start for start, end in times.kept) == pytest.approx(times.duration_s)


@given(CUTS, SECONDS, SECONDS)
def test_no_two_seconds_change_places(cuts, one_s, other_s):
    times = TimeMap(130.0, cuts)
    assert times.episode_s(min(one_s, other_s)) <= times.episode_s(max(one_s, other_s))


@pytest.mark.parametrize(
    ("seconds", "short", "full", "exact"),
    [
        (0, "0:00", "00:00:00", "00:00:00.000"),
        (59.9996, "0:59", "00:00:59", "00:01:00.000"),
        (871.25, "14:31", "00:14:31", "00:14:31.250"),
        (3723.004, "1:02:03", "01:02:03", "01:02:03.004"),
        (360_000, "100:00:00", "100:00:00", "100:00:00.000"),
        (-5, "0:00", "00:00:00", "00:00:00.000"),
    ],
)
def test_times_are_written_as_each_reader_wants_them(seconds, short, full, exact):
    assert (written(seconds), written_full(seconds), written_ms(seconds)) == (short, full, exact)


def test_subrip_wants_a_comma():
    assert written_ms(1.5, mark=",") == "00:00:01,500"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (59.4, "59 seconds"),
        (60, "1 minute"),
        (3480, "58 minutes"),
        (3600, "1 hour"),
        (7320, "2 hours 2 minutes"),
    ],
)
def test_a_length_in_words(seconds, words):
    assert spoken(seconds) == words
