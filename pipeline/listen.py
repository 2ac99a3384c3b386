"""One decode of every track measures what levelling, trimming and the recogniser need to know."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.child import Children, Report, quiet
from pipeline.models import Heard, Timeline

VERSION = 1
FRAME_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """One row a track where tracks are single voices, else one row for the mix; second 0 is the timeline's."""

    # K-weighted mean square of every 100 ms
    power: NDArray[np.float32]
    # largest sample of every 20 ms
    peak: NDArray[np.float32]


def listen(timeline: Timeline, *, children: Children, scratch: Path, report: Report = quiet) -> Heard:
    """Loudness, peaks and 16 kHz speech of every track, each decoded once."""
    raise NotImplementedError


def measures(heard: Heard) -> Measures:
    """The arrays that `listen` left behind."""
    raise NotImplementedError
