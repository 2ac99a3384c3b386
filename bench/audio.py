"""The audio path of a long talk beside its floor, in one run on one machine; `python -m bench.sound` has the other ways, too.

    python bench/audio.py [--minutes 60] [--tracks] [--effort quality]

The talk is made of three voices 22.5 LU apart. *Floor*: the bare encoders' user time, two decodes of the source and one of every
rendition.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from bench.floor import floor
from bench.long_talk import by_voice, once, recorded
from bench.ours import ours
from bench.spent import apart, watched
from pipeline.decode import in_blocks
from pipeline.models import Rendition
from pipeline.plan import EncodePlan


def main() -> None:
    """Measure once and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--tracks", action="store_true", help="each voice on its own track instead of one mix")
    parser.add_argument("--effort", choices=("fast", "quality"), default="fast")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="aircheck-bench-") as name:
        _compare(Path(name), wanted)


def _compare(folder: Path, wanted: argparse.Namespace) -> None:
    sources = apart(recorded, folder, wanted.minutes * 60, wanted.tracks)
    (spent, renditions), memory = watched(ours, folder, sources, EncodePlan(effort=wanted.effort))
    spent.told(f"aircheck, {wanted.minutes:g} minutes, {len(sources)} file(s), {wanted.effort}")
    print(f"  largest process {memory.largest_mb:.0f} MB, all together {memory.together_mb:.0f} MB")
    bare = floor(folder, sources, {one.format: one.file.path for one in renditions}, wanted.effort)
    bare.told("floor")
    print(f"\nours / floor: {spent.total.cpu_s / bare.total.user_s:.2f} × CPU")
    apart(_judge, renditions)


def _judge(renditions: tuple[Rendition, ...]) -> None:
    """Loudness and peak of every rendition, and how far its voices are apart, in its first minutes."""
    made = once()
    print("\nbefore: voices" + "".join(f" {level:6.1f}" for level in by_voice(made, made.mix).values()))
    for one in renditions:
        sound = np.concatenate([block for _, block in zip(range(18), in_blocks(one.file.path, one.channels), strict=False)], 1)[0]
        voices = by_voice(made, sound)
        spread = max(voices.values()) - min(voices.values())
        levels = "".join(f" {level:6.1f}" for level in voices.values())
        print(f"{one.format:<6} {one.integrated_lufs} LUFS {one.true_peak_dbtp} dBTP, voices{levels}, {spread:.2f} LU apart")


if __name__ == "__main__":
    main()
