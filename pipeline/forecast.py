"""What gains and the limiter will make of a room, told from powers and peaks alone. Pure."""

import numpy as np
from numpy.typing import NDArray

from pipeline.listen import Measures
from pipeline.loudness import FRAME, PEAK, Powers, integrated
from pipeline.models import Timeline
from pipeline.score import accompanied_powers
from pipeline.speaking import Mask

Decibels = NDArray[np.float64]

# A frame has so many peaks of 20 ms. What the limiter takes from one is felt by so much in the one before it, in its own place, and
# in those behind it: 10 ms ahead, held for 10 ms and 10 ms more on the way back, from a moment that nobody knows (fitted to what
# renders measured at -19 and -16 LUFS).
PEAKS = FRAME // PEAK
FELT = (0.2, 1.0, 0.5, 0.05)
# So many peaks of a hundred may be pressed, and by so much.
LOUD_PERCENT, PRESSED_DB = 99.0, 1.0
AT_ONCE = 36_000


class Forecast:
    """What gains and limiter will make of the room, told from powers and peaks."""

    def __init__(self, timeline: Timeline, measured: Measures, kept: Mask, ceiling_dbtp: float) -> None:
        self.timeline, self.measured, self.kept = timeline, measured, kept
        self.ceiling = 10 ** (ceiling_dbtp / 20)

    def room_lufs(self, after: Powers) -> float | None:
        """Loudness of the room with such powers by row, cuts left out."""
        return integrated(after.sum(0)[self.kept])

    def episode_lufs(self, after: Powers, bed_db: Decibels, music_db: float) -> float | None:
        """Loudness of the room with the show's music."""
        return integrated(accompanied_powers(self.timeline, after.sum(0)[self.kept], bed_db, music_db))

    def lively_db(self) -> float:
        """The most gain that leaves the loud moments of the whole nearly as they are, and so its dynamics."""
        peaks = np.sqrt(np.square(self.measured.peak).sum(0))
        loud = float(np.percentile(peaks[peaks > 0], LOUD_PERCENT)) if peaks.any() else 1.0
        return 20 * float(np.log10(self.ceiling / loud)) + PRESSED_DB

    def powers(self, gain_db: Decibels) -> Powers:
        """Powers by row after gains and limiter; an hour at a time, so that memory stays flat."""
        starts = range(0, gain_db.shape[1], AT_ONCE)
        return np.concatenate([self._powers(gain_db, start) for start in starts], 1)

    def _powers(self, gain_db: Decibels, start: int) -> Powers:
        # A frame earlier, since what is held may have begun there.
        early = min(start, 1)
        gain = gain_db[:, start - early : start + AT_ONCE]
        peak = self.measured.peak[:, (start - early) * PEAKS : (start + AT_ONCE) * PEAKS]
        together = np.sqrt(((np.repeat(10 ** (gain / 20), PEAKS, 1) * peak) ** 2).sum(0))
        held = 1 - _felt(1 - np.minimum(1.0, self.ceiling / np.maximum(together, 1e-9)))
        power = self.measured.power[:, start - early : start + AT_ONCE]
        # Of a frame's power, each 20 ms have as much as the square of their peak.
        weight = np.square(together).reshape(-1, PEAKS) + 1e-12
        left = (weight * np.square(held).reshape(-1, PEAKS)).sum(1) / weight.sum(1)
        return np.asarray(power * 10 ** (gain / 10) * left)[:, early:]


def _felt(taken: Decibels) -> Decibels:
    """What is taken of every peak when each is felt in its neighbours too."""
    padded = np.pad(taken, (len(FELT) - 2, 1), "edge")
    return np.asarray(np.max([share * padded[len(FELT) - 1 - n :][: len(taken)] for n, share in enumerate(FELT)], 0))
