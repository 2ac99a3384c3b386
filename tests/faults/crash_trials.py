"""Trials with crashes: victims that die where they are told to, a survivor that finishes, and the verdict of the checker."""

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from crash_rooms import SHOW, answered, crash_rooms
from nursery import Nursery
from quick_trials import HIDDEN, SITE, sha256_of

from bench.trial.checker import violations
from bench.trial.evidence import Ending, Evidence
from bench.trial.quick import SOURCE_S
from bench.trial.reader import Reader, Violation
from feeds.from_store import from_store
from pipeline.stores import open_store
from workers.errands import errands_of
from workers.house import House
from workers.settings import Settings
from workers.wiring import open_house, site_of

DAY_S = 86400.0
KILLED = (-signal.SIGKILL, -signal.SIGXFSZ)


@dataclass(frozen=True, kw_only=True)
class Grounds:
    """What all trials of a session share: a warm nursery, the rooms' file, seeds, and how it ends when nobody dies."""

    nursery: Nursery
    rooms: Path
    seeds: Path
    undisturbed: Ending


class CrashTrial:
    """One trial in a house of its own, its feed read all the time while the block lasts.

    `place` is what the environment says of its database, stores and bells.
    """

    def __init__(self, grounds: Grounds, folder: Path, place: Mapping[str, str]) -> None:
        self.grounds = grounds
        self.folder = folder
        self.environment = {**surroundings(folder, grounds.rooms, grounds.seeds), **place}
        self.sources = {path: sha256_of(path) for path in grounds.rooms.iterdir()}
        settings = settings_from(self.environment)
        public, site = open_store(settings.store.url, endpoint_url=settings.store.endpoint_url), site_of(settings)
        self.reader = Reader(from_store(public, site), site.url(f"{SHOW}/feed.xml"))

    def __enter__(self) -> Self:
        self.reader.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.reader.stop()

    def dies(self, point: str, work: str = "trial", **more: str) -> None:
        """Somebody does that work and dies at that point."""
        status = self.run(work, CRASH_AT=point, **more)
        assert status in KILLED, f"nobody passed {point!r}: ended with {status}"

    def survives(self, work: str = "trial", **more: str) -> None:
        """Somebody does what is left of that work."""
        status = self.run(work, **more)
        assert status == 0, self.log()

    def run(self, work: str, **more: str) -> int:
        """The status of a process that does that work."""
        return self.grounds.nursery.run(work, {**self.environment, **more})

    def start(self, work: str = "trial", **more: str) -> int:
        """The pid of a process that does that work."""
        return self.grounds.nursery.fork(work, {**self.environment, **more})

    def kill(self, pid: int) -> None:
        """End a process that was started, unless it has ended by itself."""
        os.kill(pid, signal.SIGKILL)
        assert self.grounds.nursery.wait(pid) in (0, -signal.SIGKILL), self.log()

    @contextmanager
    def house(self) -> Iterator[House]:
        """The house, opened by somebody who looks."""
        with open_house(settings_from(self.environment)) as house:
            yield house

    def comes_to_rest(self) -> None:
        """Time goes by until whatever is looked after now and then finds nothing to put right; once is enough for that."""
        self._lets_time_go_by()
        self.survives()
        self._lets_time_go_by()

    def _lets_time_go_by(self) -> None:
        with self.house() as house:
            _let_time_go_by(house)

    def verdict(self, **known: Any) -> tuple[Violation, ...]:
        """What the checker says; nothing may be left to put right by then."""
        self.reader.stop()
        self.reader.read()
        with self.house() as house:
            _let_time_go_by(house)
            found = {
                "acknowledged": set(answered(house).read_text().split()), "bad": ["bad"], "sources": self.sources,
                "seconds_in": {room.recording_id: SOURCE_S for room in crash_rooms()}, "hidden": HIDDEN,
                "titles": {room.recording_id: room.title for room in crash_rooms()}, "logs": [self.folder / "log"],
                "undisturbed": self.grounds.undisturbed, "histories": [self.reader.history],
            }  # fmt: skip
            return violations(Evidence(house=house, **{**found, **known}))

    def log(self) -> str:
        """The end of what its processes wrote."""
        return (self.folder / "log").read_text()[-4000:]


def _let_time_go_by(house: House) -> None:
    """Whatever is looked after now and then has had its turn."""
    for errand in errands_of(house):
        errand.run()
    for store in (house.public, house.private):
        store.tidy(-DAY_S)  # also what was written by a clock that was ahead


def surroundings(folder: Path, rooms: Path, seeds: Path) -> dict[str, str]:
    """The environment of a house that has everything in that folder."""
    return {
        "AIRCHECK_DATA_DIR": str(folder), "AIRCHECK_PUBLIC_URL": SITE, "AIRCHECK_SPEECH__ENGINE": "none",
        "AIRCHECK_AUDIO__FORMATS": "mp3,opus", "ROOMS": str(rooms), "SEEDS": str(seeds), "LOG": str(folder / "log"),
    }  # fmt: skip


def settings_from(environment: Mapping[str, str]) -> Settings:
    """The settings that a process in that environment has."""
    kept = dict(os.environ)
    os.environ.update({name: value for name, value in environment.items() if name.startswith("AIRCHECK_")})
    try:
        return Settings()
    finally:
        os.environ.clear()
        os.environ.update(kept)
