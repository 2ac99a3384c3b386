"""Every rendition is decoded again and believed only then."""

from pathlib import Path

from pipeline.child import Children, Report, quiet
from pipeline.encode import EncodePlan
from pipeline.level import Levels
from pipeline.models import Rendition, Timeline

VERSION = 1


def verify(
    timeline: Timeline, levels: Levels, plan: EncodePlan, made: tuple[Rendition, ...], *,
    children: Children, scratch: Path, report: Report = quiet, ffmpeg: str = "",
) -> tuple[Rendition, ...]:  # fmt: skip
    """The renditions with loudness, true peak and length as decoded; one that is off is corrected and made again.

    Broken when a rendition stays wrong.
    """
    raise NotImplementedError
