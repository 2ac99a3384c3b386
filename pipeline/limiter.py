"""A true-peak limiter that touches only what it must: sound under the ceiling passes as it is.

Look-ahead 5 ms, hold 10 ms, slope 10 ms; the result is the same however the sound is cut into blocks.
"""

from collections.abc import Iterator

import numpy as np

from pipeline.loudness import EDGE, PIECE, true_peaks
from pipeline.spectra import Sound

# With AHEAD and SLOPE longer than a low voice's period, so that no gain moves with it. Held for 50 ms, turns begin up to .3 dB
# quieter than they go on (ours).
HOLD = 480
AHEAD = 240
SLOPE = 481
# A need is felt so many samples before and after it: AHEAD and half a SLOPE, HOLD more behind.
BEFORE, AFTER = 480, HOLD + 480
# What is handed out waits for needs that may still come, and for the samples that tell a true peak from a sample's.
DELAY = BEFORE + 64
# Handed out already, but its needs are still felt.
KEEP = AFTER + DELAY
# Music may pass the ceiling between two samples that stay 3 dB under it; speech hardly ever.
NEAR = 0.7


def _running_min(values: Sound, width: int) -> Sound:
    """The least of the last `width` values, at every place."""
    least, have = values.copy(), 1
    while have < width:
        step = min(have, width - have)
        least[step:] = np.minimum(least[step:], least[:-step])
        have += step
    return least


def gains(need: Sound) -> Sound:
    """Smooth gains that are never above the need: held, ahead of time, without a step that clicks."""
    held = _running_min(need, HOLD)
    around = _running_min(np.pad(held, (0, AHEAD), "edge"), SLOPE)[AHEAD:]
    sums = np.cumsum(np.concatenate([[0.0], np.pad(around, AHEAD, "edge").astype(np.float64)]))
    return np.asarray((sums[SLOPE:] - sums[:-SLOPE]) / SLOPE, np.float32)


class Limiter:
    """Takes blocks of (channels, samples), gives the same sound DELAY samples later with no true peak above the ceiling."""

    def __init__(self, channels: int, ceiling_dbtp: float) -> None:
        self.ceiling = float(10 ** (ceiling_dbtp / 20))
        self.sound = np.zeros((channels, KEEP + DELAY), np.float32)
        # Of the silence before the first sample, this much is still to be withheld.
        self.early = DELAY

    def __call__(self, block: Sound) -> Sound:
        """What is ready now: as long as the block, but for the first."""
        self.sound = np.concatenate([self.sound[:, -(KEEP + DELAY) :], block], 1)
        ready = self.sound[:, KEEP : KEEP + block.shape[1]].copy()
        for start, gain in self._turned_down():
            first, last = max(start, KEEP), min(start + len(gain), KEEP + block.shape[1])
            if first < last:
                ready[:, first - KEEP : last - KEEP] *= gain[first - start : last - start]
        withheld = min(self.early, ready.shape[1])
        self.early -= withheld
        return ready[:, withheld:]

    def rest(self) -> Sound:
        """What was still waiting for the sound after it."""
        return self(np.zeros((len(self.sound), DELAY), np.float32))

    def _turned_down(self) -> Iterator[tuple[int, Sound]]:
        """Each stretch that must be turned down: where it starts in `sound`, and its gains."""
        need = self._need()
        over = np.flatnonzero(need < 1)
        if not len(over):
            return
        for run in np.split(over, np.flatnonzero(np.diff(over) > BEFORE + AFTER) + 1):
            start, end = max(run[0] - BEFORE, 0), min(run[-1] + 1 + AFTER, len(need))
            yield int(start), gains(need[start:end])

    def _need(self) -> Sound:
        """The gain every sample needs for itself, 1 where it needs none."""
        length = self.sound.shape[1]
        count = -(-length // PIECE)
        need = np.ones(count * PIECE, np.float32).reshape(count, PIECE)
        for channel in np.pad(self.sound, ((0, 0), (EDGE, count * PIECE - length + EDGE))):
            inner = channel[EDGE:-EDGE].reshape(count, PIECE)
            hot = np.flatnonzero(np.maximum(inner.max(1), -inner.min(1)) > NEAR * self.ceiling)
            if len(hot):
                need[hot] = np.minimum(need[hot], self.ceiling / np.maximum(true_peaks(channel, hot), self.ceiling))
        return need.reshape(-1)[:length]
