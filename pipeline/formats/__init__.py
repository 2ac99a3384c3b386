"""The shelf of audio formats: a name in `audio.formats` is a file here.

A format is a module that fulfils `Format`. It says how it is written and tagged; it does neither itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, cast

from pipeline.shelf import take

Effort = Literal["fast", "quality"]
# How words, cover and chapters are kept in a file: ID3v2.3, MP4 atoms, Vorbis comments, ID3v2.3 in a RIFF chunk.
Tagging = Literal["id3", "mp4", "vorbis_ogg", "vorbis_flac", "riff"]


# PyAV in a process of ours, or the program ffmpeg.
Writer = Literal["libav", "ffmpeg"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How one rendition is made, in FFmpeg's names; the options are the encoder's, `muxing` its container's."""

    codec: str
    container: str
    bitrate_kbps: int | None
    # What the encoder takes away (least squares against the source), given back in front of it.
    trim_db: float = 0.0
    # What the encoder works on; where it is empty, what that encoder names first.
    sample_format: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    muxing: Mapping[str, str] = field(default_factory=dict)
    writer: Writer = "libav"


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A file that shall be written."""

    path: Path
    recipe: Recipe


class Format(Protocol):
    """What a module on this shelf offers. Its recipe gives the same bytes for the same samples: no date, no random serial."""

    SUFFIX: str
    MIME_TYPE: str
    TAGGING: Tagging

    @staticmethod
    def recipe(channels: int, effort: Effort, /) -> Recipe:
        """The recipe for one or two channels of 48 kHz."""


def named(name: str) -> Format:
    """The format of that name. Refused, with the nearest name, when there is none."""
    return cast(Format, take("pipeline.formats", name))
