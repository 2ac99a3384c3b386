"""A storm: rooms arrive, a random worker is killed every two seconds, readers never look away; then everything is checked."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.trial.checker import violations
from bench.trial.evidence import Evidence
from bench.trial.fleet import ROOM_MINUTES, Fleet, a_room, fleet, until
from bench.trial.hosts import Host, Plan, stop_all
from bench.trial.looks import Way, attempts, percentile, ways
from bench.trial.reader import History, Reader, Violation
from bench.trial.services import Wanted
from feeds.catalogue import episodes
from feeds.from_store import from_store

# Readers of all shows together poll so often.
READ_EVERY_S = 0.02
CALM_SHARE = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """How hard it blows."""

    wanted: Wanted
    rooms: int = 500
    # rooms arrive evenly over this time, and workers are killed for as long
    blows_s: float = 600.0
    # None: nobody is killed
    kill_every_s: float | None = 2.0
    workers: int = 4
    shows: int = 5
    # so long a worker sleeps over the sound of a room, and so long over its words
    work_s: float = 0.5
    drains_s: float = 300.0
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Weathered:
    """What became of it."""

    storm: Storm
    kills: int
    acknowledged: int
    # rooms that were acknowledged and have no complete episode
    lost: tuple[str, ...]
    # recordings with more than one episode
    doubled: tuple[str, ...]
    ways: tuple[Way, ...]
    # tries of each audio and words job, by how they ended
    tries: tuple[Counter[str], ...]
    # from the last room's arrival until nothing was left to do
    tail_s: float
    histories: tuple[History, ...]
    violations: tuple[Violation, ...]

    @property
    def most_tries(self) -> int:
        """Of one job."""
        return max((each.total() for each in self.tries), default=0)

    @property
    def mean_tries(self) -> float:
        """Of all jobs."""
        return sum(each.total() for each in self.tries) / max(1, len(self.tries))

    @property
    def reads(self) -> int:
        """Of all feeds."""
        return sum(history.reads for history in self.histories)


def calm(storm: Storm) -> Storm:
    """The same pace for a shorter while, and nobody is killed."""
    return replace(storm, kill_every_s=None, rooms=max(1, round(storm.rooms * CALM_SHARE)), blows_s=storm.blows_s * CALM_SHARE)


def weather(storm: Storm, folder: Path) -> Weathered:
    """Let it blow, wait until everything is done, and look."""
    with fleet(folder, storm.wanted) as trial:
        hosts = trial.crew(storm.workers, Plan(speed=ROOM_MINUTES * 60 / storm.work_s))
        with _reading(trial, storm) as readers:
            kills = _blow(trial, hosts, storm)
            tail_s = trial.until_quiet(storm.drains_s)
            until(lambda: all(reader.reads for reader in readers), "nobody reads")
        _clear_scratch(trial, hosts)
        return _looked_at(trial, storm, (kills, tail_s), trial.at_rest([reader.history for reader in readers]))


def _show(number: int) -> str:
    return f"show-{number + 1}"


@contextmanager
def _reading(trial: Fleet, storm: Storm) -> Iterator[Sequence[Reader]]:
    fetch = from_store(trial.house.public, trial.house.site)
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                Reader(fetch, trial.house.address(f"{_show(n)}/feed.xml"), every_s=READ_EVERY_S * storm.shows)
            )
            for n in range(storm.shows)
        ]  # fmt: skip


def _blow(trial: Fleet, hosts: Sequence[Host], storm: Storm) -> int:
    """Rooms arrive while workers die; how many died."""
    arriving = threading.Thread(target=_arrive, args=(trial, storm))
    arriving.start()
    die = random.Random(storm.seed)
    kills, ends_at = 0, time.monotonic() + storm.blows_s
    while storm.kill_every_s and time.monotonic() < ends_at:
        time.sleep(storm.kill_every_s)
        victim = die.choice(hosts)
        victim.kill()
        victim.start()
        kills += 1
    arriving.join()
    return kills


def _arrive(trial: Fleet, storm: Storm) -> None:
    began = time.monotonic()
    for n in range(storm.rooms):
        time.sleep(max(0.0, began + n * storm.blows_s / storm.rooms - time.monotonic()))
        trial.post(a_room(f"room-{n}", _show(n % storm.shows)))


def _clear_scratch(trial: Fleet, hosts: Sequence[Host]) -> None:
    """Every worker is stopped and begun once more: what the dead left in scratch is given back by who comes after them."""
    stop_all(hosts)
    for host in hosts:
        host.start()
    trial.until_working(hosts)
    until(lambda: not any(map(_left_in_scratch, hosts)), "scratch is not cleared")


def _left_in_scratch(host: Host) -> list[Path]:
    return list(host.scratch.iterdir()) if host.scratch.is_dir() else []


def _looked_at(trial: Fleet, storm: Storm, blown: tuple[int, float], evidence: Evidence) -> Weathered:
    with trial.house.database.read() as session:
        made = episodes(session)
    complete = {episode.recording_id for episode in made if episode.state == "complete"}
    of_each = Counter(episode.recording_id for episode in made)
    return Weathered(
        storm=storm, kills=blown[0], acknowledged=len(trial.acknowledged), lost=tuple(sorted(trial.acknowledged.keys() - complete)),
        doubled=tuple(run for run, count in of_each.items() if count > 1), ways=ways(trial.house.database),
        tries=tuple(attempts(trial.house.database).values()), tail_s=blown[1], histories=tuple(evidence.histories),
        violations=violations(evidence),
    )  # fmt: skip


def told(weathered: Weathered) -> dict[str, str]:
    """The figures of a report, by what they say."""
    complete = [way.complete_s for way in weathered.ways]
    lost_tries = sum(each["lost"] for each in weathered.tries)
    return {
        "rooms acknowledged": f"{weathered.acknowledged}",
        "workers killed": f"{weathered.kills}",
        "rooms lost": f"{len(weathered.lost)}",
        "rooms doubled": f"{len(weathered.doubled)}",
        "acknowledged to audible, median / p99": _seconds([way.audible_s for way in weathered.ways]),
        "acknowledged to complete, median / p99": _seconds(complete),
        "last room to everything done": f"{weathered.tail_s:.1f} s",
        "tries a job, mean / most": f"{weathered.mean_tries:.2f} / {weathered.most_tries}",
        "tries that a kill ended": f"{lost_tries}",
        "reads of feeds": f"{weathered.reads:,}",
        "reader findings": f"{sum(len(history.violations) for history in weathered.histories)}",
        "checker findings": f"{len(weathered.violations)}",
    }


def _seconds(values: Sequence[float]) -> str:
    return f"{percentile(values, 0.5):.1f} / {percentile(values, 0.99):.1f} s"
