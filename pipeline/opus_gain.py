"""Opus on target without being encoded again: its packets as they are, another output gain in its header (RFC 7845, 5.1).

Only a whole Ogg of one Opus stream is taken (RFC 3533, 6); one that is chained, mixed or damaged must be encoded. What was written
into its tags is not carried along.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import IO

from pipeline.child import Report
from pipeline.models import MadeFile

_HEADER = struct.Struct("<4sBBqIIIB")
_CHECKSUM_AT = 22
CONTINUED, FIRST = 1, 2
# A page may hold no more than a packet of 20 ms: not each of them is worth a word.
TOLD_PAGES = 1000
# A gain of one dB, as the header counts it, in sixteen bits.
STEPS, MOST_STEPS = 256, (1 << 15) - 1
_GAIN_AT, _HEAD_BYTES = 16, 19
_TAGS = b"OpusTags" + struct.pack("<I", 8) + b"aircheck" + struct.pack("<I", 0)
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class _Otherwise(Exception):
    """It is not the plain file that it would have to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of an Ogg, all its bytes, and what its header says."""

    content: bytes
    flags: int
    sequence: int
    lacing: bytes

    @property
    def body(self) -> bytes:
        return self.content[_HEADER.size + len(self.lacing) :]


def turned(source: MadeFile, target: Path, gain_db: float, channels: int, report: Report) -> MadeFile | None:
    """A copy of the Opus file that is so much louder; None where it is not a plain one of so many channels."""
    try:
        with source.path.open("rb") as file, target.open("wb") as out:
            pages = _pages(file)
            head = next(pages, None)
            if head is None:
                return None
            out.write(_rewritten(head, _head(head, gain_db, channels), bytes([_HEAD_BYTES]), 0))
            out.write(_rewritten(replace(_last_of_tags(pages), flags=0), _TAGS, bytes([len(_TAGS)]), 1))
            for sequence, page in enumerate(pages, 2):
                if not sequence % TOLD_PAGES:
                    report(file.tell() / source.size_bytes)
                out.write(page.content if page.sequence == sequence else _rewritten(page, page.body, page.lacing, sequence))
    except _Otherwise:
        return None
    return MadeFile.of(target)


def _pages(file: IO[bytes]) -> Iterator[Page]:
    """All pages of the one stream, each as its checksum says and behind the one before."""
    stream = None
    for number in count():
        start = file.read(_HEADER.size)
        if not start:
            return
        if len(start) < _HEADER.size:
            raise _Otherwise
        mark, version, flags, _, serial, sequence, checksum, segments = _HEADER.unpack(start)
        lacing = file.read(segments)
        content = start + lacing + file.read(sum(lacing))
        stream = serial if number == 0 else stream
        in_turn = (serial, sequence, bool(flags & FIRST)) == (stream, number, number == 0)
        if (mark, version) != (b"OggS", 0) or not in_turn or checksum != _checksum(content):
            raise _Otherwise
        yield Page(content=content, flags=flags, sequence=sequence, lacing=lacing)


def _head(page: Page, gain_db: float, channels: int) -> bytes:
    """Its identification header with the other gain; one or two channels, in the usual order."""
    head = page.body
    if len(head) != _HEAD_BYTES or head[:8] != b"OpusHead" or head[8] >> 4 or head[9] != channels or head[18]:
        raise _Otherwise
    gain = struct.unpack_from("<h", head, _GAIN_AT)[0] + round(gain_db * STEPS)
    if abs(gain) > MOST_STEPS:
        raise _Otherwise
    return head[:_GAIN_AT] + struct.pack("<h", gain) + head[_GAIN_AT + 2 :]


def _last_of_tags(pages: Iterator[Page]) -> Page:
    """The page on which the tags end, as everything before the sound does."""
    for n, page in enumerate(pages):
        if (n == 0 and not page.body.startswith(b"OpusTags")) or bool(page.flags & CONTINUED) != (n > 0):
            break
        ends = [at for at, length in enumerate(page.lacing, 1) if length < 255]
        if ends:
            if ends[0] == len(page.lacing):
                return page
            break
    raise _Otherwise


def _rewritten(page: Page, body: bytes, lacing: bytes, sequence: int) -> bytes:
    """The page with that body, at that place."""
    mark, version, _, granule, serial, *_ = _HEADER.unpack_from(page.content)
    header = _HEADER.pack(mark, version, page.flags, granule, serial, sequence, 0, len(lacing))
    content = bytearray(header + lacing + body)
    struct.pack_into("<I", content, _CHECKSUM_AT, _checksum(bytes(content)))
    return bytes(content)


def _checksum(content: bytes) -> int:
    """Ogg's: that of zlib in a mirror, begun and ended with zeros, its own four bytes counted as zeros."""
    blank = content[:_CHECKSUM_AT] + bytes(4) + content[_CHECKSUM_AT + 4 :]
    mirrored = zlib.crc32(blank.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(mirrored.to_bytes(4, "little").translate(_MIRRORED), "big")
