"""Decoded sound, kept beside its measures so that rendering need not decode it again.

Losing it changes nothing but time: what is not here is decoded once more, to the same samples. Only rooms that are not too long
are kept, and only where the disk has plenty of room.
"""

import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import lru_cache
from io import FileIO
from pathlib import Path

import numpy as np

from pipeline.decode import shared_blocks
from pipeline.journal import place
from pipeline.models import Track
from pipeline.spectra import Sound

# Six hours of one voice, or ninety minutes of four.
MOST_BYTES = 4 << 30
# Nothing is kept on a disk that has not so many times that room, or that takes more than this share of the time.
ROOM, SLOW_SHARE, PATIENCE_S = 4, 0.4, 2.0
SAMPLE_BYTES = 4
SOUND = "sound.f32"

Row = list[Sound | None]


class Kept:
    """The sound of some tracks, as samples of (channels, samples) by block."""

    def __init__(self, scratch: Path, tracks: Sequence[Track], channels: int, total: int) -> None:
        self.channels, self.total = channels, total
        self.paths = [kept_as(scratch, track, channels, total) for track in tracks]

    @property
    def is_whole(self) -> bool:
        """Whether all of it is here."""
        return all(path.is_file() and path.stat().st_size == self._size_bytes for path in self.paths)

    def __iter__(self) -> Iterator[tuple[int, Row]]:
        """Rows of blocks with the sample each begins at."""
        with ExitStack() as files:
            opened = [files.enter_context(path.open("rb", buffering=0)) for path in self.paths]
            for first, length in shared_blocks(self.total):
                yield first, [self._read(file, length) for file in opened]

    def keeping(self, rows: Iterable[tuple[int, Row]]) -> Iterator[tuple[int, Row]]:
        """The same rows, kept as they pass where there is room."""
        return self._keeping(rows) if self._has_room() else iter(rows)

    def _keeping(self, rows: Iterable[tuple[int, Row]]) -> Iterator[tuple[int, Row]]:
        parts = [path.with_suffix(".part") for path in self.paths]
        began, writing_s, going_well = time.monotonic(), 0.0, True
        with ExitStack() as files:
            opened = [files.enter_context(part.open("wb", buffering=0)) for part in parts]
            for first, row in rows:
                if going_well:
                    before = time.monotonic()
                    going_well = all(self._written(file, first, block) for file, block in zip(opened, row, strict=True))
                    writing_s += time.monotonic() - before
                    going_well = going_well and writing_s < max(SLOW_SHARE * (time.monotonic() - began), PATIENCE_S)
                yield first, row
            for file in opened if going_well else ():
                file.truncate(self._size_bytes)
        for part, path in zip(parts, self.paths, strict=True):
            part.rename(path) if going_well else part.unlink()

    def _written(self, file: FileIO, first: int, block: Sound | None) -> bool:
        """Whether it went well: a disk that fills up meanwhile is no reason to fail. Silence leaves a hole."""
        if block is None or not block.any():
            return True
        try:
            file.seek(first * self.channels * SAMPLE_BYTES)
            return file.write(np.ascontiguousarray(block).data) == block.nbytes
        except OSError:
            return False

    def _read(self, file: FileIO, length: int) -> Sound | None:
        samples = np.empty((self.channels, length), np.float32)
        file.readinto(samples.data)
        return samples if samples.any() else None

    @property
    def _size_bytes(self) -> int:
        return self.total * self.channels * SAMPLE_BYTES

    def _has_room(self) -> bool:
        needed = self._size_bytes * len(self.paths)
        return bool(_boot()) and needed <= MOST_BYTES and shutil.disk_usage(self.paths[0].parent).free >= ROOM * needed


def kept_as(scratch: Path, track: Track, channels: int, total: int) -> Path:
    """Where the track's sound is kept; hum is taken out later, when it is known."""
    return place(scratch, kept_as, replace(track, hum_lines_hz=()), channels, total, _boot()) / SOUND


@lru_cache
def _boot() -> str:
    """What this start of the machine is called; "" where nobody says. The disk is not waited for, so that a machine which fell down
    may have left anything in our files."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


def forget(scratch: Path) -> None:
    """Give back the room it takes."""
    for path in scratch.glob(f"{kept_as.__name__}-*/{SOUND}"):
        path.unlink(missing_ok=True)
