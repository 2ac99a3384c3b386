from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.clock import TimeMap
from pipeline.cuts import PAUSED
from pipeline.joins import FADE, kept_samples, without_cuts
from pipeline.models import Cut, Timeline

RATE_HZ = 48_000
MILLISECONDS = st.integers(0, 2000).map(lambda ms: ms / 1000)
CUTS = st.lists(st.tuples(MILLISECONDS, MILLISECONDS, st.sampled_from((PAUSED, "silence"))), max_size=6)


def room(*cuts: Cut, length_s: float = 2.0) -> Timeline:
    return Timeline(tracks=(), separate=False, length_s=length_s, cuts=cuts)


def cut(start_s: float, end_s: float, why: str = "silence") -> Cut:
    return Cut(start_s=start_s, end_s=end_s, why=why)


def sample(seconds: float) -> int:
    return round(seconds * RATE_HZ)


def joined(timeline: Timeline, sound: np.ndarray, size: int = 480_000) -> np.ndarray:
    """What is heard of the sound, which reaches the joins in blocks of that size and stays as it was."""
    blocks = [(first, sound[:, first : first + size]) for first in range(0, sound.shape[1], size)]
    before = sound.copy()
    out = np.concatenate([np.zeros((len(sound), 0), np.float32), *without_cuts(timeline, blocks)], 1)
    np.testing.assert_array_equal(sound, before)
    return out


def counted(timeline: Timeline) -> np.ndarray:
    """A sound whose samples tell where they are, in two channels."""
    at = np.arange(sample(timeline.length_s), dtype=np.float32)
    return np.stack([at, -at])


def test_two_stretches_meet_in_equal_power_round_the_join():
    timeline = room(cut(0.5, 1.0))
    sound = np.zeros((1, sample(2.0)), np.float32)
    sound[:, : sample(0.75)] = 1.0
    before = joined(timeline, sound)[0]
    after = joined(timeline, np.where(sound > 0, 0, 1).astype(np.float32))[0]
    join, half = sample(0.5), FADE // 2
    np.testing.assert_allclose(before[FADE : 2 * join] ** 2 + after[FADE : 2 * join] ** 2, 1.0, atol=1e-6)
    assert (before[FADE : join - half] == 1).all() and not before[join + half :].any()
    assert before[join - 1] == pytest.approx(np.sqrt(0.5), abs=0.01) == after[join]
    assert np.abs(np.diff(before)[FADE:]).max() < 0.01


def test_every_sample_outside_a_fade_is_the_one_that_the_map_says():
    timeline = room(cut(0.0, 0.2), cut(0.5, 0.613), cut(0.9, 1.2, PAUSED), cut(1.7, 2.0))
    heard = joined(timeline, counted(timeline))
    times = TimeMap.of(timeline)
    assert heard.shape == (2, sample(times.duration_s))
    fades = [n for start, end in accumulated(timeline) for n in (start, end)]
    plain = [n for n in range(heard.shape[1]) if min(abs(n - fade) for fade in fades) > FADE]
    expected = [sample(times.room_s(n / RATE_HZ)) for n in plain]
    np.testing.assert_array_equal(heard[0, plain], expected)
    np.testing.assert_array_equal(heard[1, plain], np.negative(expected))


def accumulated(timeline: Timeline) -> list[tuple[int, int]]:
    """Where each stretch begins and ends in the episode."""
    lengths = [end - start for start, end in kept_samples(timeline)]
    ends = list(accumulate(lengths))
    return [(end - length, end) for end, length in zip(ends, lengths, strict=True)]


@pytest.mark.parametrize(
    "cuts",
    [
        [cut(0.5, 1.0, PAUSED)],
        [cut(0.4, 0.5), cut(0.5, 1.0, PAUSED), cut(1.0, 1.1)],
        [cut(0.496, 0.5), cut(0.5, 1.0, PAUSED), cut(1.0, 1.004)],
        [cut(0.5, 1.0, PAUSED), cut(1.003, 1.5)],
        [cut(0.0, 0.5), cut(0.5, 1.0, PAUSED)],
    ],
    ids=["alone", "between cuts", "between cuts shorter than a fade", "near another", "behind dead air"],
)
def test_nothing_of_a_pause_is_ever_heard(cuts):
    sound = np.full((1, sample(2.0)), 0.25, np.float32)
    sound[:, sample(0.5) : sample(1.0)] = 1e6
    heard = joined(room(*cuts), sound)[0]
    assert heard.max() <= 0.36 and np.abs(np.diff(heard)).max() < 0.01


def test_a_room_begins_and_ends_softly():
    heard = joined(room(), np.ones((1, sample(2.0)), np.float32))[0]
    assert heard[0] < 0.01 and heard[-1] < 0.01 and (heard[FADE:-FADE] == 1).all()


def test_of_a_room_that_is_cut_whole_nothing_is_heard():
    assert joined(room(cut(0, 2)), counted(room())).shape == (2, 0)


@pytest.mark.parametrize("size", [97, 480, 4801, 20_000])
def test_blocks_of_any_size_are_joined_alike(size):
    timeline = room(cut(0.3, 0.5), cut(0.512, 0.7), cut(0.8, 0.803), cut(1.0, 1.5, PAUSED))
    rng = np.random.default_rng(4)
    sound = rng.standard_normal((2, sample(2.0))).astype(np.float32)
    np.testing.assert_array_equal(joined(timeline, sound, size), joined(timeline, sound))


@given(CUTS, st.integers(300, 100_000))
def test_whatever_is_cut_the_episode_is_as_long_as_the_map_says_and_no_louder_than_two(drawn, size):
    timeline = room(*(cut(*sorted(pair), why) for *pair, why in drawn))
    heard = joined(timeline, np.ones((1, sample(2.0)), np.float32), size)
    assert heard.shape[1] == sum(end - start for start, end in kept_samples(timeline))
    assert heard.shape[1] == sample(TimeMap.of(timeline).duration_s)
    assert heard.max(initial=0) <= np.sqrt(2) + 1e-6
