"""What nobody can leave out: each source decoded twice, each rendition decoded once, each encoder alone. Counted is user time."""

import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.spent import Cost, Spent, cost_of, ffmpeg
from pipeline.formats import Effort, named
from pipeline.models import Rendition

_START = "import sys, av"
_DECODE = f"""
{_START}
with av.open(sys.argv[1]) as file:
    stream = file.streams.audio[0]
    stream.codec_context.thread_type = "NONE"
    for packet in file.demux(stream):
        packet.decode()
"""


def floor(folder: Path, sources: Sequence[Path], renditions: Sequence[Rendition], effort: Effort, *, at_once: int = 1) -> Spent:
    """The cost of every bare decoder and encoder.

    One alone is quicker than one beside another, by what two processors share; ours run side by side. With `at_once` so do these.
    """
    master = folder / "floor-master.wav"
    subprocess.run(ffmpeg("-i", str(renditions[0].file.path), str(master)), check=True)
    with ThreadPoolExecutor(at_once) as hands:
        encoding = {f"encode {one.format}": hands.submit(cost_of, _encoder(master, one, effort)) for one in renditions}
        files = (*sources, *sources, *(one.file.path for one in renditions))
        decoding = {f"decode {path.suffix[1:]} {n}": hands.submit(_decode, path) for n, path in enumerate(files)}
        return Spent({what: work.result() for what, work in {**encoding, **decoding}.items()})


def _encoder(master: Path, rendition: Rendition, effort: Effort) -> list[str]:
    form = named(rendition.format)
    recipe = form.recipe(rendition.channels, effort)
    options = [part for key, value in {**recipe.options, **recipe.muxing}.items() for part in (f"-{key}", value)]
    rate = ["-b:a", f"{recipe.bitrate_kbps}k"] if recipe.bitrate_kbps else []
    target = str(master.with_name(f"floor{form.SUFFIX}"))
    return ffmpeg("-i", str(master), "-c:a", recipe.codec, *rate, *options, "-f", recipe.container, target)


def _decode(path: Path) -> Cost:
    """Without what it costs to begin."""
    return cost_of([sys.executable, "-c", _DECODE, str(path)]) - cost_of([sys.executable, "-c", _START])
