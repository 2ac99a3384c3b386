"""All tracks of a room side by side, block by block; those of a long one in processes of their own, so that no processor rests.

python -m pipeline.tracks CHANNELS TOTAL < TRACKS
"""

import os
import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import astuple, dataclass
from typing import IO

import numpy as np
from pydantic import TypeAdapter

from pipeline.clipping import Clipping
from pipeline.decode import RATE_HZ, Blocks, complaints, keep_memory, shared_blocks
from pipeline.filters import filtered
from pipeline.models import Track
from pipeline.piped import output_of
from pipeline.spectra import Sound

# One block of every track; None is silence.
Row = list[Sound | None]

# A shorter room is decoded before a process would have begun.
LONG = 300 * RATE_HZ
SILENCE, HEARD = b"\0", b"\1"
_TRACKS = TypeAdapter(tuple[Track, ...])
_WENT = struct.Struct("<dddqq")


@dataclass(frozen=True, slots=True, kw_only=True)
class Went:
    """What decoding showed of a track: how many seconds were there, and what its time stamps leapt over."""

    heard_s: float
    gap_s: float
    # NaN where there was none
    first_gap_s: float
    # pieces that could not be read
    damage: int
    # moments of 20 ms in which it is cut off at full scale
    clipped: int


class Decoding:
    """The room's tracks, each decoded once: rows of blocks of ten seconds, with the sample each row begins at; then `went`."""

    def __init__(self, tracks: Sequence[Track], channels: int, total: int) -> None:
        self.tracks, self.channels, self.total = tuple(tracks), channels, total
        self.went: tuple[Went, ...] = ()

    def __iter__(self) -> Iterator[tuple[int, Row]]:
        return self.elsewhere() if self.total >= LONG else self.here()

    def here(self) -> Iterator[tuple[int, Row]]:
        """In this process."""
        with complaints() as said:
            blocks = [Blocks(track, self.channels, self.total, said) for track in self.tracks]
            clipping = [Clipping() for _ in self.tracks]
            rows = [self._filtered(track, one, count) for track, one, count in zip(self.tracks, blocks, clipping, strict=True)]
            for (first, _), *row in zip(shared_blocks(self.total), *rows, strict=False):
                yield first, row
            self.went = tuple(_went(one, count.moments) for one, count in zip(blocks, clipping, strict=True))

    def _filtered(self, track: Track, blocks: Blocks, clipping: Clipping) -> Iterator[Sound | None]:
        lengths = (length for _, length in shared_blocks(self.total))
        return filtered(track, self.channels, zip(clipping.counted(blocks), lengths, strict=True))

    def elsewhere(self) -> Iterator[tuple[int, Row]]:
        """In as many processes as there are processors, each with its share of the tracks."""
        count = min(os.cpu_count() or 1, len(self.tracks))
        with ExitStack() as processes:
            reads = [processes.enter_context(self._program(self.tracks[n::count])) for n in range(count)]
            for first, length in shared_blocks(self.total):
                yield first, [self._received(reads[n % count], length) for n, _ in enumerate(self.tracks)]
            self.went = tuple(_told(reads[n % count]) for n, _ in enumerate(self.tracks))

    def _program(self, tracks: tuple[Track, ...]) -> AbstractContextManager[Callable[[int], bytearray]]:
        command = [sys.executable, "-m", "pipeline.tracks", str(self.channels), str(self.total)]
        return output_of(command, _TRACKS.dump_json(tracks), "decoding")

    def _received(self, read: Callable[[int], bytearray], length: int) -> Sound | None:
        if read(1) == SILENCE:
            return None
        return np.frombuffer(read(4 * self.channels * length), np.float32).reshape(self.channels, length)


def _went(blocks: Blocks, clipped: int) -> Went:
    frames = blocks.frames
    first_gap_s = float("nan") if frames.first_gap_s is None else frames.first_gap_s
    return Went(heard_s=blocks.heard_s, gap_s=frames.gap_s, first_gap_s=first_gap_s, damage=frames.damage, clipped=clipped)


def _told(read: Callable[[int], bytearray]) -> Went:
    heard_s, gap_s, first_gap_s, damage, clipped = _WENT.unpack(read(_WENT.size))
    return Went(heard_s=heard_s, gap_s=gap_s, first_gap_s=first_gap_s, damage=damage, clipped=clipped)


# ---- in a process of their own


def main() -> None:
    """Decode what the command names."""
    keep_memory()
    channels, total = map(int, sys.argv[1:])
    send(Decoding(_TRACKS.validate_json(sys.stdin.buffer.read()), channels, total), sys.stdout.buffer)


def send(decoding: Decoding, pipe: IO[bytes]) -> None:
    """Rows as `elsewhere` takes them: before each block a byte that says whether it is silence; then how each track went."""
    for _, row in decoding.here():
        for block in row:
            pipe.write(SILENCE if block is None else HEARD)
            if block is not None:
                pipe.write(block.data)
    for went in decoding.went:
        pipe.write(_WENT.pack(*astuple(went)))
    pipe.flush()


if __name__ == "__main__":
    main()
