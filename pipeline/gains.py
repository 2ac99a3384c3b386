"""The two ways to part voices: riding one mix, and a gain with a gate for every separate track. Pure; dB over 100 ms frames."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.loudness import FRAME, Powers, integrated, lufs
from pipeline.speaking import Levels, Mask, stretches, widened
from pipeline.spectra import RATE_HZ

FRAME_S = FRAME / RATE_HZ
LEAST_DB, MOST_DB = -20.0, 24.0
# A stretch of a mix takes its level from the frames near its mean; a thump on a track does not count towards its voice.
NEAR_MEAN_DB, THUMP_DB = 10.0, 10.0
NEIGHBOURS = 40
LONG_GAP_FRAMES = 20
GATE_FRAMES = 3
# A meter hears the ends of words too.
WORD_ENDS_FRAMES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How far voices are brought together (0 … 1), how alike and near two stretches are to be one voice, how deep gates close."""

    share: float
    alike_lu: float = 1.5
    near_s: float = 60.0
    gate_db: float = -20.0


def ridden(powers: Powers, speech: Mask, target_lufs: float, style: Style) -> Levels:
    """Gains of one mix: near in time and in level is one voice and has one gain, so a voice keeps its phrasing and voices part."""
    spans = stretches(speech)
    if not len(spans):
        return np.zeros(len(speech))
    levels, frames = np.array([_stretch_level(powers[start:end]) for start, end in spans]).T
    overall = float(np.average(levels, weights=frames))
    shared = _shared(levels, frames, spans.mean(1) * FRAME_S, style)
    wanted = np.clip(target_lufs - overall - style.share * (shared - overall), LEAST_DB, MOST_DB)
    return _between(spans, wanted, len(speech))


def _stretch_level(powers: Powers) -> tuple[float, int]:
    level = lufs(powers)
    near = powers[level > lufs(powers.mean()) - NEAR_MEAN_DB]
    return float(lufs(near.mean())), len(near)


def _shared(levels: Levels, frames: Levels, middles_s: Levels, style: Style) -> Levels:
    """Each stretch's level, smoothed over those that are near in time and alike in level (a bilateral filter)."""
    total, weights = np.zeros(len(levels)), np.zeros(len(levels))
    for step in range(-NEIGHBOURS, NEIGHBOURS + 1):
        here = slice(max(-step, 0), len(levels) - max(step, 0))
        there = slice(max(step, 0), len(levels) + min(step, 0))
        if here.start >= here.stop:
            continue
        alike = np.exp(-(((levels[there] - levels[here]) / style.alike_lu) ** 2))
        weight = frames[there] * alike * np.exp(-np.abs(middles_s[there] - middles_s[here]) / style.near_s)
        total[here] += weight * levels[there]
        weights[here] += weight
    return total / weights


def _between(spans: NDArray[np.intp], wanted: Levels, length: int) -> Levels:
    """Stretches, a frame wider, have their gain; between them the smaller one holds, in long pauses never more than the median."""
    median = float(np.median(wanted))
    edges = np.concatenate([[[0, 0]], spans, [[length, length]]])
    gain = np.zeros(length)
    sides = np.concatenate([wanted[:1], wanted, wanted[-1:]])
    for n in range(len(spans) + 1):
        start, end = edges[n][1], edges[n + 1][0]
        quiet = min(sides[n], sides[n + 1])
        gain[start:end] = min(quiet, median) if end - start > LONG_GAP_FRAMES else quiet
    for (start, end), db in zip(spans, wanted, strict=True):
        gain[max(start - 1, 0) : end + 1] = db
    return gain


def gated(powers: Powers, own: Mask, target_lufs: float, style: Style) -> Levels:
    """Gains of separate voices: each one's own speech to the target, turned down while others speak."""
    levels = [voice_level(p, mask) for p, mask in zip(powers, own, strict=True)]
    known = [level for level in levels if level is not None]
    overall = float(np.mean(known)) if known else target_lufs
    gains = np.zeros(powers.shape)
    for n, level in enumerate(levels):
        if level is not None:
            gains[n] = np.clip(target_lufs - overall - style.share * (level - overall), LEAST_DB, MOST_DB)
        gains[n] += np.where(widened(own[n], GATE_FRAMES), 0.0, style.gate_db)
    return gains


def voice_level(powers: Powers, own: Mask) -> float | None:
    """How loud a voice is where it speaks, by the meter's own gates; None: it never spoke."""
    if not own.any():
        return None
    level = lufs(powers)
    calm = level <= np.median(level[own]) + THUMP_DB
    return integrated(powers[widened(own, WORD_ENDS_FRAMES) & calm])
