"""Rows of blocks go by, and are measured: single voices each by itself, the files of a mix as one."""

from collections.abc import Callable, Iterable, Sequence
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from pipeline.decode import BLOCK
from pipeline.ears import Audible, Ear, Row, middle
from pipeline.spectra import Sound

# Two channels are worth keeping where their difference is more than this against their sum.
STEREO_DB = -35.0

# Blocks of all tracks with the sample they begin at; None is silence.
Blocks = Iterable[tuple[int, list[Sound | None]]]
# Is told what was heard of every track from which sample on, and of how many.
Follow = Callable[[Sequence[Audible | None], int, int], None]


def each(blocks: Blocks, count: int, total: int, follow: Follow) -> list[Row]:
    """A row a track."""
    ears, rows = [Ear(1) for _ in range(count)], [Row(total, 1) for _ in range(count)]
    for first, block in blocks:
        heard = _heard(ears, block, first, total, follow)
        for row, one in zip(rows, heard, strict=True):
            if one is not None:
                row.hear(first, one)
    return rows


def together(blocks: Blocks, count: int, total: int, follow: Follow, *, channels: int) -> Row:
    """The one row of a mix, of two channels where left and right truly differ."""
    ears, rows = [Ear(channels) for _ in range(count)], [Row(total, n) for n in range(1, channels + 1)]
    sides = np.zeros(2)
    for first, block in blocks:
        heard = [one for one in _heard(ears, block, first, total, follow) if one is not None]
        if heard:
            sound, spectra = (reduce(np.add, parts) for parts in zip(*heard, strict=True))
            for row, heard_as in zip(rows, (middle(sound), sound), strict=False):
                row.hear(first, (heard_as, spectra))
            sides += _sides(sound)
    return rows[-1] if channels == 2 and sides[1] > sides[0] * 10 ** (STEREO_DB / 10) else rows[0]


def _heard(
    ears: Sequence[Ear], blocks: Sequence[Sound | None], first: int, total: int, follow: Follow
) -> list[Audible | None]:  # fmt: skip
    length = min(BLOCK, total - first)
    heard = [ear.hear(block, length) for ear, block in zip(ears, blocks, strict=True)]
    follow(heard, first, length)
    return heard


def _sides(sound: Sound) -> NDArray[np.float64]:
    """Power of what two channels have in common, and of what they have not."""
    return np.array([np.square(sound[0] + sound[-1]).mean(), np.square(sound[0] - sound[-1]).mean()])
