"""One decode becomes every rendition at once, in a limited child (`pipeline/render.py`)."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pipeline import ffmpeg as tool
from pipeline.child import Children, Report, quiet
from pipeline.decode import RATE_HZ
from pipeline.formats import Output, named
from pipeline.journal import place
from pipeline.level import Levels
from pipeline.models import MadeFile, Rendition, Timeline
from pipeline.opus_gain import turned
from pipeline.plan import EncodePlan
from pipeline.render import Work, rendered
from pipeline.score import episode_samples

VERSION = 7


def encode(
    timeline: Timeline, levels: Levels, plan: EncodePlan = EncodePlan(), *,
    children: Children, scratch: Path, report: Report = quiet, ffmpeg: str = "",
) -> tuple[Rendition, ...]:  # fmt: skip
    """Every rendition of the plan, not yet measured."""
    folder = place(scratch, encode, timeline, levels, plan)
    outputs = {name: _output(name, levels.channels, plan, folder) for name in plan.formats}
    files = _copied(timeline, levels, plan, outputs, children)
    missing = tuple(output for name, output in outputs.items() if name not in files)
    work = Work(binary=tool.find(ffmpeg), outputs=missing, ceiling_dbtp=levels.ceiling_dbtp + plan.ceiling_db, scratch=scratch)
    made = iter(children.run(rendered, timeline, levels, work, report=report) if missing else ())
    duration_s = episode_samples(timeline) / RATE_HZ
    kbps = {name: None if name in files else output.recipe.bitrate_kbps for name, output in outputs.items()}
    return tuple(_rendition(name, files.get(name) or next(made), duration_s, levels.channels, kbps[name]) for name in outputs)


def _output(name: str, channels: int, plan: EncodePlan, folder: Path) -> Output:
    recipe = named(name).recipe(channels, plan.effort)
    trimmed = replace(recipe, trim_db=recipe.trim_db + plan.trim_db)
    return Output(path=folder / f"episode{named(name).SUFFIX}", recipe=trimmed)


def _copied(
    timeline: Timeline, levels: Levels, plan: EncodePlan, outputs: Mapping[str, Output], children: Children
) -> dict[str, MadeFile]:
    """The room's own Opus, turned to its level, where no more is done to it; one that came out wrong is encoded."""
    if "opus" not in outputs or levels.only_gain_db is None or plan.trim_db or plan.ceiling_db:
        return {}
    source = timeline.tracks[0].file
    file = children.run(turned, source, outputs["opus"].path, levels.only_gain_db, levels.channels)
    return {"opus": file} if file else {}


def _rendition(name: str, file: MadeFile, duration_s: float, channels: int, wished_kbps: int | None) -> Rendition:
    return Rendition(
        format=name, file=file, mime_type=named(name).MIME_TYPE, duration_s=duration_s, channels=channels,
        bitrate_kbps=wished_kbps or round(file.size_bytes * 8 / 1000 / max(duration_s, 1e-3)),
    )  # fmt: skip
