"""Renditions to be stamped, and what two strangers read in them afterwards."""

import json
import shutil
import subprocess
from base64 import b64decode
from dataclasses import dataclass, replace
from pathlib import Path

import av
import numpy as np
from heard_rooms import heard_mix
from mutagen.flac import FLAC, Picture
from mutagen.id3 import ID3
from mutagen.mp4 import MP4
from mutagen.oggopus import OggOpus
from mutagen.wave import WAVE
from PIL import Image

from bench.sounds import speech
from pipeline.child import Children
from pipeline.encode import encode
from pipeline.level import level
from pipeline.models import Chapter, MadeFile, Rendition
from pipeline.plan import EncodePlan
from pipeline.shelf import names

ALL = tuple(names("pipeline.formats"))
FFPROBE = shutil.which("ffprobe")


def encoded(folder: Path, children: Children, seconds: float = 10) -> dict[str, Rendition]:
    room = heard_mix(folder, speech(seconds, -22))
    levels = level(room.timeline, room.heard, scratch=folder)
    return {r.format: r for r in encode(room.timeline, levels, EncodePlan(formats=ALL), children=children, scratch=folder)}


def lasting(rendition: Rendition, duration_s: float) -> Rendition:
    """The same file, said to last so long."""
    return replace(rendition, duration_s=duration_s)


def drawn(path: Path, size: int = 300, *, busy: bool = False) -> MadeFile:
    """A cover; a busy one is large whatever packs it."""
    plain = np.full((size, size, 3), 120, np.uint8)
    Image.fromarray(np.random.default_rng(1).integers(0, 255, plain.shape, np.uint8) if busy else plain).save(path)
    return MadeFile.of(path)


def titled(*titles: str, each_s: float = 2.5) -> tuple[Chapter, ...]:
    return tuple(Chapter(start_s=each_s * n, end_s=each_s * (n + 1), title=t, source="computed") for n, t in enumerate(titles))


def sound_in(path: Path) -> list[tuple[int | None, bytes]]:
    """Every audio packet with its time."""
    with av.open(str(path)) as file:
        return [(packet.pts, bytes(packet)) for packet in file.demux(file.streams.audio[0])]


def chapters_in(path: Path) -> list[tuple[float, str]]:
    """As a player that is not ours reads them."""
    with av.open(str(path)) as file:
        return [(round(float(c["start"] * c["time_base"]), 3), c["metadata"].get("title", "")) for c in file.chapters()]


@dataclass(frozen=True)
class Read:
    """What somebody reads in a file: its title, its chapters with their starts in ms, its words, its cover."""

    title: str
    chapters: list[tuple[int, str]]
    lyrics: str
    cover: bytes | None


def by_mutagen(path: Path) -> Read:
    return {".mp3": _id3, ".wav": _id3, ".m4a": _mp4, ".opus": _vorbis, ".flac": _vorbis}[path.suffix](path)


def _id3(path: Path) -> Read:
    tags = WAVE(path).tags if path.suffix == ".wav" else ID3(path)
    found = sorted(tags.getall("CHAP"), key=lambda chapter: chapter.start_time)
    lyrics, cover = tags.getall("USLT"), tags.getall("APIC")
    return Read(
        title=str(tags.get("TIT2", "")), lyrics=lyrics[0].text if lyrics else "", cover=cover[0].data if cover else None,
        chapters=[(chapter.start_time, str(chapter.sub_frames.get("TIT2", ""))) for chapter in found],
    )  # fmt: skip


def _mp4(path: Path) -> Read:
    file = MP4(path)
    covers = file.get("covr")
    return Read(
        title=file.get("\xa9nam", [""])[0], lyrics=file.get("\xa9lyr", [""])[0], cover=bytes(covers[0]) if covers else None,
        chapters=[(round(chapter.start * 1000), chapter.title) for chapter in file.chapters or ()],
    )  # fmt: skip


def _vorbis(path: Path) -> Read:
    file = FLAC(path) if path.suffix == ".flac" else OggOpus(path)
    if path.suffix == ".flac":
        covers = [picture.data for picture in file.pictures]
    else:
        covers = [Picture(b64decode(text)).data for text in file.get("metadata_block_picture", [])]
    numbers = sorted(key for key in file if key.startswith("chapter") and key[7:].isdigit())  # type: ignore[union-attr]
    return Read(
        title=file.get("title", [""])[0], lyrics=file.get("lyrics", [""])[0], cover=covers[0] if covers else None,
        chapters=[(_ms(file[number][0]), file.get(f"{number}name", [""])[0]) for number in numbers],
    )  # fmt: skip


def _ms(written: str) -> int:
    hours, minutes, seconds = written.split(":")
    return int(hours) * 3_600_000 + int(minutes) * 60_000 + round(float(seconds) * 1000)


def by_ffprobe(path: Path) -> Read:
    """By the system's ffprobe; its neighbour ffmpeg hands out the cover."""
    assert FFPROBE
    asked = [FFPROBE, "-v", "error", "-of", "json", "-show_format", "-show_chapters", "-show_streams", str(path)]
    found = json.loads(subprocess.run(asked, capture_output=True, check=True).stdout)
    holders = [found["format"], *found["streams"]]
    tags = {key.lower(): text for holder in reversed(holders) for key, text in holder.get("tags", {}).items()}
    lyrics = next((text for key, text in tags.items() if key.partition("-")[0] == "lyrics"), "")
    return Read(
        title=tags.get("title", ""), lyrics=lyrics, cover=_picture(path) if _has_picture(found) else None,
        chapters=[(round(float(c["start_time"]) * 1000), c.get("tags", {}).get("title", "")) for c in found["chapters"]],
    )  # fmt: skip


def _has_picture(found: dict) -> bool:  # type: ignore[type-arg]
    return any(stream["disposition"]["attached_pic"] for stream in found["streams"])


def _picture(path: Path) -> bytes:
    asked = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:v", "-c", "copy", "-f", "image2pipe", "-"]
    return subprocess.run(asked, capture_output=True, check=True).stdout
