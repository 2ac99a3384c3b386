import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.clock import TimeMap, spoken, written, written_full, written_ms
from pipeline.models import Cut, Timeline

SECONDS = st.floats(0, 120, allow_nan=False).map(lambda s: round(s, 3))
MUSIC = st.floats(0, 30, allow_nan=False).map(lambda s: round(s, 3))
CUTS = st.lists(st.tuples(SECONDS, SECONDS), max_size=8).map(lambda pairs: tuple(cut(*sorted(pair)) for pair in pairs))


def cut(start_s: float, end_s: float, why: str = "why") -> Cut:
    return Cut(start_s=start_s, end_s=end_s, why=why)


def test_episode_seconds_are_room_seconds_without_the_cuts():
    times = TimeMap(100, (cut(0, 10), cut(40, 60)))
    assert times.duration_s == 70
    assert times.kept == ((10, 40), (60, 100))
    assert [times.episode_s(s) for s in (0, 9, 10, 39, 50, 60, 100, 120)] == [0, 0, 0, 29, 30, 30, 70, 70]
    assert [times.room_s(s) for s in (0, 29, 30, 70)] == [10, 39, 60, 100]
    assert [times.is_cut(s) for s in (-1, 0, 10, 40, 59.9, 60, 100)] == [True, True, False, True, True, False, True]


def test_music_is_heard_before_the_room_and_after_it():
    times = TimeMap(100, (cut(0, 10), cut(40, 60), cut(90, 100)), intro_s=7, outro_s=5)
    assert times.duration_s == 7 + 60 + 5
    assert [times.episode_s(s) for s in (0, 10, 50, 60, 90, 100)] == [7, 7, 37, 37, 67, 67]
    assert [times.room_s(s) for s in (0, 7, 36, 37, 66, 67, 72)] == [10, 10, 39, 60, 89, 90, 90]


def test_an_episode_of_nothing_but_music_leads_to_no_room_second():
    times = TimeMap(10, (cut(0, 10),), intro_s=3, outro_s=2)
    assert (times.duration_s, times.kept, times.episode_s(5), times.is_cut(times.room_s(4))) == (5, (), 3, True)


def test_the_map_of_a_timeline_knows_all_of_it():
    timeline = Timeline(tracks=(), separate=False, length_s=30, cuts=(cut(2, 5),), intro_s=4, outro_s=1)
    assert TimeMap.of(timeline) == TimeMap(30, (cut(2, 5),), intro_s=4, outro_s=1)


@given(CUTS, SECONDS, MUSIC)
@example((cut(1.062, 10),), 10.0, 0.0)
def test_the_way_back_leads_to_the_same_room_second(cuts, at_s, music_s):
    times = TimeMap(130.0, cuts, intro_s=music_s)
    if not times.is_cut(at_s):
        assert times.room_s(times.episode_s(at_s)) == pytest.approx(at_s, abs=1e-6)


@given(CUTS, MUSIC, st.floats(0, 0.999))
def test_whatever_moment_of_the_room_a_listener_asks_for_is_one_that_is_heard(cuts, music_s, share):
    times = TimeMap(130.0, cuts, intro_s=music_s, outro_s=2.0)
    if times.kept:
        heard_s = times.duration_s - music_s - 2.0
        at_s = times.room_s(round(music_s + share * (heard_s - 0.001), 3))
        assert not times.is_cut(at_s)
        assert not times.is_cut(times.room_s(0)) and times.room_s(times.duration_s) == times.kept[-1][1]


@given(CUTS, MUSIC, MUSIC)
def test_what_is_kept_and_what_is_cut_make_the_whole(cuts, before_s, after_s):
    times = TimeMap(130.0, cuts, before_s, after_s)
    assert times.duration_s + sum(c.end_s - c.start_s for c in times.cuts) == pytest.approx(130.0 + before_s + after_s)
    assert sum(end - start for start, end in times.kept) == pytest.approx(times.duration_s - before_s - after_s)


@given(CUTS, SECONDS, SECONDS, MUSIC)
def test_no_two_seconds_change_places(cuts, one_s, other_s, music_s):
    times = TimeMap(130.0, cuts, music_s)
    one, other = sorted((one_s, other_s))
    assert times.episode_s(one) <= times.episode_s(other)
    assert times.room_s(one) <= times.room_s(other)


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
