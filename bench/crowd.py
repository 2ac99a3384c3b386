"""Made sounds of many people: applause and laughter."""

import numpy as np
from numpy.typing import NDArray

from bench.sounds import RATE_HZ, Sound, loudness

# A clap: how long it rings, and about which frequencies, Hz.
CLAP_S, CLAPS_HZ = 0.006, (800.0, 2600.0)
# A laugh: so many "ha" a second, each of a pitch between these, Hz.
HAS_HZ, PITCHES_HZ = (4.0, 5.5), (140.0, 420.0)

Samples = NDArray[np.float64]


def applause(seconds: float, lufs: float, people: int = 60, seed: int = 0) -> Sound:
    """Everybody claps at a pace of their own; it swells, and dies away."""
    rng = np.random.default_rng(seed)
    out = np.zeros(round(seconds * RATE_HZ) + RATE_HZ)
    for _ in range(people):
        clap, pace_s = _clap(rng), rng.uniform(0.18, 0.3)
        begin_s, end_s = rng.uniform(0, 0.15) * seconds, rng.uniform(0.7, 1.0) * seconds
        for at_s in np.arange(begin_s, end_s, pace_s) + rng.normal(0, 0.015, len(np.arange(begin_s, end_s, pace_s))):
            first = max(round(at_s * RATE_HZ), 0)
            out[first : first + len(clap)] += clap * rng.uniform(0.6, 1.0)
    return _at(out[: round(seconds * RATE_HZ)], lufs)


def _clap(rng: np.random.Generator) -> Samples:
    at = np.arange(round(0.05 * RATE_HZ)) / RATE_HZ
    rings = np.sin(2 * np.pi * rng.uniform(*CLAPS_HZ) * at) + rng.standard_normal(len(at))
    return np.asarray(rng.uniform(0.3, 1.0) * rings * np.exp(-at / CLAP_S))


def laughter(seconds: float, lufs: float, people: int = 25, seed: int = 0) -> Sound:
    """A room that laughs at once, and calms down."""
    rng = np.random.default_rng(seed)
    at = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    out = np.zeros(len(at))
    for _ in range(people):
        out += _laugh(rng, at) * np.clip((at - rng.uniform(0, 0.5)) / 0.3, 0, 1) * np.exp(-at / rng.uniform(0.3, 0.8) / seconds)
    return _at(out, lufs)


def _laugh(rng: np.random.Generator, at: Samples) -> Samples:
    pitch_hz, pace_hz = rng.uniform(*PITCHES_HZ), rng.uniform(*HAS_HZ)
    phase = 2 * np.pi * np.cumsum(pitch_hz * (1 + 0.05 * np.sin(2 * np.pi * pace_hz * at))) / RATE_HZ
    voice = sum(np.sin(n * phase) / n for n in range(1, 12)) + 0.3 * rng.standard_normal(len(at))
    return np.asarray(voice * np.maximum(np.sin(2 * np.pi * (pace_hz * at + rng.uniform())), 0) ** 2)


def _at(sound: Samples, lufs: float) -> Sound:
    single = sound.astype(np.float32)
    return np.asarray(single * 10 ** ((lufs - loudness(single)) / 20), np.float32)
