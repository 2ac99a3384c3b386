"""One decode becomes every rendition at once."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.child import Children, Report, quiet
from pipeline.level import Levels
from pipeline.models import Rendition, Timeline

VERSION = 1
Effort = Literal["fast", "quality"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodePlan:
    """Which renditions are made; `formats` are names on the shelf pipeline/formats."""

    formats: tuple[str, ...] = ("mp3", "m4a", "opus")
    effort: Effort = "fast"


def encode(
    timeline: Timeline, levels: Levels, plan: EncodePlan = EncodePlan(), *,
    children: Children, scratch: Path, report: Report = quiet, ffmpeg: str = "",
) -> tuple[Rendition, ...]:  # fmt: skip
    """Every rendition of the plan, not yet measured."""
    raise NotImplementedError
