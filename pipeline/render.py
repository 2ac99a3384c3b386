"""The room as sound again, once more decoded: tracks × gains, summed, joined, limited, and handed to the writers of all renditions.

Works in the child that `pipeline/encode.py` starts.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.accompany import accompanied
from pipeline.child import Report
from pipeline.curve import curve
from pipeline.decode import BLOCK, RATE_HZ, keep_memory
from pipeline.ears import middle
from pipeline.filters import empty
from pipeline.formats import Output
from pipeline.joins import without_cuts
from pipeline.level import Levels
from pipeline.limiter import Limiter
from pipeline.models import MadeFile, Timeline
from pipeline.mutes import unmuted
from pipeline.press import writer
from pipeline.sounding import sounding
from pipeline.spectra import Sound

# A shorter room is written before a process would have begun.
LONG_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Which files are written, of sound under which ceiling, and which ffmpeg is taken where one is."""

    binary: str
    outputs: tuple[Output, ...]
    ceiling_dbtp: float
    # where decoded sound may have been kept
    scratch: Path


def rendered(timeline: Timeline, levels: Levels, work: Work, report: Report) -> tuple[MadeFile, ...]:
    """All outputs, written."""
    keep_memory()
    with np.load(levels.curves.path, allow_pickle=False) as arrays:
        gain_db = arrays["gain_db"]
    room = without_cuts(timeline, _told(mixed(timeline, gain_db, levels.channels, work.scratch), timeline, report))
    sound = limited(accompanied(timeline, levels, room), levels.channels, work.ceiling_dbtp)
    apart = timeline.length_s >= LONG_S
    with ExitStack() as files:
        writers = [files.enter_context(writer(output, levels.channels, work.binary, apart=apart)) for output in work.outputs]
        for chunk in _interleaved(sound):
            for write in writers:
                write(chunk)
    return tuple(MadeFile.of(output.path) for output in work.outputs)


def _interleaved(blocks: Iterable[Sound]) -> Iterator[bytes]:
    for sound in blocks:
        if sound.size:
            yield np.ascontiguousarray(sound.T).tobytes()


def _told(blocks: Iterable[tuple[int, Sound]], timeline: Timeline, report: Report) -> Iterator[tuple[int, Sound]]:
    for first, sound in blocks:
        report(min(first / RATE_HZ / timeline.length_s, 1.0))
        yield first, sound


def mixed(timeline: Timeline, gain_db: NDArray[np.float32], channels: int, scratch: Path) -> Iterator[tuple[int, Sound]]:
    """The room in blocks, levelled, each with its first sample."""
    total = round(timeline.length_s * RATE_HZ)
    for first, row in sounding(timeline.tracks, timeline.channels, total, scratch):
        length = min(BLOCK, total - first)
        sound = empty(timeline.channels, length)
        for n, block in enumerate(row):
            if block is not None:
                heard = unmuted(timeline, n, first, block)
                sound += heard * curve(gain_db[n], first, length) if timeline.separate else heard
        levelled = sound if timeline.separate else sound * curve(gain_db[0], first, length)
        yield first, levelled if channels == timeline.channels else middle(levelled)


def limited(blocks: Iterable[Sound], channels: int, ceiling_dbtp: float) -> Iterator[Sound]:
    """The same sound under the ceiling."""
    limiter = Limiter(channels, ceiling_dbtp)
    for sound in blocks:
        yield limiter(sound)
    yield limiter.rest()
