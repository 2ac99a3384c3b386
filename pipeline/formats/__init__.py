"""The shelf of audio formats: a name in `audio.formats` is a file here.

A format is a module that fulfils `Format`. It says how ffmpeg writes it and how it is tagged; it does neither itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, Protocol, cast

from pipeline.shelf import take

Effort = Literal["fast", "quality"]
# How words, cover and chapters are kept in a file: ID3v2.3, MP4 atoms, Vorbis comments, ID3v2.3 in a RIFF chunk.
Tagging = Literal["id3", "mp4", "vorbis_ogg", "vorbis_flac", "riff"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How ffmpeg makes one rendition."""

    codec: str
    container: str
    bitrate_kbps: int | None
    # What the encoder takes away (least squares against the source), given back in front of it.
    trim_db: float = 0.0
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


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
