"""How much many machines do: `python -m bench.scale [PART ...] [--small] [--markdown]`, all parts by default.

real        1 and 2 audio workers on rooms of speech: the true slope
hosts       1, 2, 4, 8 and 16 hosts that sleep instead of listening: where the ledger, Redis or the database ends the line
backlog     1,000 rooms at once
nothing     jobs without work: what ledger, bells and loop can do, on SQLite and on PostgreSQL
fairness    one show with 500 rooms, then 20 shows with one
"""

import argparse
import logging
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import structlog

from bench.trial.crowds import Crowd, claimed
from bench.trial.looks import jain_index, percentile
from bench.trial.scales import NOTHING_S, Backlog, Drained, Fairness, RealWork, drained, fairness, real_work
from bench.trial.services import Wanted
from bench.trial.tables import table

T = TypeVar("T")
Row = tuple[str, ...]

MANY = Wanted(database="postgresql", redis=True, careful=True)
ONE = Wanted(database="sqlite", redis=True)
DRAINED = (
    "fleet", "rooms", "rooms/s", "wait p50 / p99", "Jain", "commits a room", "Redis calls a room", "CPU Redis / database a room",
    "bytes a room",
)  # fmt: skip


def main() -> None:
    """Measure the parts that are asked for, and print each as soon as it is known."""
    asked = _asked()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    for part in asked.part or PARTS:
        heads, rows = PARTS[part](asked.small)
        print(f"{table(heads, rows, markdown=asked.markdown)}\n", flush=True)


def in_a_folder(measure: Callable[[Path], T]) -> T:
    """What is measured in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="aircheck-scale-") as folder:
        return measure(Path(folder))


# ---- the parts: heads and rows of a table


def real(small: bool) -> tuple[Row, list[Row]]:
    """Real audio work."""
    rooms, minutes = (2, 2.0) if small else (8, 10.0)

    def measured(workers: int) -> RealWork:
        return in_a_folder(lambda folder: real_work(folder, workers, rooms, minutes))

    found = [measured(1), measured(2)]
    heads = ("audio workers", "rooms", "seconds", "x real time", "against one", "CPU s an hour of room", "MB an hour of room")
    return heads, [
        (
            str(one.workers), f"{one.rooms} of {one.minutes:.0f} min", f"{one.took_s:.1f}", f"{one.times_realtime:.0f}",
            f"{one.times_realtime / found[0].times_realtime:.2f}", f"{one.cpu_s_an_hour:.0f}",
            f"{one.megabytes_an_hour:.1f}",
        )
        for one in found
    ]  # fmt: skip


def hosts(small: bool) -> tuple[Row, list[Row]]:
    """More and more hosts on sleep-scaled work."""
    counts, each = ((1, 2, 4), 6) if small else ((1, 2, 4, 8, 16), 40)
    return DRAINED, [_drained(Backlog(wanted=MANY, hosts=count, rooms=each * count, work_s=1.0)) for count in counts]


def backlog(small: bool) -> tuple[Row, list[Row]]:
    """A thousand rooms at once."""
    return DRAINED, [_drained(Backlog(wanted=MANY, hosts=4, rooms=40 if small else 1000, work_s=0.1))]


def nothing(small: bool) -> tuple[Row, list[Row]]:
    """Jobs without work."""
    return DRAINED, [_drained(Backlog(wanted=w, hosts=4, rooms=60 if small else 1000, work_s=NOTHING_S)) for w in (ONE, MANY)]


def fair(small: bool) -> tuple[Row, list[Row]]:
    """Small shows behind a large one."""

    def measured(folder: Path) -> Fairness:
        return fairness(folder, hosts=4, crowd=40 if small else 500, shows=5 if small else 20, work_s=0.5)

    found = in_a_folder(measured)
    heads = ("shows with one room", "seconds", "against idle (must ≤ 2)")
    crowded = ("behind a show with", f"{found.crowd} rooms")
    return heads, [
        ("idle fleet", f"{found.idle_s:.1f}", "1.00"),
        (" ".join(crowded), f"{found.crowded_s:.1f}", f"{found.crowded_s / found.idle_s:.2f}"),
    ]


def crowds(small: bool) -> tuple[Row, list[Row]]:
    """Claims among very many jobs."""
    sizes = [(1_000, 10), (10_000, 700), (100_000, 7_000)]
    asked = [Crowd(ready=ready, running=running, shows=500) for ready, running in sizes[: 2 if small else 3]]
    found = [in_a_folder(lambda folder, crowd=crowd: claimed(folder, MANY, crowd)) for crowd in asked]  # type: ignore[misc]
    return ("jobs waiting", "running", "claim", "beat", "end", "sweep"), [
        (
            f"{one.crowd.ready:,}", f"{one.crowd.running:,}", f"{one.claim_ms:.1f} ms", f"{one.heartbeat_ms:.1f} ms",
            f"{one.finish_ms:.1f} ms", f"{one.sweep_ms:.0f} ms",
        )
        for one in found
    ]  # fmt: skip


PARTS: dict[str, Callable[[bool], tuple[Row, list[Row]]]] = {
    "real": real, "hosts": hosts, "backlog": backlog, "nothing": nothing, "fairness": fair, "crowds": crowds,
}  # fmt: skip


def _drained(backlog: Backlog) -> Row:
    found = in_a_folder(lambda folder: drained(folder, backlog))
    meter, rooms = found.meter, backlog.rooms
    work = f"{backlog.work_s:g} s each" if backlog.work_s else "no work"
    return (
        f"{backlog.hosts} hosts, {work}, {backlog.wanted}", str(rooms), f"{found.rooms_a_second:.1f}", _waits(found),
        f"{jain_index(found.served):.3f}", _each(meter.commits, rooms), _each(meter.redis_calls, rooms),
        f"{_each(meter.redis_cpu_s, rooms, 1000)} / {_each(meter.database_cpu_s, rooms, 1000)} ms",
        f"{found.bytes_a_room:,.0f}",
    )  # fmt: skip


def _waits(found: Drained) -> str:
    return " / ".join(f"{percentile(found.waits_s, share):.1f}" for share in (0.5, 0.99)) + " s"


def _each(whole: float | None, rooms: int, scale: int = 1) -> str:
    return "-" if whole is None else f"{scale * whole / rooms:.1f}"


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts: Sequence[object] = [*PARTS, []]
    parser.add_argument("part", nargs="*", choices=parts, metavar="PART")
    parser.add_argument("--small", action="store_true", help="seconds instead of minutes; the figures mean little")
    parser.add_argument("--markdown", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
