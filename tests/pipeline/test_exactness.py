"""Every container gives back what went in, to the sample: as many as there were, and beginning where they began."""

import subprocess
from collections.abc import Callable
from itertools import product
from pathlib import Path

import av
import numpy as np
import pytest

from bench.sounds import RATE_HZ, Sound, speech
from pipeline.ffmpeg import find
from pipeline.formats import Output, named
from pipeline.models import Chapter, MadeFile, Rendition
from pipeline.press import writer
from pipeline.shelf import names
from pipeline.stamp import stamp
from pipeline.telling import Tags

FORMATS, EFFORTS, CHANNELS = names("pipeline.formats"), ("fast", "quality"), (1, 2)
# Neither is whole frames of any codec, nor whole milliseconds.
LENGTHS = (50_021, 71_003)
# The speech coder in Opus answers 0.95 samples early, all along (ours, libopus 1.5).
LATE_AT_MOST = {("opus", "quality", 1): 1}


def master(length: int, channels: int) -> Sound:
    return np.stack([speech(length / RATE_HZ, -19, seed=n)[:length] for n in range(channels)])


def by_ffmpeg(path: Path, channels: int) -> Sound:
    command = [find(), "-nostdin", "-v", "error", "-i", str(path), "-map", "0:a:0", "-ac", str(channels), "-f", "f32le", "-"]
    out = subprocess.run(command, check=True, capture_output=True)
    assert not out.stderr
    return np.frombuffer(out.stdout, np.float32).reshape(-1, channels).T


def by_pyav(path: Path, channels: int) -> Sound:
    """As far as the file says it goes: of MP4's last frame PyAV hands out what the edit list leaves out, too."""
    with av.open(str(path)) as file:
        stream = file.streams.audio[0]
        resampler = av.AudioResampler("fltp", "mono" if channels == 1 else "stereo", RATE_HZ)
        frames = [out.to_ndarray() for frame in file.decode(stream) for out in resampler.resample(frame)]
        ends = round(stream.duration * stream.time_base * RATE_HZ) if file.format.name.startswith("mov") else None
    return np.concatenate(frames, 1)[:, :ends]


def late(heard: Sound, came: Sound) -> int:
    """How many samples later one channel is heard than it came, by cross-correlation."""
    size = 2 * len(came)
    likeness = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(came, size)))
    at = int(np.argmax(likeness))
    return at if at < len(came) else at - size


@pytest.fixture(scope="module", params=product(FORMATS, EFFORTS, CHANNELS), ids=lambda p: "-".join(map(str, p)))
def written(request, tmp_path_factory) -> tuple[tuple[str, str, int], list[tuple[Sound, Path]]]:
    """Each way of making a file with the masters and the files made of them."""
    name, effort, channels = request.param
    folder, files = tmp_path_factory.mktemp("written"), []
    for length in LENGTHS:
        sound = master(length, channels)
        output = Output(path=folder / f"{length}{named(name).SUFFIX}", recipe=named(name).recipe(channels, effort))
        with writer(output, channels, find(), apart=False) as write:
            for block in np.array_split(sound, 3, axis=1):
                write(np.ascontiguousarray(block.T).tobytes())
        files.append((sound, output.path))
    return request.param, files


@pytest.mark.parametrize("decoder", [by_ffmpeg, by_pyav])
def test_every_sample_comes_back_where_it_was(written, decoder: Callable[[Path, int], Sound]):
    (name, effort, channels), files = written
    for sound, path in files:
        heard = decoder(path, channels)
        assert heard.shape == sound.shape
        off = [late(after, before) for after, before in zip(heard, sound, strict=True)]
        assert max(map(abs, off)) <= LATE_AT_MOST.get((name, effort, channels), 0)


@pytest.mark.parametrize("decoder", [by_ffmpeg, by_pyav])
def test_titles_and_chapters_move_no_sample(written, decoder: Callable[[Path, int], Sound], children, tmp_path):
    (name, _, channels), files = written
    chapters = tuple(
        Chapter(start_s=0.3 * n, end_s=0.3 * (n + 1), title=f"Part {n}", source="computed") for n in range(3)
    )  # fmt: skip
    for sound, path in files:
        rendition = Rendition(
            format=name, file=MadeFile.of(path), mime_type=named(name).MIME_TYPE, duration_s=sound.shape[1] / RATE_HZ,
            channels=channels, bitrate_kbps=64,
        )  # fmt: skip
        tags = Tags(title="A room", artist="Ann", album="Tuesday", date="2026-11-20", chapters=chapters)
        (stamped,) = stamp((rendition,), tags, children=children, scratch=tmp_path)
        np.testing.assert_array_equal(decoder(stamped.file.path, channels), decoder(path, channels))
