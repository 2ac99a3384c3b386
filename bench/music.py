"""A made piece of music in stereo: chords, a bass, drums, and passages from soft to loud."""

from collections.abc import Iterator

import numpy as np

from bench.sounds import RATE_HZ, Sound, loudness, noise

BEAT_S = 0.5
# Semitones above A2, a bar each: A minor, F, C, G.
CHORDS = ((12, 15, 19), (8, 12, 15), (3, 7, 10), (10, 14, 17))
BASS = (0, -4, 3, -2)
# How loud each passage of four bars is: a soft beginning, a rise, the full band, a break, the full band.
PASSAGES_DB = (-14.0, -8.0, 0.0, -11.0, -1.0)
# Where each voice of the band stands: the share of the right loudspeaker.
PLACES = (0.15, 0.5, 0.85)


def piece(seconds: float, lufs: float, seed: int = 0) -> Sound:
    """(2, samples) of that loudness, its loudness range well above 10 LU; the same for the same seed."""
    beats = list(_beats(np.random.default_rng(seed), int(np.ceil(seconds / BEAT_S))))
    music = np.concatenate(beats, 1)[:, : round(seconds * RATE_HZ)]
    return (music * 10 ** ((lufs - loudness(music)) / 20)).astype(np.float32)


def _beats(rng: np.random.Generator, count: int) -> Iterator[Sound]:
    for beat in range(count):
        bar = beat // 4
        loud_db = PASSAGES_DB[bar // 4 % len(PASSAGES_DB)] + rng.uniform(-1, 1)
        band = _chord(bar % 4) + _bass(bar % 4)
        if loud_db > PASSAGES_DB[0] + 6:
            band += _drums(beat, seed=int(rng.integers(1 << 30)))
        yield band * np.float32(10 ** (loud_db / 20))


def _at() -> Sound:
    return (np.arange(round(BEAT_S * RATE_HZ)) / RATE_HZ).astype(np.float32)


def _tone(semitones: int, falls_s: float) -> Sound:
    """A plucked string: partials, each weaker and shorter than the one below."""
    at, hz = _at(), 110.0 * 2 ** (semitones / 12)
    partials = (np.sin(2 * np.pi * hz * n * at) * np.exp(-at * n / falls_s) / n for n in range(1, 7))
    return np.asarray(sum(partials) * np.minimum(at / 0.005, 1) * _ending(), np.float32)


def _ending() -> Sound:
    """1, and in the last 5 ms down to 0, so that no beat clicks into the next."""
    return np.minimum(_at()[::-1] / 0.005, 1)


def _placed(sound: Sound, right: float) -> Sound:
    return np.stack([sound * np.sqrt(1 - right), sound * np.sqrt(right)]).astype(np.float32)


def _chord(bar: int) -> Sound:
    notes = zip(CHORDS[bar], PLACES, strict=True)
    return np.asarray(sum(_placed(_tone(note, 0.6), right) for note, right in notes), np.float32)


def _bass(bar: int) -> Sound:
    return _placed(_tone(BASS[bar] - 12, 0.9), 0.5)


def _drums(beat: int, seed: int) -> Sound:
    """A bass drum on one and three, a snare on two and four, cymbals beside both."""
    at = _at()
    drum = np.sin(2 * np.pi * 60 * at + 8 * np.exp(-at / 0.03)) * np.exp(-at / 0.12)
    snare = noise(BEAT_S, -8, seed) * np.exp(-at / 0.08)
    cymbal = np.diff(noise(BEAT_S, -16, seed + 1), append=0) * np.exp(-(at % (BEAT_S / 2)) / 0.04)
    struck = _placed((drum if beat % 2 == 0 else snare) * _ending(), 0.5)
    return struck + _placed(cymbal * _ending(), 0.75)
