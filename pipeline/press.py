"""Writers of renditions: each takes float samples and leaves one file.

Long ones are written by a process each, so that all processors have work, and what goes from one to the next are seconds of sound.
An ffmpeg that writes three files at once hands every frame from thread to thread, and spends a quarter of its time on that.

python -m pipeline.press OUTPUT CHANNELS
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from pydantic import TypeAdapter

from pipeline import ffmpeg as tool
from pipeline.decode import BLOCK, RATE_HZ
from pipeline.formats import Output
from pipeline.piped import running
from pipeline.spectra import Sound
from pipeline.wav import MOST_BYTES, header

SAMPLE_BYTES = 4
_OUTPUT = TypeAdapter(Output)


@contextmanager
def writer(output: Output, channels: int, binary: str, *, apart: bool) -> Iterator[Callable[[bytes], None]]:
    """Yields what takes interleaved samples; the file is complete once that is left. `apart`: in a process of its own.

    Errors: `ToolFailed`, or what was used up; in this process those of PyAV.
    """
    who = f"the writer of {output.path.name}"
    if output.recipe.writer == "ffmpeg":
        with running(tool.encoding(binary, output, rate_hz=RATE_HZ, channels=channels), who) as feed:
            feed(header(MOST_BYTES, "f32", rate_hz=RATE_HZ, channels=channels))
            yield feed
    elif apart:
        command = [sys.executable, "-m", "pipeline.press", _OUTPUT.dump_json(output).decode(), str(channels)]
        with running(command, who) as feed:
            yield feed
    else:
        with pen(output, channels) as write:
            yield write


@contextmanager
def pen(output: Output, channels: int) -> Iterator[Callable[[bytes], None]]:
    """The same in this process, by PyAV."""
    recipe, layout = output.recipe, "mono" if channels == 1 else "stereo"
    options = {**recipe.muxing, "fflags": "+bitexact"}
    factor, written = np.float32(10 ** (recipe.trim_db / 20)), 0
    with av.open(f"file:{output.path}", "w", format=recipe.container, options=options) as file:
        stream = file.add_stream(recipe.codec, rate=RATE_HZ, layout=layout, options={**recipe.options, "flags": "+bitexact"})
        assert isinstance(stream, AudioStream)
        if recipe.bitrate_kbps is not None:
            stream.bit_rate = 1000 * recipe.bitrate_kbps
        if recipe.sample_format:
            stream.codec_context.format = recipe.sample_format

        def write(chunk: bytes) -> None:
            nonlocal written
            frame = _frame(np.frombuffer(chunk, np.float32) * factor, layout, channels, written)
            written += frame.samples
            file.mux(stream.encode(frame))

        yield write
        file.mux(stream.encode(None))


def _frame(samples: Sound, layout: str, channels: int, first: int) -> AudioFrame:
    frame = AudioFrame("flt", layout, len(samples) // channels)
    frame.sample_rate, frame.pts = RATE_HZ, first
    frame.planes[0].update(samples.tobytes())
    return frame


# ---- in a process of its own


def main() -> None:
    """Write the output that the command names."""
    output, channels = _OUTPUT.validate_json(sys.argv[1]), int(sys.argv[2])
    with pen(output, channels) as write:
        while chunk := sys.stdin.buffer.read(BLOCK * channels * SAMPLE_BYTES):
            write(chunk)


if __name__ == "__main__":
    main()
