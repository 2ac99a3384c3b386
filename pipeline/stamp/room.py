"""How much room a file keeps for its tags, and what gives way where that is too little."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pipeline.telling import Tags

# Title, names, description and some 450 chapters.
ROOM_BYTES = 64 << 10
# Words: 200 in a minute, of six letters, each of them two bytes (UTF-16).
WORDS_BYTES_PER_S = 40
STEP_BYTES = 4 << 10
HEADER_BYTES = 10
# The size is written with seven bits a byte.
SHIFTS = (21, 14, 7, 0)
CHUNK_BYTES = 1 << 20


def room_bytes(duration_s: float) -> int:
    """Room for all that may join an episode of that length later."""
    return ROOM_BYTES + round(duration_s * WORDS_BYTES_PER_S)


def pictures_bytes(tags: Tags) -> int:
    """What cover and pictures weigh, those of chapters as often as a chapter has them: they are known from the first hour."""
    sizes = {picture.sha256: picture.size_bytes for picture in tags.pictures}
    return (tags.cover.size_bytes if tags.cover else 0) + sum(sizes.get(chapter.image, 0) for chapter in tags.chapters)


def what_fits(tags: Tags, fits: Callable[[Tags], bool]) -> Tags:
    """As much of the tags as there is room for: words give way first, then pictures, the cover, chapters last."""
    kept = replace(tags, chapters=(), cover=None, pictures=(), lyrics="")
    for part in ("chapters", "cover", "pictures", "lyrics"):
        more = replace(kept, **{part: getattr(tags, part)})
        if fits(more):
            kept = more
    return kept


# ---- ID3: the room is the tag itself


def with_room(source: Path, target: Path, size_bytes: int) -> None:
    """Write a copy whose ID3 tag is empty: as large as the one we had made, or of that size and a little where there was none."""
    had_bytes = tag_bytes(source)
    size_bytes = had_bytes if had_bytes >= ROOM_BYTES else -(-size_bytes // STEP_BYTES) * STEP_BYTES
    with source.open("rb") as sound, target.open("wb") as copy:
        copy.write(header(size_bytes).ljust(size_bytes, b"\0"))
        sound.seek(had_bytes)
        shutil.copyfileobj(sound, copy, CHUNK_BYTES)


def fill(path: Path, frames: bytes) -> None:
    """Write frames, for which there must be room, into the file's tag in place of those in it."""
    inside = tag_bytes(path) - HEADER_BYTES
    assert len(frames) <= inside
    with path.open("r+b") as file:
        file.seek(HEADER_BYTES)
        file.write(frames.ljust(inside, b"\0"))


def tag_bytes(path: Path) -> int:
    """Size of the ID3 tag in front, 0 for none."""
    with path.open("rb") as file:
        head = file.read(HEADER_BYTES)
    if head[:3] != b"ID3":
        return 0
    return HEADER_BYTES + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:], SHIFTS, strict=True))


def header(size_bytes: int) -> bytes:
    """That of a tag of so many bytes, itself among them (id3v2.3.0, 3.1)."""
    return b"ID3\x03\x00\x00" + bytes((size_bytes - HEADER_BYTES) >> shift & 0x7F for shift in SHIFTS)
