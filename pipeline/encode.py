"""One decode becomes every rendition at once: tracks × gains, summed, cut, limited, and piped to the writer of each."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline import ffmpeg as tool
from pipeline.child import Children, Report, quiet
from pipeline.clock import TimeMap
from pipeline.decode import BLOCK, RATE_HZ, keep_memory
from pipeline.formats import Output, named
from pipeline.journal import place
from pipeline.level import Levels
from pipeline.limiter import Limiter
from pipeline.loudness import FRAME
from pipeline.models import MadeFile, Rendition, Timeline
from pipeline.plan import EncodePlan as EncodePlan
from pipeline.press import writer
from pipeline.spectra import Sound
from pipeline.tracks import Decoding

VERSION = 3
# A shorter room is written before a process would have begun.
LONG_S = 300.0
# A cut fades out and in, in its own kept seconds: nothing of what was cut is heard.
FADE = RATE_HZ // 100
# Gains are worked out every millisecond and drawn straight between.
STEP = RATE_HZ // 1000
_LINE = np.stack([np.ones(STEP), np.arange(STEP) / STEP]).astype(np.float32)


def encode(
    timeline: Timeline, levels: Levels, plan: EncodePlan = EncodePlan(), *,
    children: Children, scratch: Path, report: Report = quiet, ffmpeg: str = "",
) -> tuple[Rendition, ...]:  # fmt: skip
    """Every rendition of the plan, not yet measured."""
    folder = place(scratch, encode, timeline, levels, plan)
    outputs = tuple(_output(name, levels.channels, plan, folder) for name in plan.formats)
    work = Work(binary=tool.find(ffmpeg), outputs=outputs, ceiling_dbtp=levels.ceiling_dbtp + plan.ceiling_db)
    files = children.run(rendered, timeline, levels, work, report=report)
    duration_s = sum(end - start for start, end in kept_samples(timeline)) / RATE_HZ
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


# ---- in the child


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Which files are written, of sound under which ceiling, and which ffmpeg is taken where one is."""

    binary: str
    outputs: tuple[Output, ...]
    ceiling_dbtp: float


def rendered(timeline: Timeline, levels: Levels, work: Work, report: Report) -> tuple[MadeFile, ...]:
    """All outputs, written."""
    keep_memory()
    with np.load(levels.curves.path, allow_pickle=False) as arrays:
        gain_db = arrays["gain_db"]
    episode = without_cuts(timeline, _told(mixed(timeline, gain_db, levels.channels), timeline, report))
    sound = limited(episode, levels.channels, work.ceiling_dbtp)
    apart = timeline.length_s >= LONG_S
    with ExitStack() as files:
        writers = [files.enter_context(writer(output, levels.channels, work.binary, apart=apart)) for output in work.outputs]
        for chunk in _interleaved(sound):
            for write in writers:
                write(chunk)
    return tuple(MadeFile.of(output.path) for output in work.outputs)


def _interleaved(blocks: Iterable[Sound]) -> Iterator[bytes]:
    for sound in blocks:
        if sound.size:
            yield np.ascontiguousarray(sound.T).tobytes()


def _told(blocks: Iterable[tuple[int, Sound]], timeline: Timeline, report: Report) -> Iterator[tuple[int, Sound]]:
    for first, sound in blocks:
        report(min(first / RATE_HZ / timeline.length_s, 1.0))
        yield first, sound


def mixed(timeline: Timeline, gain_db: NDArray[np.float32], channels: int) -> Iterator[tuple[int, Sound]]:
    """The room in blocks, levelled, each with its first sample."""
    total = round(timeline.length_s * RATE_HZ)
    for first, row in Decoding(timeline.tracks, channels, total):
        length = min(BLOCK, total - first)
        sound = np.zeros((channels, length), np.float32)
        for n, block in enumerate(row):
            if block is not None:
                sound += block * curve(gain_db[n], first, length) if timeline.separate else block
        yield first, sound if timeline.separate else sound * curve(gain_db[0], first, length)


def curve(gain_db: NDArray[np.float32], first: int, length: int) -> Sound:
    """A factor for every sample: frames have their gain at their middle, between them it is a straight line in dB."""
    at = (first + STEP * np.arange(-(-length // STEP) + 1)) / FRAME - 0.5
    near = gain_db[max(first // FRAME - 1, 0) : (first + length) // FRAME + 2]
    factors = 10 ** (np.interp(at - max(first // FRAME - 1, 0), np.arange(len(near)), near) / 20)
    lines = np.stack([factors[:-1], np.diff(factors)], 1).astype(np.float32) @ _LINE
    return lines.reshape(-1)[:length]


def kept_samples(timeline: Timeline) -> list[tuple[int, int]]:
    """First sample and end of every stretch that is heard."""
    kept = TimeMap(timeline.length_s, timeline.cuts).kept
    return [(round(start_s * RATE_HZ), round(end_s * RATE_HZ)) for start_s, end_s in kept]


def without_cuts(timeline: Timeline, blocks: Iterable[tuple[int, Sound]]) -> Iterator[Sound]:
    """What is heard of the blocks, faded where a cut begins and ends."""
    kept = kept_samples(timeline)
    for first, sound in blocks:
        for start, end in kept:
            begin, stop = max(start, first), min(end, first + sound.shape[1])
            if begin < stop:
                heard = sound[:, begin - first : stop - first].copy()
                _fade(heard, begin - start, end - begin)
                yield heard


def _fade(heard: Sound, since: int, until: int) -> None:
    """Fade what lies within FADE of the stretch's ends, which are `since` samples before and `until` after its first sample."""
    if since < FADE or until - heard.shape[1] < FADE:
        at = np.arange(heard.shape[1], dtype=np.float32)
        heard *= np.clip(np.minimum(at + since, until - 1 - at) / FADE, 0, 1)


def limited(blocks: Iterable[Sound], channels: int, ceiling_dbtp: float) -> Iterator[Sound]:
    """The same sound under the ceiling."""
    limiter = Limiter(channels, ceiling_dbtp)
    for sound in blocks:
        yield limiter(sound)
    yield limiter.rest()
