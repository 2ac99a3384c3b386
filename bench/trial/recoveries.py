"""What goes wrong with machines and services, one function each: done to a running fleet, and the seconds until work goes on.

Each takes a `Size` and a fresh folder and returns a `Recovered`. Work is quick (`quick.py`); what goes wrong is real.
"""

import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Select, func, select

from bench.trial.checker import violations
from bench.trial.fleet import ROOM_MINUTES, Fleet, a_room, fleet, until
from bench.trial.hosts import Host, Plan
from bench.trial.looks import attempts, pid_of
from bench.trial.reader import Violation
from bench.trial.services import Wanted
from bench.trial.speech import speech_room
from bench.trial.weather import ROUGH, Weather
from pipeline.errors import Refused
from workers.ledger import LEASE_S, AttemptRow, JobRow

SHOW = "recovery"
SMALL_DISK_BYTES = 96 << 20
FLOOR_BYTES = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large a scenario is."""

    rooms: int = 20
    # how long a service is away
    away_s: float = 60.0
    # how long one job's sleep is, where a job is struck in the middle
    work_s: float = 6.0
    lease_s: float = LEASE_S
    rough: Weather = ROUGH
    # rooms that go through rough weather
    rough_rooms: int = 8


FULL = Size()
SMALL = Size(rooms=8, away_s=6.0, work_s=2.0, lease_s=4.0, rough=replace(ROUGH, latency_s=0.02), rough_rooms=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """How it went."""

    what: str
    # from the blow, or from the end of what was in the way, until a job was begun (again)
    again_s: float
    # from the same moment until everything was done
    done_s: float
    must: str
    also: str = ""
    # requests against those for the same rooms in fair weather
    requests: float = 1.0
    tries: Sequence[Counter[str]] = ()
    violations: tuple[Violation, ...] = ()


Scenario = Callable[[Size, Path], Recovered]


# ---- a worker


def killed_beside(size: Size, folder: Path) -> Recovered:
    """Kill -9 of a worker with a sister on the same machine."""
    return _struck(size, folder, Plan(), "kill -9 of a worker, another on its machine", "≤ 60 s")


def killed_elsewhere(size: Size, folder: Path) -> Recovered:
    """Kill -9 of a worker on a machine of its own: only the end of its lease tells."""
    plan = Plan(elsewhere=True, lease_s=size.lease_s)
    return _struck(size, folder, plan, f"kill -9 of a worker alone on its machine, lease {size.lease_s:.0f} s", "≤ 60 s")


def stopped(size: Size, folder: Path) -> Recovered:
    """SIGTERM: the job is given back."""
    return _struck(size, folder, Plan(), "SIGTERM to a worker", "≤ 5 s", Host.stop)


def frozen(size: Size, folder: Path) -> Recovered:
    """SIGSTOP for longer than the lease, then SIGCONT: somebody else does the job, and the sleeper changes nothing."""
    plan = Plan(elsewhere=True, lease_s=size.lease_s)
    what = f"a machine stands still, lease {size.lease_s:.0f} s"
    return _struck(size, folder, plan, what, "≤ 60 s", Host.freeze, Host.thaw)


def clock_ahead(size: Size, folder: Path) -> Recovered:
    """A machine whose clock is 90 s ahead takes nothing from a healthy worker."""
    wanted = Wanted(database="postgresql", redis=True)
    with fleet(folder, wanted) as trial:
        trial.crew(1, Plan(speed=_speed(size.work_s), elsewhere=True, lease_s=size.lease_s))
        _begun(trial, a_room("room-0", SHOW))
        began = time.monotonic()
        trial.crew(1, Plan(speed=_speed(size.work_s), elsewhere=True, lease_s=size.lease_s, ahead_s=90.0))
        trial.until_quiet()
        return _recovered(trial, "a machine whose clock is 90 s ahead joins", (0.0, time.monotonic() - began), "nothing runs twice")


def nothing_after(host: Host) -> None:
    """The host is left as it is."""


def _struck(
    size: Size, folder: Path, plan: Plan, what: str, must: str,
    strike: Callable[[Host], object] = Host.kill, after: Callable[[Host], object] = nothing_after,
) -> Recovered:  # fmt: skip
    with fleet(folder, Wanted(database="postgresql", redis=True)) as trial:
        hosts = trial.crew(2, replace(plan, speed=_speed(size.work_s)))
        pid = _begun(trial, a_room("room-0", SHOW))
        victim = next(host for host in hosts if host.has(pid))
        began = time.monotonic()
        strike(victim)
        struck_s = time.monotonic() - began
        again_s = struck_s + until(lambda: _tries(trial) > 1, "the job is not begun again")
        done_s = struck_s + trial.until_quiet() + again_s
        after(victim)
        also = f"it had ended after {struck_s:.1f} s" if strike is Host.stop else ""
        return _recovered(trial, what, (again_s, done_s), must, also)


def _begun(trial: Fleet, room: Mapping[str, Any]) -> int:
    """Post a room; the pid of the worker that has begun its sound."""
    trial.post(room)
    until(lambda: _tries(trial) == 1, "the job is not begun")
    with trial.house.database.read() as session:
        return pid_of(session.scalars(select(AttemptRow.owner)).one())


def _tries(trial: Fleet) -> int:
    """How often any job was begun."""
    return _count(trial, select(func.count()).select_from(AttemptRow))


# ---- Redis


def flushed(size: Size, folder: Path) -> Recovered:
    """FLUSHALL right after the rooms have arrived, and twice a second until they are done."""
    with fleet(folder, Wanted(redis=True)) as trial:
        trial.crew(2, Plan(speed=_speed(0.3)))
        redis = trial.services.redis
        assert redis
        _post(trial, size.rooms)
        began = time.monotonic()
        with _again_and_again(redis.flush):
            again_s = until(lambda: _done(trial) > 0, "nothing is done")
            trial.until_quiet()
        return _recovered(
            trial, f"Redis FLUSHALL twice a second, {size.rooms} rooms", (again_s, time.monotonic() - began), "drained ≤ 15 s"
        )


def redis_killed(size: Size, folder: Path) -> Recovered:
    """Redis is gone for a while, with everything it held; rooms arrive meanwhile."""
    with fleet(folder, Wanted(redis=True)) as trial:
        redis = trial.services.redis
        assert redis
        return _redis_away(trial, size, redis.kill, redis.start, f"Redis killed, {size.away_s:.0f} s away")


def redis_partitioned(size: Size, folder: Path) -> Recovered:
    """Nobody reaches Redis for a while; rooms arrive meanwhile."""
    with fleet(folder, Wanted(redis=True, roads=True)) as trial:
        road = trial.services.roads["redis"]
        return _redis_away(trial, size, road.partition, road.heal, f"Redis behind a partition for {size.away_s:.0f} s")


def _redis_away(trial: Fleet, size: Size, leave: Callable[[], object], come_back: Callable[[], object], what: str) -> Recovered:
    trial.crew(2, Plan(speed=_speed(0.3)))
    leave()
    gone_at = time.monotonic()
    _post(trial, size.rooms)
    time.sleep(max(0.0, gone_at + size.away_s - time.monotonic()))
    meanwhile = _done(trial)
    come_back()
    began = time.monotonic()
    again_s = until(lambda: _done(trial) > meanwhile or _is_done(trial), "nothing goes on")
    trial.until_quiet()
    slowest_s = max(trial.acknowledged.values())
    also = f"{size.rooms} rooms acknowledged meanwhile, slowest {slowest_s:.2f} s; {meanwhile} tries ended well meanwhile"
    return _recovered(trial, what, (again_s, time.monotonic() - began), "drained ≤ 15 s", also)


def _is_done(trial: Fleet) -> bool:
    return _count(trial, select(func.count()).where(JobRow.state.in_(("ready", "running")))) == 0


# ---- database, store, disk


def database_restarted(size: Size, folder: Path) -> Recovered:
    """PostgreSQL throws everybody out in the middle of their work and starts again."""
    with fleet(folder, Wanted(database="postgresql", redis=True)) as trial:
        trial.crew(2, Plan(speed=_speed(0.5)))
        _post(trial, size.rooms)
        until(lambda: _done(trial) > 0, "nothing is done")
        postgres = trial.services.postgres
        assert postgres
        done = _done(trial)
        began = time.monotonic()
        postgres.restart()
        up_s = time.monotonic() - began
        again_s = until(lambda: _done(trial) > done, "nothing goes on")
        trial.until_quiet()
        also = f"PostgreSQL itself took {up_s:.1f} s"
        return _recovered(trial, "PostgreSQL restarted at work", (up_s + again_s, time.monotonic() - began), "no duplicate", also)


def scratch_full(size: Size, folder: Path) -> Recovered:
    """The disk that scratch lies on is full for a while; the room and its work are real."""
    with fleet(folder, Wanted(redis=True), {"limits.free_bytes": str(FLOOR_BYTES)}) as trial, ExitStack() as stack:
        room = speech_room(folder / "rooms" / "speech", minutes=3.0)
        disk = stack.enter_context(small_disk(folder / "hosts" / "host-1"))
        [host] = trial.crew(1, Plan())
        stack.callback(host.stop)
        _begun(trial, room.told("room-0", SHOW))
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(shutil.disk_usage(disk).free - FLOOR_BYTES // 4))
        trial.post(room.told("room-1", SHOW))
        time.sleep(size.away_s)
        tried = _tries(trial)
        ballast.unlink()
        began = time.monotonic()
        again_s = until(lambda: _tries(trial) > tried, "no job is begun again")
        trial.until_quiet()
        what = f"disk of scratch full for {size.away_s:.0f} s, two real rooms"
        return _recovered(trial, what, (again_s, time.monotonic() - began), "resumes by itself", f"{tried} tries while it was full")


@contextmanager
def small_disk(at: Path) -> Iterator[Path]:
    """A disk of its own at that place, made of memory. Errors: `Refused` where that may not be."""
    at.mkdir(parents=True)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK_BYTES}", "none", str(at)], capture_output=True, check=False
    )
    if made.returncode:
        raise Refused("a small disk cannot be made here: mount needs root", code="no_mount")
    try:
        yield at
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


def rough_store(size: Size, folder: Path) -> Recovered:
    """S3 that fails, is late and breaks bodies off, beside the same rooms in fair weather."""
    fair = _requests(folder / "fair", size.rough_rooms, Weather())[1]
    report, rough = _requests(folder / "rough", size.rough_rooms, size.rough)
    also = f"{rough:,} requests, {rough / fair:.2f} x the {fair:,} in fair weather"
    return replace(report, what=f"S3: {_told(size.rough)}", must="≤ 3 x requests, 0 corrupt", also=also, requests=rough / fair)


def _requests(folder: Path, rooms: int, weather: Weather) -> tuple[Recovered, int]:
    folder.mkdir(parents=True)
    with fleet(folder, Wanted(database="postgresql", store="s3", redis=True, roads=True)) as trial:
        trial.crew(2, Plan(speed=_speed(0.3)))
        road = trial.services.roads["s3"]
        road.counts.clear()
        road.weather = weather
        began = time.monotonic()
        _post(trial, rooms)
        again_s = until(lambda: _done(trial) > 0, "nothing is done", 600.0)
        trial.until_quiet(1800.0)
        took_s = time.monotonic() - began
        road.weather = Weather()
        requests = sum(count for name, count in road.counts.items() if name.isupper())
        return _recovered(trial, "S3", (again_s, took_s), ""), requests


def _told(weather: Weather) -> str:
    return f"{weather.errors:.0%} errors, {weather.latency_s:g} s late, {weather.cut_up + weather.cut_down:.0%} bodies cut"


# ---- what all of them do


def _speed(work_s: float) -> float:
    """So fast that a room's sound takes so long."""
    return ROOM_MINUTES * 60 / work_s


