"""One decode becomes every rendition at once, in a limited child (`pipeline/render.py`)."""

from dataclasses import replace
from pathlib import Path

from pipeline import ffmpeg as tool
from pipeline.child import Children, Report, quiet
from pipeline.decode import RATE_HZ
from pipeline.formats import Output, named
from pipeline.journal import place
from pipeline.level import Levels
from pipeline.models import Rendition, Timeline
from pipeline.plan import EncodePlan
from pipeline.render import Work, rendered
from pipeline.score import episode_samples

VERSION = 5


def encode(
    timeline: Timeline, levels: Levels, plan: EncodePlan = EncodePlan(), *,
    children: Children, scratch: Path, report: Report = quiet, ffmpeg: str = "",
) -> tuple[Rendition, ...]:  # fmt: skip
    """Every rendition of the plan, not yet measured."""
    folder = place(scratch, encode, timeline, levels, plan)
    outputs = tuple(_output(name, levels.channels, plan, folder) for name in plan.formats)
    work = Work(binary=tool.find(ffmpeg), outputs=outputs, ceiling_dbtp=levels.ceiling_dbtp + plan.ceiling_db, scratch=scratch)
    files = children.run(rendered, timeline, levels, work, report=report)
    duration_s = episode_samples(timeline) / RATE_HZ
    return tuple(
        Rendition(
            format=name, file=file, mime_type=named(name).MIME_TYPE, duration_s=duration_s, channels=levels.channels,
            bitrate_kbps=output.recipe.bitrate_kbps or round(file.size_bytes * 8 / 1000 / max(duration_s, 1e-3)),
        )
        for name, output, file in zip(plan.formats, outputs, files, strict=True)
    )  # fmt: skip


def _output(name: str, channels: int, plan: EncodePlan, folder: Path) -> Output:
    recipe = named(name).recipe(channels, plan.effort)
    trimmed = replace(recipe, trim_db=recipe.trim_db + plan.trim_db)
    return Output(path=folder / f"episode{named(name).SUFFIX}", recipe=trimmed)
