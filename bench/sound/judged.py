"""What came out of a way: loudness and true peak as ffmpeg reads them, and which musts hold."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.ebur128 import ebur128
from bench.spent import Memory, Spent
from pipeline.models import Loudness

TARGET_LUFS, LOUDEST_DBTP = -19.0, -1.0
MOST_MB = 400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One way on one room."""

    way: str
    room_s: float
    spent: Spent
    memory: Memory
    came_out: dict[str, Loudness]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A figure beside what it must and should be; `most` says whether less is better."""

    what: str
    figure: float
    must: float
    aim: float
    most: bool = True

    @property
    def holds(self) -> bool:
        return self.figure <= self.must if self.most else self.figure >= self.must

    def cells(self) -> tuple[str, str, str, str, str]:
        """A row of the table."""
        sign = "≤" if self.most else "≥"
        return self.what, f"{self.figure:.2f}", f"{sign} {self.must:g}", f"{sign} {self.aim:g}", "holds" if self.holds else "MISSED"


def measured(files: Mapping[str, Path]) -> dict[str, Loudness]:
    """What another meter than ours reads of every file."""
    return {name: ebur128(path) for name, path in files.items()}


def claims(outcomes: Mapping[str, Outcome], floors: Mapping[str, Spent]) -> Iterator[Claim]:
    """The musts of the design that this run can tell, one room."""
    usual = outcomes.get("normalize")
    for name, ours in outcomes.items():
        if not name.startswith("ours"):
            continue
        yield from _right(name, ours)
        if usual and name == "ours-fast":
            wall, cpu = usual.spent.total.wall_s / ours.spent.total.wall_s, usual.spent.total.cpu_s / ours.spent.total.cpu_s
            yield Claim(what=f"ffmpeg-normalize / {name}, wall", figure=wall, must=3.0, aim=5.0, most=False)
            yield Claim(what=f"ffmpeg-normalize / {name}, CPU", figure=cpu, must=2.2, aim=3.5, most=False)
        for floor, bare in floors.items():
            if floor.startswith(name):
                share = ours.spent.total.cpu_s / bare.total.user_s
                yield Claim(what=f"{name} / {floor.removeprefix(name).strip(', ')}, CPU", figure=share, must=1.4, aim=1.15)


def _right(name: str, ours: Outcome) -> Iterator[Claim]:
    heard = ours.came_out.values()
    off_lu = max(abs((one.integrated_lufs or 0.0) - TARGET_LUFS) for one in heard)
    yield Claim(what=f"{name}, furthest from the target, LU", figure=off_lu, must=0.3, aim=0.2)
    peak_dbtp = max(LOUDEST_DBTP if one.true_peak_dbtp is None else one.true_peak_dbtp for one in heard)
    yield Claim(what=f"{name}, highest true peak, dBTP", figure=peak_dbtp, must=LOUDEST_DBTP, aim=LOUDEST_DBTP)
    yield Claim(what=f"{name}, largest process, MB", figure=ours.memory.largest_mb, must=MOST_MB, aim=250.0)


def growth(short: Mapping[str, Outcome], long: Mapping[str, Outcome]) -> Iterator[Claim]:
    """How much more memory ours takes for a longer room."""
    for name in short.keys() & long.keys():
        if name.startswith("ours"):
            hours = [f"{one[name].room_s / 60:g} min" for one in (long, short)]
            more = long[name].memory.largest_mb / short[name].memory.largest_mb
            yield Claim(what=f"{name}, largest process, {' / '.join(hours)}", figure=more, must=1.1, aim=1.0)
