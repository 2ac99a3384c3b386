"""Sound that was cut off at full scale before it came to us, counted in moments of 20 ms."""

from collections.abc import Iterable, Iterator

import numpy as np

from pipeline.spectra import RATE_HZ, Sound

MOMENT = RATE_HZ // 50
# Samples this near to full scale are cut off where three of a moment are; a single peak may be one.
FULL, TOGETHER = 0.999, 3


class Clipping:
    """Counts clipped moments of the blocks that pass."""

    def __init__(self) -> None:
        self.moments = 0

    def counted(self, blocks: Iterable[Sound | None]) -> Iterator[Sound | None]:
        """The same blocks."""
        for block in blocks:
            if block is not None and max(float(block.max()), -float(block.min())) >= FULL:
                self.moments += _moments(block)
            yield block


def _moments(block: Sound) -> int:
    full = np.pad((np.abs(block) >= FULL).any(0), (0, -block.shape[1] % MOMENT))
    return int((full.reshape(-1, MOMENT).sum(1) >= TOGETHER).sum())
