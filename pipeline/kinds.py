"""Where something sounds that is no speech: music, jingles, applause, laughter. Told from peaks and bands alone; pure.

Speech falls silent between words and changes its colour from sound to sound. Music does less of both, and what it does it does in
time; applause and a laughing crowd do neither. One number of the three, over four seconds, parts people's voices (11 to 20, even
12 dB above noise) from music (0 to 8), crowds and noise (2 to 7).
"""

import numpy as np
from numpy.typing import NDArray

from pipeline.listen import Measures
from pipeline.loudness import FRAME, PEAK, Powers, lufs
from pipeline.speaking import LEAST_LUFS, Levels, Mask, stretches, tidied
from pipeline.spectra import HOP

# Below this a window is no speech. Its parts: the spread of 20 ms peaks, how bands change, how far the strongest beat stands out.
LEAST_SPEECH, OF_BANDS, OF_BEAT, NO_BEAT = 9.0, 2.0, 8.0, 0.5
# A window of 4 s every second, and the median of so many; in bands, and in lags of a beat: 50 to 230 a minute.
WINDOW, STEP, MEDIAN = 200, 50, 5
SPECTRA, BEATS = round(WINDOW * PEAK / HOP), slice(13, 60)
# What is so far below the loudest moment of its window does not count, in peaks and in bands; bands count in its loud spectra.
DEEPEST_DB, FAINT_DB, LOUD_DB = 30.0, 35.0, 15.0
# A passage is this near to the loud moments of the room, goes on over short pauses, and is no shorter.
WORTH_DB, JOINED_FRAMES, SHORTEST_FRAMES = 25.0, 10, 30
# Words that lie in a passage by more than this are part of it, by less than the rest are none of it.
MOSTLY = 0.75
# So near to a passage's end nobody can say whether it still goes on; what touches it and is no longer belongs to it.
BLURRED_FRAMES = 25
# Windows that are looked at at once, so that memory stays flat.
AT_ONCE = 2000


def other_sound(measured: Measures, powers: Powers, speech: Mask) -> Mask:
    """Frames in which one row has something worth hearing that is no speech; `speech` is where `speaking` found any."""
    levels = lufs(powers)
    audible = levels > LEAST_LUFS
    if len(measured.peak) < WINDOW or not audible.any():
        return np.zeros_like(speech)
    worth = levels > max(LEAST_LUFS, float(np.percentile(levels[audible], 95)) - WORTH_DB)
    other = tidied(_unlike_speech(measured, audible) & worth, JOINED_FRAMES, SHORTEST_FRAMES)
    for start, end in stretches(speech):
        share = float(other[start:end].mean())
        if share > MOSTLY or share < 1 - MOSTLY:
            other[start:end] = share > MOSTLY
    for start, end in stretches(speech & ~other):
        if end - start < BLURRED_FRAMES and other[max(start - 1, 0) : end + 1].any():
            other[start:end] = True
    return tidied(other, JOINED_FRAMES, SHORTEST_FRAMES)


def _unlike_speech(measured: Measures, audible: Mask) -> Mask:
    """Frames in a window that does not sound like speech; windows of silence sound like it, for all we know."""
    starts = np.arange(0, len(measured.peak) - WINDOW + 1, STEP)
    looked = [n for n, start in enumerate(starts) if audible[start // (FRAME // PEAK) : (start + WINDOW) // (FRAME // PEAK)].any()]
    scores = np.full(len(starts), np.inf)
    for first in range(0, len(looked), AT_ONCE):
        some = looked[first : first + AT_ONCE]
        scores[some] = _liveliness(measured.peak, starts[some]) + OF_BANDS * _change(measured.bands, starts[some])
    around = np.lib.stride_tricks.sliding_window_view(np.pad(scores, MEDIAN // 2, "edge"), MEDIAN)
    at = np.rint((np.arange(len(audible)) * (FRAME // PEAK) - WINDOW / 2) / STEP).astype(int)
    return np.asarray((np.median(around, 1) < LEAST_SPEECH)[np.clip(at, 0, len(starts) - 1)])


def _liveliness(peak: NDArray[np.float32], starts: NDArray[np.intp]) -> Levels:
    """How far the peaks of each window spread, dB; less where they come in time."""
    level = 20 * np.log10(np.maximum(peak[starts[:, None] + np.arange(WINDOW)], 1e-5))
    level = np.maximum(level, level.max(1, keepdims=True) - DEEPEST_DB)
    varies = level - level.mean(1, keepdims=True)
    alike = np.fft.irfft(np.abs(np.fft.rfft(varies, 2 * WINDOW)) ** 2)[:, : BEATS.stop] / (WINDOW - np.arange(BEATS.stop))
    beat = (alike[:, BEATS] / (alike[:, :1] + 0.5)).max(1)
    return np.asarray(level.std(1) - OF_BEAT * np.maximum(beat - NO_BEAT, 0.0), np.float64)


def _change(bands: NDArray[np.float32], starts: NDArray[np.intp]) -> Levels:
    """By how much a band changes from one loud spectrum of a window to the next, dB, against the whole."""
    first = np.rint(starts * PEAK / HOP).astype(int)
    power = bands[np.minimum(first[:, None] + np.arange(SPECTRA), len(bands) - 1)]
    total = 10 * np.log10(np.maximum(power.sum(2), 1e-12))
    colour = np.maximum(10 * np.log10(np.maximum(power, 1e-12)) - total[:, :, None], -FAINT_DB)
    loud = total > total.max(1, keepdims=True) - LOUD_DB
    both = loud[:, 1:] & loud[:, :-1]
    return np.asarray((np.abs(np.diff(colour, axis=1)).mean(2) * both).sum(1) / np.maximum(both.sum(1), 1), np.float64)
