"""Steady noise taken out of a track by ffmpeg's afftdn, in this process and on the same clock. Used in limited children only."""

from collections.abc import Iterable, Iterator
from fractions import Fraction

import numpy as np
from av.audio.frame import AudioFrame
from av.error import BlockingIOError, EOFError  # noqa: A004  not Python's own
from av.filter import Graph

from pipeline.spectra import RATE_HZ, Sound

# It follows the noise as it changes, and takes at most this much away: more sounds like water.
OPTIONS = "nr=12:nf=-50:tn=1"
# So many samples late comes what it answers (measured at 48 kHz, libavfilter 11).
LATE = 1200


def denoised(blocks: Iterable[Sound]) -> Iterator[Sound]:
    """The same blocks of (channels, samples), each as long as it was, with less noise."""
    lengths: list[int] = []
    ready = np.zeros((0, 0), np.float32)
    for answer in _answers(blocks, lengths):
        ready = answer if not ready.size else np.concatenate([ready, answer], 1)
        while lengths and ready.shape[1] >= lengths[0]:
            length = lengths.pop(0)
            yield ready[:, :length]
            ready = ready[:, length:]


def _answers(blocks: Iterable[Sound], lengths: list[int]) -> Iterator[Sound]:
    """What the filter answers, on time; `lengths` is told how long each block is that went in."""
    graph: Graph | None = None
    at, early = 0, LATE
    for block in blocks:
        graph = graph or _graph(len(block))
        lengths.append(block.shape[1])
        graph.push(_frame(block, at))
        at += block.shape[1]
        answer = _pulled(graph, len(block))
        skipped = min(early, answer.shape[1])
        early -= skipped
        yield answer[:, skipped:]
    if graph:
        graph.push(_frame(np.zeros_like(block, shape=(len(block), LATE)), at))
        graph.push(None)
        yield _pulled(graph, len(block))[:, early:]


def _graph(channels: int) -> Graph:
    graph = Graph()
    layout = "mono" if channels == 1 else "stereo"
    source = graph.add(
        "abuffer", sample_rate=str(RATE_HZ), sample_fmt="fltp", channel_layout=layout, time_base=f"1/{RATE_HZ}"
    )  # fmt: skip
    through, sink = graph.add("afftdn", OPTIONS), graph.add("abuffersink")
    source.link_to(through)
    through.link_to(sink)
    graph.configure()
    return graph


def _frame(block: Sound, first: int) -> AudioFrame:
    frame = AudioFrame("fltp", "mono" if len(block) == 1 else "stereo", block.shape[1])
    frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, first, Fraction(1, RATE_HZ)
    for plane, channel in zip(frame.planes, block, strict=True):
        plane.update(np.ascontiguousarray(channel).tobytes())
    return frame


def _pulled(graph: Graph, channels: int) -> Sound:
    out = [np.zeros((channels, 0), np.float32)]
    while True:
        try:
            frame = graph.pull()
        except (BlockingIOError, EOFError):
            return np.concatenate(out, 1)
        assert isinstance(frame, AudioFrame)
        out.append(np.stack([np.frombuffer(memoryview(plane), np.float32, frame.samples) for plane in frame.planes]))
