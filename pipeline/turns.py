"""Stretches of speech in a mix joined into turns: what one voice says in one go, and has one gain for. Pure; 100 ms frames."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.listen import FRAME_S
from pipeline.loudness import Powers, lufs
from pipeline.speaking import Levels, Mask, stretches

# A stretch takes its level from the frames near its mean.
NEAR_MEAN_DB = 10.0
# How far sentences of one voice differ (variance, dB²), and what a single frame adds to that: little is known from a short word.
SENTENCES_DB2, FRAMES_DB2 = 1.0, 45.0
# Two neighbours are one turn unless they are that unlike, the less so the longer they pause between them.
UNLIKE, PAUSE_S, LONGEST_S = 9.0, 0.8, 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """Turns in order: first frame and end as rows, loudness, and how many frames that was told from."""

    spans: NDArray[np.intp]
    levels: Levels
    frames: Levels

    @property
    def middles_s(self) -> Levels:
        """The second at the middle of each."""
        return np.asarray(self.spans.mean(1) * FRAME_S)

    def becomes(self, powers: Powers) -> Levels:
        """Loudness of each, when the room has these powers."""
        return _levels(powers, self.spans)[0]


def turns_of(powers: Powers, speech: Mask) -> Turns:
    """Whatever is said without a long pause and at about the same level."""
    spans = stretches(speech)
    levels, frames = _levels(powers, spans)
    groups = _joined(np.diff(spans.reshape(-1))[1::2] * FRAME_S, 10 ** (levels / 10), frames)
    turns = np.stack([spans[groups, 0], spans[np.append(groups[1:], len(spans)) - 1, 1]], 1) if len(spans) else spans
    levels, frames = _levels(np.where(speech, powers, 0.0), turns)
    return Turns(spans=turns, levels=levels, frames=frames)


def _levels(powers: Powers, spans: NDArray[np.intp]) -> tuple[Levels, Levels]:
    """Loudness of each span, and the frames that count for it."""
    found = [_level(powers[start:end]) for start, end in spans]
    levels, frames = np.array(found, np.float64).reshape(-1, 2).T
    return levels, frames


def _level(powers: Powers) -> tuple[float, int]:
    spoken = powers[powers > 0]
    if not len(spoken):
        return float(lufs(powers.mean())), 1
    near = spoken[lufs(spoken) > lufs(spoken.mean()) - NEAR_MEAN_DB]
    return float(lufs(near.mean())), len(near)


def _joined(pauses_s: Levels, powers: Powers, frames: Levels) -> NDArray[np.intp]:
    """Which stretches begin a turn: neighbours are joined, the most alike first, until none are alike (Ward's method)."""
    first, known = np.arange(len(powers)), 1 / (SENTENCES_DB2 + FRAMES_DB2 / frames)
    most = np.where(pauses_s > LONGEST_S, 0.0, UNLIKE * np.exp(-pauses_s / PAUSE_S))
    while len(first) > 1:
        unlike = np.diff(lufs(powers)) ** 2 / (1 / known[:-1] + 1 / known[1:]) / np.maximum(most, 1e-9)
        around = np.pad(unlike, 1, constant_values=np.inf)
        # Of equals the first: no two joins at once share a stretch.
        joins = np.flatnonzero((unlike < 1) & (unlike < around[:-2]) & (unlike <= around[2:]))
        if not len(joins):
            break
        total = frames[joins] + frames[joins + 1]
        powers[joins] = (powers[joins] * frames[joins] + powers[joins + 1] * frames[joins + 1]) / total
        frames[joins], known[joins] = total, known[joins] + known[joins + 1]
        first, most = np.delete(first, joins + 1), np.delete(most, joins)
        powers, frames, known = (np.delete(values, joins + 1) for values in (powers, frames, known))
    return first
