"""Sound out of files of any kind, on its own clock: 48 kHz float32, gaps as silence. Used in limited children only.

Memory does not grow with length: frames become pieces, pieces become blocks of ten seconds.
"""

import ctypes
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import av
import av.logging
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from numpy.typing import NDArray

from pipeline.containers import kind_of, ogg_links, wav_goes_on
from pipeline.models import Track

RATE_HZ = 48_000
BLOCK = 10 * RATE_HZ
# Time stamps that are off by less are rounding (milliseconds in Matroska), not a gap.
GAP_S = 0.015
# Frames are handed on together: what is done fifty times a second costs as much as a meter.
PIECE_S = 1.0
# Samples that may follow where a file says that its sound ends.
PADDING = 4096
# Where first bytes say nothing, only containers without outside references are tried.
PLAIN = "mp3,aac,ac3,flac,amr,mpegts,mpeg"

# malloc.h
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
KEPT_BYTES = 256 << 20

Sound = NDArray[np.float32]


def keep_memory() -> None:
    """Let blocks that were freed be used again: else glibc gives them back, and fresh pages cost a quarter of a meter's time."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
        libc.mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)


@contextmanager
def complaints() -> Iterator[list[tuple[int, str, str]]]:
    """What the libraries complain about meanwhile: a damaged page of an Ogg is told in no other way."""
    av.logging.set_level(av.logging.ERROR)
    av.logging.set_skip_repeated(False)
    with av.logging.Capture() as said:
        yield said


class Window(io.RawIOBase):
    """Some bytes of a file, read as if they were a file."""

    def __init__(self, file: IO[bytes], start: int, end: int) -> None:
        self.file, self.start, self.length, self.at = file, start, end - start, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        left = max(self.length - self.at, 0)
        self.file.seek(self.start + self.at)
        chunk = self.file.read(left if size < 0 else min(size, left))
        self.at += len(chunk)
        return chunk

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.length}[whence]
        return self.at

    def tell(self) -> int:
        return self.at


def containers(path: Path) -> Iterator[InputContainer]:
    """The file opened as what its first bytes say; a chained Ogg gives one container a link."""
    kind = kind_of(path)
    options = {"protocol_whitelist": "file", "format_whitelist": kind or PLAIN}
    if kind == "wav" and wav_goes_on(path):
        options["ignore_length"] = "1"
    links = ogg_links(path) if kind == "ogg" else ()
    with path.open("rb") as file:
        for source in [Window(file, *link) for link in links] if len(links) > 1 else [f"file:{path}"]:
            opened: Any = source
            with av.open(opened, format=kind or None, options=options, metadata_errors="replace") as container:
                yield container


class Frames:
    """The frames of one audio stream with the second each begins, counted from the stream's first.

    `damage` counts what could not be read, `gap_s` sums the seconds that the time stamps leap over.
    """

    def __init__(self, path: Path, stream: int = 0, said: list[tuple[int, str, str]] | None = None) -> None:
        self.path, self.stream = path, stream
        # Emptied as it fills, see `complaints`.
        self.said = [] if said is None else said
        self.damage, self.gap_s, self.at_s = 0, 0.0, 0.0
        self.first_gap_s: float | None = None
        # Where the file says that its sound ends, for a file whose last frame may go on.
        self.ends_s: float | None = None

    def __iter__(self) -> Iterator[tuple[float, AudioFrame]]:
        for container in containers(self.path):
            base: float | None = None
            tick_s = 0.0
            for frame in self._decoded(container):
                if frame.pts is not None and (tick_s or frame.time_base):
                    tick_s = tick_s or float(frame.time_base or 0)
                    base = self._leap(base, frame.pts * tick_s)
                yield self.at_s, frame
                self.at_s += frame.samples / frame.rate

    def _leap(self, base: float | None, stamp: float) -> float:
        """The base that turns stamps into seconds counted; forward leaps are gaps, leaps back start a new count."""
        if base is None or base + stamp < self.at_s - GAP_S:
            return self.at_s - stamp
        ahead_s = base + stamp - self.at_s
        if ahead_s > GAP_S:
            self.first_gap_s = self.at_s if self.first_gap_s is None else self.first_gap_s
            self.gap_s += ahead_s
            self.at_s += ahead_s
        return base

    def _decoded(self, container: InputContainer) -> Iterator[AudioFrame]:
        streams = container.streams.audio
        if self.stream >= len(streams):
            return
        stream: AudioStream = streams[self.stream]
        stream.codec_context.thread_type = "NONE"
        if container.format.name.startswith("mov") and stream.duration and stream.time_base:
            self.ends_s = float(stream.duration * stream.time_base)
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets)
                self.damage += len(self.said)
                self.said.clear()
                for frame in packet.decode():
                    if isinstance(frame, AudioFrame) and frame.samples and frame.rate:
                        yield frame
            except (StopIteration, EOFError):
                return
            except av.FFmpegError:
                self.damage += 1
                if self.damage > 1000:
                    return


class _Resampled:
    """48 kHz float from frames whose kind may change on the way."""

    def __init__(self, channels: int) -> None:
        self.channels = channels
        self.layout = ""
        self.kind: tuple[str, int, str] | None = None
        self.resampler: AudioResampler | None = None

    def __call__(self, frame: AudioFrame) -> list[Sound]:
        kind = (frame.format.name, frame.rate, frame.layout.name)
        before = [] if kind == self.kind else self._change(kind, frame.layout.nb_channels)
        frame.pts = None
        done = [frame] if self.resampler is None else self.resampler.resample(frame)
        return before + [self._fitted(one) for one in done]

    def _change(self, kind: tuple[str, int, str], channels: int) -> list[Sound]:
        rest = self.rest()
        # More than two channels, or two that become one, are mixed by us: ffmpeg's own matrix may be louder than either.
        self.layout = "mono" if channels == 1 else "stereo"
        self.kind = kind
        self.resampler = None if kind == ("fltp", RATE_HZ, self.layout) else AudioResampler("fltp", self.layout, RATE_HZ)
        return rest

    def rest(self) -> list[Sound]:
        """What the resampler still holds."""
        held = [] if self.resampler is None else self.resampler.resample(None)
        self.kind, self.resampler = None, None
        return [self._fitted(frame) for frame in held]

    def _fitted(self, frame: AudioFrame) -> Sound:
        # Three times as fast as to_ndarray(), which counts at fifty frames a second.
        planes = [np.frombuffer(memoryview(plane), np.float32, frame.samples) for plane in frame.planes]
        sound = planes[0][None] if len(planes) == 1 else np.array(planes)
        if len(sound) == self.channels:
            return sound
        return sound.mean(0, keepdims=True) if self.channels == 1 else np.repeat(sound, self.channels, 0)


def pieces(frames: Frames, channels: int) -> Iterator[tuple[int, Sound]]:
    """Each stretch of sound with the sample it begins at, about a second each; what lies between is silence."""
    resampled, at, begins_s, expected_s = _Resampled(channels), 0, 0.0, 0.0
    piece: list[Sound] = []
    for start_s, frame in frames:
        leaps = start_s - expected_s > GAP_S
        if leaps:
            piece += resampled.rest()
        if piece and (leaps or start_s - begins_s >= PIECE_S):
            sound = np.concatenate(piece, 1)
            yield at, sound
            at, begins_s, piece = at + sound.shape[1], start_s, []
        if leaps:
            at = max(at, round(start_s * RATE_HZ))
        expected_s = start_s + frame.samples / frame.rate
        piece += resampled(frame)
    if piece := piece + resampled.rest():
        yield at, _without_padding(np.concatenate(piece, 1), at, frames.ends_s)


def _without_padding(last: Sound, at: int, ends_s: float | None) -> Sound:
    """The last piece as far as the file says it goes: an MP4's last frame is filled up. More than a frame or two is no padding."""
    padding = 0 if ends_s is None else at + last.shape[1] - round(ends_s * RATE_HZ)
    return last[:, :-padding] if 0 < padding <= min(PADDING, last.shape[1] - 1) else last


