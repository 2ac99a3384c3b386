"""Our meter beside two others, ffmpeg's and pyloudnorm, on the signals of EBU Tech 3341 and 3342 and on rooms."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from bench.ebur128 import ebur128
from bench.music import piece
from bench.sounds import RATE_HZ, Sound, encoded, loudness, noise, silence, talk, tone
from pipeline.decode import BLOCK
from pipeline.loudness import Meter, TruePeak

# Two equal channels are twice the power of one.
DUAL_MONO_LU = 3.01
# Tech 3341, 4.3: how far a meter of true peak may be off.
TOO_HIGH_DB, TOO_LOW_DB = 0.2, 0.4


def metered(sound: Sound) -> Meter:
    meter = Meter(len(sound))
    for first in range(0, sound.shape[1], BLOCK):
        meter(sound[:, first : first + BLOCK])
    return meter


def saved(folder: Path, sound: Sound) -> Path:
    """As float32, which clips nothing."""
    return encoded(folder / "sound.wav", sound, "-c:a", "pcm_f32le")


def steps(*parts: tuple[float, float]) -> Sound:
    """1 kHz in both channels, each part at its dBFS for its seconds."""
    one = np.concatenate([tone(seconds, dbfs) for dbfs, seconds in parts])
    return np.stack([one, one])


# ---- integrated loudness

TECH_3341 = {
    "1": (steps((-23, 20)), -23.0),
    "2": (steps((-33, 20)), -33.0),
    "3": (steps((-36, 10), (-23, 60), (-36, 10)), -23.0),
    "4": (steps((-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)), -23.0),
    "5": (steps((-26, 20), (-20, 20.1), (-26, 20)), -23.0),
}


@pytest.mark.parametrize("case", TECH_3341)
def test_three_meters_agree_on_the_loudness_of_ebu_tech_3341(case, tmp_path):
    sound, expected_lufs = TECH_3341[case]
    ours = metered(sound).integrated_lufs()
    assert ours == pytest.approx(expected_lufs, abs=0.1)
    assert ours == pytest.approx(loudness(sound), abs=0.1)
    assert ours == pytest.approx(ebur128(saved(tmp_path, sound)).integrated_lufs, abs=0.1)


def one_voice_among_silence() -> Sound:
    """What the gates are for: seconds of speech, minutes of nothing."""
    return np.concatenate([talk({"ann": -30.0}, rounds=2).mix, silence(30.0) + noise(30.0, -80)])[None]


ROOMS = {
    "far apart": lambda: talk({"ann": -35.0, "bob": -24.0, "cleo": -12.5}, rounds=2).mix[None],
    "mostly silent": one_voice_among_silence,
    "left and right": lambda: np.stack([talk({n: db}, rounds=3, ends_s=e).mix for n, db, e in (("a", -30, 2), ("b", -18, 2))]),
    "music": lambda: piece(45.0, -20.0),
    "music far left": lambda: piece(20.0, -26.0) * np.array([[1.0], [0.1]], np.float32),
}


@pytest.fixture(scope="module", params=ROOMS)
def room(request) -> Sound:
    return ROOMS[request.param]()


def test_three_meters_agree_on_rooms(room, tmp_path):
    ours, theirs = metered(room), ebur128(saved(tmp_path, room))
    assert ours.integrated_lufs() == pytest.approx(loudness(room), abs=0.1)
    assert ours.integrated_lufs() == pytest.approx(theirs.integrated_lufs, abs=0.1)
    assert ours.peak.dbtp() == pytest.approx(theirs.true_peak_dbtp, abs=0.2)
    assert ours.loudness_range_lu() == pytest.approx(theirs.loudness_range_lu, abs=0.3)


def test_one_channel_is_measured_as_one_and_not_as_two_equal_ones(tmp_path):
    sound = talk({"ann": -24.0, "bob": -18.0}, rounds=1).mix[None]
    path, ours = saved(tmp_path, sound), metered(sound).integrated_lufs()
    assert ours == pytest.approx(ebur128(path).integrated_lufs, abs=0.1)
    assert ours + DUAL_MONO_LU == pytest.approx(ebur128(path, dual_mono=True).integrated_lufs, abs=0.1)
    assert ours + DUAL_MONO_LU == pytest.approx(metered(np.concatenate([sound, sound])).integrated_lufs(), abs=0.01)


# ---- loudness range

TECH_3342 = {
    "1": (steps((-20, 20), (-30, 20)), 10.0),
    "2": (steps((-20, 20), (-15, 20)), 5.0),
    "3": (steps((-40, 20), (-20, 20)), 20.0),
    "4": (steps((-50, 20), (-35, 20), (-20, 20), (-35, 20), (-50, 20)), 15.0),
}


@pytest.mark.parametrize("case", TECH_3342)
def test_the_loudness_range_is_what_ebu_tech_3342_asks_and_another_meter_reads(case, tmp_path):
    sound, expected_lu = TECH_3342[case]
    ours = metered(sound).loudness_range_lu()
    assert ours == pytest.approx(expected_lu, abs=1.0)
    assert ours == pytest.approx(ebur128(saved(tmp_path, sound)).loudness_range_lu, abs=0.3)


# ---- true peak


def sine(per_rate: int, phase_degrees: float, peak: float) -> Sound:
    """A sine of a whole fraction of the rate for a second, faded in and out so that its ends make no peak of their own."""
    at = np.arange(RATE_HZ)
    fade = np.clip(np.minimum(at, at[::-1]) / (RATE_HZ / 100), 0, 1)
    return (peak * fade * np.sin(2 * np.pi * at / per_rate + np.radians(phase_degrees))).astype(np.float32)[None]


def true_peak_dbtp(sounds: Sequence[Sound]) -> float:
    meter = TruePeak(len(sounds[0]))
    for sound in sounds:
        meter(sound)
    return meter.dbtp()


@pytest.mark.parametrize(
    ("per_rate", "phase_degrees", "peak", "expected_dbtp"),
    [(4, 0.0, 0.5, -6.0), (4, 45.0, 0.5, -6.0), (6, 60.0, 0.5, -6.0), (8, 67.5, 0.5, -6.0), (4, 45.0, 1.41, 3.0)],
    ids=["15", "16", "17", "18", "19"],
)
def test_true_peaks_are_what_ebu_tech_3341_asks(per_rate, phase_degrees, peak, expected_dbtp, tmp_path):
    sound = sine(per_rate, phase_degrees, peak)
    ours = true_peak_dbtp([sound])
    assert expected_dbtp - TOO_LOW_DB <= ours <= expected_dbtp + TOO_HIGH_DB
    assert ours == pytest.approx(ebur128(saved(tmp_path, sound)).true_peak_dbtp, abs=0.2)


@pytest.mark.parametrize("offset", range(4))
def test_a_single_peak_is_found_wherever_it_lies_between_two_samples(offset):
    """Tech 3341, 20 to 23: the same at four times the rate, of which every fourth sample is kept."""
    at = (np.arange(4 * RATE_HZ) - 2 * RATE_HZ) / (4 * RATE_HZ)
    fine = np.cos(2 * np.pi * RATE_HZ / 6 * at) * np.exp(-np.square(at / 0.0005))
    sound = fine[offset::4].astype(np.float32)[None]
    assert -TOO_LOW_DB <= true_peak_dbtp([sound]) <= TOO_HIGH_DB
    # and wherever two blocks meet
    assert true_peak_dbtp(np.array_split(sound, [RATE_HZ // 2], axis=1)) == pytest.approx(true_peak_dbtp([sound]), abs=0.01)
