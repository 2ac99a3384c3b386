"""The two ways to part voices: riding one mix, and a gain with a gate for every separate track. Pure; dB over 100 ms frames.

Both answer the same two questions, so that what a limiter takes from a voice can be given back to it: `gains`, when so much of each
level is lost, and `lost`, when these gains made that of the powers.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.loudness import FRAME, Powers, integrated, lufs
from pipeline.speaking import Levels, Mask, stretches, widened
from pipeline.spectra import RATE_HZ
from pipeline.turns import Turns, turns_of

FRAME_S = FRAME / RATE_HZ
LEAST_DB, MOST_DB = -20.0, 24.0
# A thump on a track does not count towards its voice.
THUMP_DB = 10.0
NEIGHBOURS = 40
LONG_GAP_FRAMES = 20
# After a turn, a gain falls to that of the pause at 20 dB a second.
FALL_DB = 2.0
GATE_FRAMES = 3
# A voice is evened within itself over three seconds, and by no more than this.
PASSAGE_FRAMES, MOST_WITHIN_DB = 31, 4.0
# A meter hears the ends of words too.
WORD_ENDS_FRAMES = 2
# Music and the like follow the voices about so near in time.
NEAR_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How far voices are brought together (0 … 1), and the louder and quieter passages of one voice; how alike and near two turns
    are to be one voice; how deep gates close, and how much deeper than voices music may be turned."""

    share: float
    within: float = 0.0
    alike_lu: float = 1.5
    near_s: float = 60.0
    gate_db: float = -20.0
    beside_db: float = 6.0


class Ridden:
    """One mix: near in time and in level is one voice and has one gain, so a voice keeps its phrasing and voices part."""

    # A turn is given back no more than this: the harder a limiter works, the more it rides the turn's beginning.
    MOST_LOST_DB = 0.5

    def __init__(self, powers: Powers, speech: Mask, other: Mask, style: Style) -> None:
        self.style, self.length = style, len(speech)
        self.turns = turns_of(powers, speech)
        self.sections = stretches(other)
        self.loudness = [integrated(powers[start:end]) for start, end in self.sections]
        self.within_db = np.zeros(self.length)
        for (start, end), usual in zip(self.turns.spans, self.turns.levels, strict=True):
            self.within_db[start:end] = _evened(powers[start:end], speech[start:end], usual, style)

    @property
    def levels(self) -> Levels:
        """Loudness of every turn."""
        return self.turns.levels

    def gains(self, target_lufs: float, lost: Levels) -> Levels:
        """One row of gains; `lost` has a value for every turn."""
        turns, levels = self.turns, self.turns.levels + lost
        if not len(levels):
            return np.zeros((1, self.length))
        overall = float(np.average(levels, weights=turns.frames))
        shared = _shared(levels, turns.frames, turns.middles_s, self.style)
        wanted = np.clip(target_lufs - overall - self.style.share * (shared - overall), LEAST_DB, MOST_DB)
        follows = [_near(wanted, self.turns, span) for span in self.sections]
        beside = [_beside(target_lufs, level, db, self.style) for level, db in zip(self.loudness, follows, strict=True)]
        spans = np.concatenate([turns.spans, self.sections])
        order = np.argsort(spans[:, 0], kind="stable")
        return (_between(spans[order], np.concatenate([wanted, beside])[order], self.length) + self.within_db)[None]

    def lost(self, after: Powers, gain_db: Levels) -> Levels:
        """What each turn lacks of its gain; less than nothing where it got more."""
        middles = self.turns.spans.mean(1).astype(int)
        return np.asarray(self.turns.becomes(after[0]) - self.levels - (gain_db[0] - self.within_db)[middles])