def in_blocks(path: Path, channels: int) -> Iterator[Sound]:
    """A whole file in blocks of ten seconds; the last is as long as it is."""
    waiting: list[Sound] = []
    held = ends = 0
    for at, sound in pieces(Frames(path), channels):
        waiting += [np.zeros((channels, at - ends), np.float32), sound] if at > ends else [sound]
        ends = at + sound.shape[1]
        if ends - held >= BLOCK:
            joined = np.concatenate(waiting, 1)
            yield joined[:, :BLOCK]
            held, waiting = held + BLOCK, [joined[:, BLOCK:]]
    if ends > held:
        yield np.concatenate(waiting, 1)


class Blocks:
    """A track as blocks of ten seconds of (channels, samples) on the timeline's clock; None stands for a silent block.

    After the last block `frames` tells damage and gaps, `heard_s` how many seconds of the track were there.
    """

    def __init__(self, track: Track, channels: int, total: int, said: list[tuple[int, str, str]] | None = None) -> None:
        self.frames = Frames(track.file.path, track.stream, said)
        self.channels, self.total = channels, total
        self.start = round(track.start_offset_s * RATE_HZ)
        self.end = min(total, self.start + round(track.duration_s * RATE_HZ))
        self.heard_s = 0.0

    def __iter__(self) -> Iterator[Sound | None]:
        first, block = 0, None
        for at, sound in self._placed():
            while sound.shape[1]:
                while at >= first + BLOCK:
                    yield block
                    first, block = first + BLOCK, None
                if block is None:
                    block = self._empty(first)
                part = sound[:, : first + BLOCK - at]
                block[:, at - first : at - first + part.shape[1]] = part
                at, sound = at + part.shape[1], sound[:, part.shape[1] :]
        while first < self.total:
            yield block
            first, block = first + BLOCK, None

    def _empty(self, first: int) -> Sound:
        return np.zeros((self.channels, min(BLOCK, self.total - first)), np.float32)

    def _placed(self) -> Iterator[tuple[int, Sound]]:
        for at, sound in pieces(self.frames, self.channels):
            self.heard_s = (at + sound.shape[1]) / RATE_HZ
            at += self.start
            if at >= self.end:
                return
            early = max(-at, 0)
            yield at + early, sound[:, early : self.end - at]


def shared_blocks(total: int) -> Iterator[tuple[int, int]]:
    """First sample and length of every block of a timeline."""
    for first in range(0, total, BLOCK):
        yield first, min(BLOCK, total - first)
