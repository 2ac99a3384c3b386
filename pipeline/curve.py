"""From gains in dB, one for every 100 ms, to a factor for every sample."""

import numpy as np
from numpy.typing import NDArray

from pipeline.loudness import FRAME
from pipeline.spectra import RATE_HZ, Sound

# Gains are worked out every millisecond and drawn straight between.
STEP = RATE_HZ // 1000
_LINE = np.stack([np.ones(STEP), np.arange(STEP) / STEP]).astype(np.float32)


def curve(gain_db: NDArray[np.float32], first: int, length: int) -> Sound:
    """A factor for every sample: frames have their gain at their middle, between them it is a straight line in dB."""
    at = (first + STEP * np.arange(-(-length // STEP) + 1)) / FRAME - 0.5
    near = gain_db[max(first // FRAME - 1, 0) : (first + length) // FRAME + 2]
    factors = 10 ** (np.interp(at - max(first // FRAME - 1, 0), np.arange(len(near)), near) / 20)
    lines = np.stack([factors[:-1], np.diff(factors)], 1).astype(np.float32) @ _LINE
    return lines.reshape(-1)[:length]
