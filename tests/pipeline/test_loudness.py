import numpy as np
import pytest

from bench.sounds import noise, silence, speech
from pipeline.loudness import Meter, TruePeak, integrated
from pipeline.weighting import Weighting, k_weighting


def metered(sound, block: int = 480_000) -> Meter:
    sound = np.atleast_2d(sound)
    meter = Meter(len(sound))
    for start in range(0, sound.shape[1], block):
        meter(sound[:, start : start + block])
    return meter


def test_the_filters_are_those_of_the_standard_at_48_khz():
    shelf, high_pass = k_weighting(48_000)
    assert shelf[0] == pytest.approx([1.53512485958697, -2.69169618940638, 1.19839281085285])
    assert shelf[1] == pytest.approx([1, -1.69065929318241, 0.73248077421585])
    assert high_pass[1] == pytest.approx([1, -1.99004745483398, 0.99007225036621])


def test_the_weighting_is_both_filters_one_behind_the_other():
    sound = expected = noise(0.3, -20) + np.float32(0.5)
    for b, a in k_weighting(48_000):
        expected = filtered(expected, b, a)
    weighting = Weighting()
    heard = np.concatenate([weighting(block) for block in (sound[:320], sound[320:9600], sound[9600:])])
    np.testing.assert_allclose(heard, expected, atol=2e-6)


def filtered(sound, b, a):
    """The same filter by its definition, sample by sample."""
    x, y = np.concatenate([[0, 0], sound.astype(np.float64)]), np.zeros(len(sound) + 2)
    for n in range(2, len(y)):
        y[n] = b[0] * x[n] + b[1] * x[n - 1] + b[2] * x[n - 2] - a[1] * y[n - 1] - a[2] * y[n - 2]
    return y[2:]


def test_silence_soon_leaves_no_ringing():
    weighting = Weighting()
    weighting(noise(1.0, -20))
    weighting(silence(10.0))
    assert not weighting.state.any()


@pytest.mark.parametrize("block", [4800, 9600, 144_000])
def test_the_reading_does_not_depend_on_how_the_sound_is_cut_into_blocks(block):
    sound = speech(6, -20)
    assert metered(sound, block).integrated_lufs() == pytest.approx(metered(sound).integrated_lufs(), abs=1e-4)


def test_silence_has_no_loudness_and_no_peak():
    meter = metered(silence(5))
    assert meter.integrated_lufs() is None
    assert meter.peak.dbtp() is None


def test_less_than_a_block_is_measured_too():
    assert integrated(np.full(2, 0.01)) is not None


def test_a_peak_between_two_samples_is_found():
    between = np.sin(np.pi / 2 * np.arange(48_000) + np.pi / 4).astype(np.float32)[None]
    peak = TruePeak(1)
    peak(between)
    assert np.abs(between).max() == pytest.approx(0.7071, abs=1e-3)
    assert peak.dbtp() == pytest.approx(0.0, abs=0.2)


def test_a_true_peak_on_the_border_of_two_blocks_is_found():
    sound = silence(1)[None].copy()
    sound[0, 24_000:24_002] = 0.7
    whole, halves = TruePeak(1), TruePeak(1)
    whole(sound)
    halves(sound[:, :24_001])
    halves(sound[:, 24_001:])
    assert halves.dbtp() == pytest.approx(whole.dbtp())
    assert whole.dbtp() > 20 * np.log10(0.7) + 1
