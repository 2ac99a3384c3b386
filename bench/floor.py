"""What nobody can leave out: each source decoded twice, each rendition decoded once, each encoder alone. Counted is user time."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.spent import Cost, Spent, cost_of, ffmpeg
from pipeline.formats import Effort, named

_START = "import sys, av"
_DECODE = f"""
{_START}
with av.open(sys.argv[1]) as file:
    stream = file.streams.audio[0]
    stream.codec_context.thread_type = "NONE"
    for packet in file.demux(stream):
        packet.decode()
"""


def floor(folder: Path, sources: Sequence[Path], files: Mapping[str, Path], effort: Effort, *, at_once: int = 1) -> Spent:
    """The cost of every bare decoder and encoder of a room in one channel; `files` are its renditions by format.

    One program alone is quicker than one beside another, by what two processors share; ours run side by side. With `at_once` so do
    these.
    """
    master = folder / "floor-master.wav"
    subprocess.run(ffmpeg("-i", str(next(iter(files.values()))), str(master)), check=True)
    with ThreadPoolExecutor(at_once) as hands:
        encoding = {f"encode {name}": hands.submit(cost_of, _encoder(master, name, effort)) for name in files}
        every = (*sources, *sources, *files.values())
        decoding = {f"decode {path.suffix[1:]} {n}": hands.submit(_decode, path) for n, path in enumerate(every)}
        return Spent({what: work.result() for what, work in {**encoding, **decoding}.items()})


def _encoder(master: Path, name: str, effort: Effort) -> list[str]:
    return ffmpeg("-i", str(master), *bare_encoder(name, effort), str(master.with_name(f"floor{named(name).SUFFIX}")))


def bare_encoder(name: str, effort: Effort) -> list[str]:
    """The options with which plain ffmpeg writes one channel in that format as we do."""
    recipe = named(name).recipe(1, effort)
    options = [part for key, value in {**recipe.options, **recipe.muxing}.items() for part in (f"-{key}", value)]
    rate = ["-b:a", f"{recipe.bitrate_kbps}k"] if recipe.bitrate_kbps else []
    return ["-c:a", recipe.codec, *rate, *options, "-f", recipe.container]


def _decode(path: Path) -> Cost:
    """Without what it costs to begin."""
    return cost_of([sys.executable, "-c", _DECODE, str(path)]) - cost_of([sys.executable, "-c", _START])
