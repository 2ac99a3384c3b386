"""Our way from a room to an episode beside the ways people take, in one run on the same made room.

    python -m bench.sound [--minutes 15] [--tracks] [--only ours,normalize] [--floor busy] [--markdown]

Ours `fast` and `quality`, levelled and verified; ffmpeg-normalize and one ffmpeg a file; two plain ffmpegs; pydub (not above
15 minutes: it keeps the whole room, 2.1 GB an hour); and the floor: bare encoders' user time, two decodes of the source, one of
every rendition. Each way has a process of its own; memory is looked at from outside, of the largest process and of all of that way
together. With several lengths (`--minutes 60 720`) the growth of memory is told. Exit status 1 when a must of the design is missed.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from bench.floor import floor
from bench.long_talk import recorded
from bench.sound.judged import Claim, Outcome, claims, growth, measured
from bench.sound.ways import FORMATS, WAYS
from bench.spent import Spent, apart, watched
from bench.trial.tables import table
from pipeline.models import Loudness

LONGEST_PYDUB_MIN = 15.0
EFFORTS = {"ours-fast": "fast", "ours-quality": "quality"}


def main() -> int:
    """Measure once and print."""
    asked = _asked()
    rooms: list[dict[str, Outcome]] = []
    found: list[Claim] = []
    for minutes in asked.minutes:
        with tempfile.TemporaryDirectory(prefix="aircheck-bench-") as name:
            outcomes, floors = _raced(Path(name), minutes, asked)
        print(f"\n{minutes:g} minutes, {'a track for each voice' if asked.tracks else 'one file'}, {os.cpu_count()} processors\n")
        print(table(HEADS, _rows(outcomes.values(), floors), markdown=asked.markdown))
        found += _told(claims(outcomes, floors), asked.markdown)
        rooms.append(outcomes)
    found += _told((claim for long in rooms[1:] for claim in growth(rooms[0], long)), asked.markdown)
    return 0 if all(claim.holds for claim in found) else 1


def _told(claims_: Iterable[Claim], markdown: bool) -> list[Claim]:
    """The same claims, printed."""
    found = list(claims_)
    if found:
        print("\n" + table(("what", "is", "must", "aim", ""), [claim.cells() for claim in found], markdown=markdown))
    return found


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, nargs="+", default=[15.0])
    parser.add_argument("--tracks", action="store_true", help="each voice on its own track; other ways are given one file of all")
    parser.add_argument("--only", default="", metavar="WAY,…", help=f"of {', '.join(WAYS)}; `ours` is both of ours")
    parser.add_argument("--floor", choices=("alone", "busy"), default="alone", help="busy: also with all processors at work")
    parser.add_argument("--markdown", action="store_true")
    return parser.parse_args()


def _chosen(only: str, minutes: float) -> list[str]:
    wanted = [name for name in WAYS if not only or any(name.startswith(part) for part in only.split(","))]
    if "pydub" in wanted and minutes > LONGEST_PYDUB_MIN:
        wanted.remove("pydub")
        print(f"pydub is left out above {LONGEST_PYDUB_MIN:g} minutes: it keeps the whole room in memory, 2.1 GB an hour")
    return wanted


def _raced(folder: Path, minutes: float, asked: argparse.Namespace) -> tuple[dict[str, Outcome], dict[str, Spent]]:
    """Every way's outcome, and the floors of ours."""
    sources = apart(recorded, folder, minutes * 60, asked.tracks)
    one_file = apart(recorded, folder, minutes * 60, False) if asked.tracks else sources
    outcomes, floors = {}, {}
    for name in _chosen(asked.only, minutes):
        place = folder / name
        place.mkdir()
        made, memory = watched(WAYS[name], place, sources if name in EFFORTS else one_file)
        came_out = measured(made.files)
        outcomes[name] = Outcome(way=name, room_s=minutes * 60, spent=made.spent, memory=memory, came_out=came_out)
        if name in EFFORTS:
            floors[f"{name}, floor one by one"] = floor(place, sources, made.files, EFFORTS[name])
        if name in EFFORTS and asked.floor == "busy":
            floors[f"{name}, floor on all processors"] = floor(
                place, sources, made.files, EFFORTS[name], at_once=os.cpu_count() or 1
            )
        if not asked.markdown:
            made.spent.told(name)
        shutil.rmtree(place)
    return outcomes, floors


HEADS = ("way", "wall s", "CPU s", "× real time", "largest MB", "together MB", *(f"{name} LUFS / dBTP" for name in FORMATS))


def _rows(outcomes: Iterable[Outcome], floors: Mapping[str, Spent]) -> list[tuple[str, ...]]:
    ways = [
        (
            one.way, f"{one.spent.total.wall_s:.1f}", f"{one.spent.total.cpu_s:.1f}",
            f"{one.room_s / one.spent.total.wall_s:.0f}", f"{one.memory.largest_mb:.0f}", f"{one.memory.together_mb:.0f}",
            *(_read(one.came_out[name]) for name in FORMATS),
        )
        for one in outcomes
    ]  # fmt: skip
    return [*ways, *((name, "", f"{spent.total.user_s:.1f}") for name, spent in floors.items())]


def _read(loudness: Loudness) -> str:
    return f"{loudness.integrated_lufs} / {loudness.true_peak_dbtp}"


if __name__ == "__main__":
    sys.exit(main())
