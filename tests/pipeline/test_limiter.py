import numpy as np
import pytest

from bench.sounds import speech, tone
from pipeline.limiter import Limiter
from pipeline.loudness import TruePeak

LOUD = np.concatenate([speech(4, -8, seed=1), tone(1, -1.5, hz=12_000), speech(3, -30, seed=2)])[None]


def limited(sound, ceiling_dbtp: float, block: int) -> np.ndarray:
    limiter = Limiter(len(sound), ceiling_dbtp)
    parts = [limiter(sound[:, start : start + block]) for start in range(0, sound.shape[1], block)]
    return np.concatenate([*parts, limiter.rest()], 1)


def true_peak(sound) -> float:
    peak = TruePeak(len(sound))
    peak(sound)
    return peak.dbtp()


@pytest.mark.parametrize("ceiling", [-1.0, -3.0, -9.0])
def test_no_true_peak_passes_the_ceiling(ceiling):
    assert true_peak(LOUD) > -1.0
    assert true_peak(limited(LOUD, ceiling, 480_000)) <= ceiling + 0.01


@pytest.mark.parametrize("block", [701, 7001, 48_000])
def test_blocks_of_any_length_give_the_same_sound(block):
    np.testing.assert_allclose(limited(LOUD, -3.0, block), limited(LOUD, -3.0, LOUD.shape[1]), atol=1e-6)


def test_what_lies_under_the_ceiling_is_not_touched():
    quiet = speech(3, -30)[None]
    np.testing.assert_array_equal(limited(quiet, -3.0, 48_000), quiet)


def test_gains_glide_and_never_click():
    out = limited(LOUD, -9.0, 480_000)
    known = (np.abs(LOUD) > 0.02)[0]
    gain = np.where(known, out[0] / np.where(known, LOUD[0], 1), 1)
    steps = np.abs(np.diff(gain))[known[1:] & known[:-1]]
    assert gain.min() < 0.9 and gain.max() <= 1.0001
    assert steps.max() < 0.002


def test_both_channels_are_turned_down_together():
    stereo = np.concatenate([LOUD, LOUD * 0.25])
    out = limited(stereo, -6.0, 480_000)
    np.testing.assert_allclose(out[1], out[0] * 0.25, atol=1e-6)
