"""What a file is, told by its first bytes and never by its name, and how much of its headers is a lie."""

import re
import struct
from pathlib import Path
from typing import IO

from pipeline.errors import Refused

HEAD_BYTES = 4096
LEAST_BYTES = 16
MAX_CHUNKS = 10_000
# Of an Ogg page before its table of segments.
PAGE_BYTES = 27
SEARCH_BYTES = 1 << 16

# First bytes -> ffmpeg's name of the container.
_SOUND = (
    (rb"OggS", "ogg"),
    (rb"fLaC", "flac"),
    (rb"(RIFF|RF64|BW64|RIFX).{4}WAVE", "wav"),
    (rb"riff\x2e\x91\xcf\x11", "w64"),
    (rb".{4}(ftyp|styp|moov|moof|mdat|free|skip|wide|pnot)", "mov"),
    (rb"\x1a\x45\xdf\xa3", "matroska"),
    (rb"\x47.{187}\x47", "mpegts"),
    (rb"\xff[\xf0\xf1\xf8\xf9]", "aac"),
    (rb"\xff[\xe2-\xff]", "mp3"),
    (rb"FORM.{4}AIF[FC]", "aiff"),
    (rb"caff", "caf"),
    (rb"\.snd", "au"),
    (rb"#!AMR", "amr"),
    (rb"wvpk", "wv"),
    (rb"\x30\x26\xb2\x75", "asf"),
    (rb"RIFF.{4}AVI ", "avi"),
    (rb"FLV\x01", "flv"),
    (rb"\x00\x00\x01\xba", "mpeg"),
)

_NOT_SOUND = (
    (rb"\s*(#EXTM3U|ffconcat|\[playlist\]|<\?xml[^>]*>\s*<(MPD|smil))", "is a playlist, which only its own room may bring"),
    (rb"\s*(<!doctype html|<html|<head|<body)", "is a web page, most likely the error page of the store it came from"),
    (rb"\s*<(\?xml|error|[a-z]+>)", "is an XML answer, most likely an error of the store it came from"),
    (rb"\x89PNG|\xff\xd8\xff|GIF8|RIFF.{4}WEBP", "is a picture"),
    (rb"PK\x03\x04", "is a zip archive"),
    (rb"%PDF", "is a PDF"),
)  # fmt: skip


def kind_of(path: Path) -> str:
    """The container by its first bytes, `""` where they say nothing. Refused when they say that this is no sound."""
    head = _head(path)
    if not head.strip(b"\0"):
        _refuse(path, "is empty" if not head else "holds nothing but zeros", "empty")
    if len(head) < LEAST_BYTES:
        _refuse(path, f"has only {len(head)} of the bytes that any file of sound begins with", "empty")
    for pattern, what in _NOT_SOUND:
        if re.match(pattern, head, re.DOTALL | re.IGNORECASE):
            _refuse(path, what, "not_audio")
    for pattern, kind in _SOUND:
        if re.match(pattern, head, re.DOTALL):
            return kind
    if _is_text(head):
        _refuse(path, "is text", "not_audio")
    return ""


def _refuse(path: Path, why: str, code: str) -> None:
    raise Refused(f"{path.name} {why}; there is no sound in it", code=code)


def _head(path: Path) -> bytes:
    """The first bytes behind an ID3 tag, which may stand before MP3, AAC and FLAC alike."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        while head[:3] == b"ID3" and len(head) >= 10:
            size = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
            file.seek(10 + size - len(head), 1)
            head = file.read(HEAD_BYTES)
    return head


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        # A letter may be cut in two at the end of what was read.
        if error.start < len(head) - 4:
            return False
        text = head[: error.start].decode()
    return all(c.isprintable() or c in "\t\r\n\f" for c in text)


def wav_goes_on(path: Path) -> bool:
    """Whether sound goes on behind the end that a WAV's header names, as when its recorder died before it wrote the size."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(4) == b"RF64":
            return False
        at = 12
        for _ in range(MAX_CHUNKS):
            file.seek(at)
            header = file.read(8)
            if len(header) < 8:
                return False
            name, length = struct.unpack("<4sI", header)
            at += 8 + length + length % 2
            if name == b"data":
                return length in (0, 0xFFFFFFFF) or not _chunks_follow(path, at, size)
    return False


def _chunks_follow(path: Path, at: int, size: int) -> bool:
    """Whether proper chunks, or nothing, fill the file from here to its end."""
    with path.open("rb") as file:
        for _ in range(MAX_CHUNKS):
            if at >= size - 1:
                return True
            file.seek(at)
            header = file.read(8)
            if len(header) < 8 or not re.fullmatch(rb"[A-Za-z][\w ]{3}", header[:4]):
                return False
            length = int.from_bytes(header[4:], "little")
            at += 8 + length + length % 2
    return False


def ogg_links(path: Path) -> tuple[tuple[int, int], ...]:
    """Where each link of a chained Ogg file begins and ends, in bytes; a file that is not chained is one link (RFC 3533, 4)."""
    starts: list[int] = []
    at, began, size = 0, False, path.stat().st_size
    with path.open("rb") as file:
        while at <= size - PAGE_BYTES:
            file.seek(at)
            page = file.read(PAGE_BYTES + 255)
            if page[:4] != b"OggS":
                at = _next_page(file, at + 1, size)
                continue
            first = bool(page[5] & 2)
            if first and not began:
                starts.append(at)
            began = first
            at += PAGE_BYTES + page[26] + sum(page[PAGE_BYTES : PAGE_BYTES + page[26]])
    return tuple(zip(starts, [*starts[1:], size], strict=True))


def _next_page(file: IO[bytes], at: int, size: int) -> int:
    """Where the next page begins after damage; the end of the file when there is none."""
    while at < size:
        file.seek(at)
        chunk = file.read(SEARCH_BYTES)
        found = chunk.find(b"OggS")
        if found >= 0:
            return at + found
        at += max(len(chunk) - 3, 1)
    return size
