"""How much a fleet does: many hosts on sleep, a backlog, jobs without work, shows that must not starve, and real work."""

import resource
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from bench.trial.fleet import ROOM_MINUTES, Fleet, a_room, fleet, until
from bench.trial.hosts import Plan, stop_all
from bench.trial.looks import Way, ways
from bench.trial.meters import Meter, read_meter
from bench.trial.services import Wanted
from bench.trial.speech import speech_room
from feeds.catalogue import db_now, episodes
from workers import ledger
from workers.ledger import QUEUES

# Nothing is done in a job.
NOTHING_S = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waits, and who works it off: hosts that sleep so long over each room's sound, and over its words."""

    wanted: Wanted
    hosts: int
    rooms: int
    work_s: float
    shows: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """How a backlog went; the clock starts when the hosts, all of them awake, are let go."""

    backlog: Backlog
    # until the last room was complete
    took_s: float
    # until each room was begun
    waits_s: Sequence[float]
    # rooms of each show among the first half that was complete
    served: Sequence[int]
    meter: Meter
    # rows and indices of each room, from its event to its last try
    bytes_a_room: float

    @property
    def rooms_a_second(self) -> float:
        """Of the whole fleet."""
        return self.backlog.rooms / self.took_s


def drained(folder: Path, backlog: Backlog) -> Drained:
    """The backlog worked off."""
    with fleet(folder, backlog.wanted) as trial:
        empty = read_meter(trial.services)
        _hold(trial)
        trial.post_all(a_room(f"room-{n}", f"show-{n % backlog.shows}") for n in range(backlog.rooms))
        trial.crew(backlog.hosts, Plan(speed=_speed(backlog.work_s)))
        before = read_meter(trial.services)
        began_at = _let_go(trial, backlog.hosts)
        trial.until_quiet(1800.0)
        after = read_meter(trial.services)
        found = sorted(ways(trial.house.database), key=lambda way: way.complete_s + way.received_at)
        return Drained(
            backlog=backlog, took_s=found[-1].received_at + found[-1].complete_s - began_at,
            waits_s=[way.begun_at - began_at for way in found], served=_served(found, backlog.shows),
            meter=after.since(before), bytes_a_room=after.since(empty).database_bytes / backlog.rooms,
        )  # fmt: skip


def _served(in_order: Sequence[Way], shows: int) -> list[int]:
    counts = Counter(way.show_id for way in in_order[: len(in_order) // 2])
    return [*counts.values(), *[0] * (shows - len(counts))]


def _hold(trial: Fleet) -> None:
    """Nobody begins anything."""
    with trial.house.database.begin() as session:
        for queue in QUEUES:
            ledger.pause(session, queue)


def _let_go(trial: Fleet, hosts: int) -> float:
    """Everybody may begin and is woken; the time by the database's clock."""
    with trial.house.database.begin() as session:
        bells = [ledger.resume(session, queue) for queue in QUEUES]
        now = float(session.scalars(select(db_now())).one())
    for _ in range(hosts):
        trial.house.ring(bells)
    return now


def _speed(work_s: float) -> float:
    return ROOM_MINUTES * 60 / work_s if work_s > NOTHING_S else float("inf")


# ---- fairness


@dataclass(frozen=True, slots=True, kw_only=True)
class Fairness:
    """Shows with one room each, on an idle fleet and behind a show with very many."""

    crowd: int
    # until the last of the small shows was complete
    idle_s: float
    crowded_s: float


def fairness(folder: Path, hosts: int, crowd: int, shows: int, work_s: float) -> Fairness:
    """One show sends a crowd of rooms, then others send one each; on many machines' services."""
    with fleet(folder, Wanted(database="postgresql", redis=True)) as trial:
        trial.crew(hosts, Plan(speed=_speed(work_s)))
        idle = [trial.post(a_room(f"idle-{n}", f"idle-{n}")) for n in range(shows)]
        trial.until_quiet()
        trial.post_all(a_room(f"crowd-{n}", "crowd") for n in range(crowd))
        small = [trial.post(a_room(f"small-{n}", f"small-{n}")) for n in range(shows)]
        trial.until_quiet(1800.0)
        way_of = {way.recording_id: way for way in ways(trial.house.database)}
        return Fairness(
            crowd=crowd, idle_s=_last_s([way_of[run] for run in idle]), crowded_s=_last_s([way_of[run] for run in small])
        )


def _last_s(found: Sequence[Way]) -> float:
    """From the first room's acknowledgement until all of them were complete."""
    return max(way.received_at + way.complete_s for way in found) - min(way.received_at for way in found)


# ---- the real thing


@dataclass(frozen=True, slots=True, kw_only=True)
class RealWork:
    """Rooms of speech through the real stages."""

    workers: int
    rooms: int
    minutes: float
    took_s: float
    # of the workers and all their children
    cpu_s: float
    # of everything that listeners may download
    published_bytes: int

    @property
    def megabytes_an_hour(self) -> float:
        """Megabytes published for each hour of room, in all formats together."""
        return self.published_bytes / 1e6 / (self.rooms * self.minutes / 60)

    @property
    def times_realtime(self) -> float:
        """Minutes of room for each minute that passes."""
        return self.rooms * self.minutes * 60 / self.took_s

    @property
    def cpu_s_an_hour(self) -> float:
        """Processor seconds for each hour of room."""
        return self.cpu_s / (self.rooms * self.minutes / 60)


def real_work(folder: Path, workers: int, rooms: int, minutes: float) -> RealWork:
    """Audio workers, each a process of its own, on rooms of so many minutes of talk with three or four voices."""
    with fleet(folder, Wanted(redis=True)) as trial:
        room = speech_room(folder / "rooms" / "speech", minutes)
        _hold(trial)
        for n in range(rooms):
            trial.post(room.told(f"room-{n}", f"show-{n}"))
        hosts = trial.crew(workers, Plan(queues=("audio",)))
        before_s = _children_cpu_s()
        began_at = _let_go(trial, workers)
        until(lambda: len(ways(trial.house.database)) == rooms, "the rooms cannot be heard", 3600.0)
        stop_all(hosts)
        took_s = max(way.audible_at for way in ways(trial.house.database)) - began_at
        with trial.house.database.read() as session:
            published_bytes = sum(r.size_bytes for episode in episodes(session) for r in episode.renditions)
        return RealWork(
            workers=workers, rooms=rooms, minutes=minutes, took_s=took_s, cpu_s=_children_cpu_s() - before_s,
            published_bytes=published_bytes,
        )  # fmt: skip


def _children_cpu_s() -> float:
    """Of every process that has ended below this one."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
