"""Where a room pauses, and what of a long pause may go: decided from the loudness of 100 ms frames. Pure."""

from collections.abc import Iterator
from itertools import pairwise
from math import ceil

import numpy as np

from pipeline.gains import FRAME_S
from pipeline.loudness import NOTHING, Powers, lufs
from pipeline.plan import CleanPlan
from pipeline.speaking import Mask, stretches

# A pause is about as quiet as the room ever is, or so far below its voices that nobody hears what goes. Anything else between two
# words (music, applause, a laugh, a word that was too quiet to be told as one) is no pause.
QUIET_SHARE, ABOVE_QUIET_DB, BELOW_VOICES_DB = 0.1, 10.0, 40.0
# What stays of a pause stays on both its sides: words begin and end more quietly than they are told by.
LEAST_SIDE = 2
# Places that differ by less are equally quiet.
ALIKE = 1.1

# First frame and end.
Frames = tuple[int, int]


def shortened(powers: Powers, worth: Mask, plan: CleanPlan) -> Iterator[Frames]:
    """What goes of every long pause, from frames of the whole room in which `worth` says where there is something to hear.

    What goes lies in the pause's quietest part, as near to its middle as that allows.
    """
    stays = max(ceil(round(plan.pause_s / FRAME_S, 6)), 2)
    for start, end in pauses(powers, worth):
        if end - start > max(round(plan.long_pause_s / FRAME_S), stays):
            first = start + _quietest(powers[start:end], end - start - stays, min(LEAST_SIDE, stays // 2))
            yield first, first + end - start - stays


def pauses(powers: Powers, worth: Mask) -> Iterator[Frames]:
    """Every stretch between two moments worth hearing in which the room is quiet."""
    if not worth.any():
        return
    levels = lufs(powers)
    voices = float(np.percentile(levels[worth], 95))
    quiet = float(np.quantile(levels, QUIET_SHARE)) + ABOVE_QUIET_DB
    heard = worth | (levels > max(quiet, voices - BELOW_VOICES_DB))
    for (_, start), (end, _) in pairwise(stretches(heard)):
        yield int(start), int(end)


def _quietest(powers: Powers, length: int, side: int) -> int:
    """Where so many frames have the least sound in them, leaving `side` frames before and after."""
    sums = np.convolve(powers, np.ones(length), "valid")
    places = np.arange(side, len(sums) - side)
    quiet = places[sums[places] <= sums[places].min() * ALIKE + NOTHING]
    return int(quiet[np.abs(quiet - (len(sums) - 1) / 2).argmin()])