def _evened(powers: Powers, speech: Mask, usual: float, style: Style) -> Levels:
    """Gains that bring a voice's passages of some seconds nearer to what is usual for it; 0 dB where it says nothing."""
    if not style.within or not speech.any():
        return np.zeros(len(speech))
    window = np.ones(PASSAGE_FRAMES)
    spoken = np.convolve(speech, window, "full")[PASSAGE_FRAMES // 2 :][: len(speech)]
    around = np.convolve(np.where(speech, powers, 0.0), window, "full")[PASSAGE_FRAMES // 2 :][: len(speech)]
    off = lufs(around[speech] / np.maximum(spoken[speech], 1.0)) - usual
    at = np.arange(len(speech))
    eased = np.interp(at, at[speech], np.clip(-style.within * off, -MOST_WITHIN_DB, MOST_WITHIN_DB))
    return np.where(widened(speech, GATE_FRAMES), eased, 0.0)


def _shared(levels: Levels, frames: Levels, middles_s: Levels, style: Style) -> Levels:
    """Each turn's level, smoothed over those that are near in time and alike in level (a bilateral filter)."""
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


def _near(gains_db: Levels, turns: Turns, section: NDArray[np.intp]) -> float:
    """The gain that voices have about there, and no more than the louder made of those on either side."""
    away_s = np.abs(turns.middles_s - section.mean() * FRAME_S)
    about = float(np.average(gains_db, weights=turns.frames * np.exp(-(away_s - away_s.min()) / NEAR_S)))
    after = int(np.searchsorted(turns.spans[:, 0], section[0]))
    return min(about, float(gains_db[max(after - 1, 0) : after + 1].max()))


def _beside(target_lufs: float, level: float | None, voices_db: float, style: Style) -> float:
    """One gain for a whole passage, so that it keeps its dynamics: that of the voices, or less where it is loud."""
    return voices_db if level is None else float(np.clip(target_lufs - level, voices_db - style.beside_db, voices_db))


def _between(spans: NDArray[np.intp], wanted: Levels, length: int) -> Levels:
    """Spans, a frame wider, have their gain; between them it falls to the smaller one, in long pauses never above the median."""
    median = float(np.median(wanted))
    edges = np.concatenate([[[0, 0]], spans, [[length, length]]])
    gain = np.zeros(length)
    sides = np.concatenate([wanted[:1], wanted, wanted[-1:]])
    for n in range(len(spans) + 1):
        start, end = edges[n][1], edges[n + 1][0]
        if end > start:
            quiet = min(sides[n], sides[n + 1], median if end - start > LONG_GAP_FRAMES else np.inf)
            falling = sides[n] - FALL_DB * np.arange(1, end - start + 1) if n else quiet
            gain[start:end] = np.maximum(quiet, falling)
    for (start, end), db in zip(spans, wanted, strict=True):
        gain[max(start - 1, 0) : end + 1] = db
    return gain


class Gated:
    """Separate voices: each one's own speech to the target, turned down while others speak."""

    MOST_LOST_DB = 3.0

    def __init__(self, powers: Powers, own: Mask, other: Mask, style: Style) -> None:
        self.style = style
        # What is told of a voice is told from its words; who only plays music is known by that.
        self.own = np.array([words if words.any() else mask for words, mask in zip(own & ~other, own, strict=True)])
        self.open = np.array([widened(mask, GATE_FRAMES) for mask in own])
        self.levels = np.array([_known(voice_level(p, mask)) for p, mask in zip(powers, self.own, strict=True)])
        self.within_db = np.array(
            [_evened(p, mask, usual, style) for p, mask, usual in zip(powers, self.own, self.levels, strict=True)]
        )
        self.passages = [
            (n, start, end, integrated(powers[n, start:end])) for n, mask in enumerate(other) for start, end in stretches(mask)
        ]

    def gains(self, target_lufs: float, lost: Levels) -> Levels:
        """A row for every voice; `lost` has a value for each."""
        levels = self.levels + lost
        overall = float(np.nanmean(levels)) if not np.isnan(levels).all() else target_lufs
        # Who never speaks counts as being on target.
        levels = np.nan_to_num(levels, nan=target_lufs)
        wanted = np.clip(target_lufs - overall - self.style.share * (levels - overall), LEAST_DB, MOST_DB)
        gains = wanted[:, None] + np.where(self.open, 0.0, self.style.gate_db)
        for n, start, end, level in self.passages:
            gains[n, start:end] += _beside(target_lufs, level, float(wanted[n]), self.style) - wanted[n]
        return np.asarray(gains + self.within_db)

    def lost(self, after: Powers, gain_db: Levels) -> Levels:
        """What each voice lacks of its gain; less than nothing where it got more."""
        becomes = np.array([_known(voice_level(p, mask)) for p, mask in zip(after, self.own, strict=True)])
        rows = zip(gain_db - self.within_db, self.own, strict=True)
        gains = np.array([np.median(row[mask]) if mask.any() else 0.0 for row, mask in rows])
        return np.asarray(np.nan_to_num(becomes - self.levels - gains, nan=0.0))


def _known(level: float | None) -> float:
    return np.nan if level is None else level


def voice_level(powers: Powers, own: Mask) -> float | None:
    """How loud a voice is where it speaks, by the meter's own gates; None: it never spoke."""
    if not own.any():
        return None
    level = lufs(powers)
    calm = level <= np.median(level[own]) + THUMP_DB
    return integrated(powers[widened(own, WORD_ENDS_FRAMES) & calm])
