"""An ID3 tag in a WAV, as its last chunk: behind the sound, which stays where it is.

RIFF counts the file's bytes with four; a larger one is RF64 (EBU Tech 3306), whose counts stand in a chunk of their own.
"""

import os
import struct
from pathlib import Path
from typing import IO

MOST_BYTES = 0xFFFFFFFF
# Where they count the bytes behind themselves, and RF64 those of the sound.
RIFF_SIZE_AT, RF64_SIZE_AT, RF64_SOUND_AT = 4, 20, 28
FIRST_CHUNK_AT = 12


def put_id3(path: Path, tag: bytes) -> None:
    """Write the tag in place of the one that was there; a file that is then larger than it can say is left as it was."""
    chunk = struct.pack("<4sI", b"id3 ", len(tag)) + tag + b"\0" * (len(tag) % 2)
    with path.open("r+b") as file:
        is_rf64 = file.read(4) == b"RF64"
        ends_at = _end_of_sound(file)
        size = ends_at + len(chunk) - 8
        if size > MOST_BYTES and not is_rf64:
            return
        file.seek(ends_at)
        file.write(chunk)
        file.truncate()
        file.seek(RF64_SIZE_AT if is_rf64 else RIFF_SIZE_AT)
        file.write(struct.pack("<Q" if is_rf64 else "<I", size))


def _end_of_sound(file: IO[bytes]) -> int:
    """Where the file ends, or its tag begins."""
    at, end = FIRST_CHUNK_AT, file.seek(0, os.SEEK_END)
    while at < end:
        file.seek(at)
        name, size = struct.unpack("<4sI", file.read(8))
        if name == b"id3 ":
            return at
        if name == b"data" and size == MOST_BYTES:
            file.seek(RF64_SOUND_AT)
            (size,) = struct.unpack("<Q", file.read(8))
        at += 8 + size + size % 2
    return at
