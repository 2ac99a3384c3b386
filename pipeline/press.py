"""Writers of renditions: programs that read one WAV of float samples from stdin and leave one file.

Each is a process of its own, so that all processors have work, and what goes from one to the next are seconds of sound and not
frames: an ffmpeg that writes three files at once hands every frame from thread to thread, and spends a quarter of its time on that.

python -m pipeline.press OUTPUT CHANNELS
"""

import sys
from collections.abc import Iterator
from typing import IO

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from pydantic import TypeAdapter

from pipeline import ffmpeg as tool
from pipeline.formats import Output
from pipeline.wav import HEADER_BYTES

RATE_HZ = 48_000
BLOCK = 10 * RATE_HZ
SAMPLE_BYTES = 4
_OUTPUT = TypeAdapter(Output)


def command(output: Output, channels: int, binary: str) -> list[str]:
    """The command that writes it; `binary` is ffmpeg."""
    if output.recipe.writer == "ffmpeg":
        return tool.encoding(binary, output, rate_hz=RATE_HZ, channels=channels)
    return [sys.executable, "-m", "pipeline.press", _OUTPUT.dump_json(output).decode(), str(channels)]


# ---- in the process


def main() -> None:
    """Write the output that the command names."""
    write(_OUTPUT.validate_json(sys.argv[1]), int(sys.argv[2]), sys.stdin.buffer)


def write(output: Output, channels: int, samples: IO[bytes]) -> None:
    """The file, complete when the samples have ended. Errors: those of PyAV."""
    recipe, layout = output.recipe, "mono" if channels == 1 else "stereo"
    options = {**recipe.muxing, "fflags": "+bitexact"}
    with av.open(f"file:{output.path}", "w", format=recipe.container, options=options) as file:
        stream = file.add_stream(recipe.codec, rate=RATE_HZ, layout=layout, options={**recipe.options, "flags": "+bitexact"})
        assert isinstance(stream, AudioStream)
        if recipe.bitrate_kbps is not None:
            stream.bit_rate = 1000 * recipe.bitrate_kbps
        if recipe.sample_format:
            stream.codec_context.format = recipe.sample_format
        for frame in _frames(samples, layout, channels, 10 ** (recipe.trim_db / 20)):
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def _frames(samples: IO[bytes], layout: str, channels: int, factor: float) -> Iterator[AudioFrame]:
    samples.read(HEADER_BYTES)
    at = 0
    while chunk := samples.read(BLOCK * channels * SAMPLE_BYTES):
        sound = np.frombuffer(chunk, np.float32) * np.float32(factor)
        frame = AudioFrame("flt", layout, len(sound) // channels)
        frame.sample_rate, frame.pts = RATE_HZ, at
        frame.planes[0].update(sound.tobytes())
        yield frame
        at += frame.samples


if __name__ == "__main__":
    main()