def _post(trial: Fleet, rooms: int) -> None:
    for n in range(rooms):
        trial.post(a_room(f"room-{n}", SHOW))


def _done(trial: Fleet) -> int:
    """How many tries have ended well; as many as before while the database cannot be asked."""
    return _count(trial, select(func.count()).where(AttemptRow.outcome == "done"))


def _count(trial: Fleet, query: Select[int]) -> int:
    """Asked until the database answers."""
    return trial.house.database.patiently(lambda session: session.scalar(query) or 0)


@contextmanager
def _again_and_again(do: Callable[[], object], every_s: float = 0.5) -> Iterator[None]:
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(every_s):
            do()

    do()
    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _recovered(trial: Fleet, what: str, seconds: tuple[float, float], must: str, also: str = "") -> Recovered:
    evidence = trial.at_rest()
    return Recovered(
        what=what, again_s=seconds[0], done_s=seconds[1], must=must, also=also,
        tries=tuple(attempts(trial.house.database).values()), violations=violations(evidence),
    )  # fmt: skip


SCENARIOS: Mapping[str, Scenario] = {
    scenario.__name__: scenario
    for scenario in (
        killed_beside, killed_elsewhere, stopped, frozen, clock_ahead, flushed, redis_killed, redis_partitioned,
        database_restarted, scratch_full, rough_store,
    )
}  # fmt: skip
