"""Clocks that are wrong by an hour, or are turned while work goes on: nothing is lost, doubled, or made to wait for them."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from crash_trials import KILLED, CrashTrial
from fixtures_quick import quick_sound
from nursery import TESTS, WORKER
from quick_trials import bodies_where_the_bad_fail, house_in, make_show, room, send
from sqlalchemy import select, update
from turned_clock import turn

from bench.trial.hosts import fake_clock
from workers.broker import HANDS
from workers.duty import has_duty
from workers.house import House
from workers.ledger import LEASE_S, JobRow
from workers.sweep import Sweeper
from workers.work_loop import WorkLoop, silent

__all__ = ["quick_sound"]
Begin = Callable[..., CrashTrial]
HOUR_S = 3600.0


# ---- the clock of a machine


def run_by_wrong_clock(trial: CrashTrial, ahead: str, **told: str) -> int:
    """The status of a process that works, with its own idea of the time."""
    library = fake_clock()
    if library is None:
        pytest.skip("libfaketime is not installed (Debian: faketime)")
    paths = os.pathsep.join(map(str, (TESTS.parent, TESTS, WORKER.parent)))
    clock = {"LD_PRELOAD": str(library), "FAKETIME": ahead, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    with Path(trial.environment["LOG"]).open("a") as log:
        return subprocess.run(
            [sys.executable, str(WORKER), "trial"], env={**os.environ, "PYTHONPATH": paths, **trial.environment, **clock, **told},
            stdout=log, stderr=log, timeout=250,
        ).returncode  # fmt: skip


@pytest.mark.parametrize(
    "ahead", ["+3600s", pytest.param("-3600s", marks=pytest.mark.slow), pytest.param("-300s", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def test_who_dies_by_a_wrong_clock_is_followed_by_who_has_the_right_one(begin: Begin, database: str, ahead: str) -> None:
    trial = begin(database)
    assert run_by_wrong_clock(trial, ahead, CRASH_AT="before commit of finish words") in KILLED, trial.log()
    trial.survives()
    assert [str(violation) for violation in trial.verdict(clock_moved=True)] == []


# ---- the clock of the database


class Turned:
    """A quick house whose database's clock is turned."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.ahead_s = 0.0
        turn(house.database, lambda: self.ahead_s)
        self.loop = WorkLoop(house.database, bodies_where_the_bad_fail(house), ring=silent)
        self.sweeper = Sweeper(house.database, house.bells, hands=HANDS)
        make_show(house)
        send(house, room("good-1"))

    def set(self, **values: object) -> None:
        with self.house.database.begin() as session:
            session.execute(update(JobRow).where(JobRow.kind == "audio").values(**values))

    def state(self) -> tuple[str, int]:
        with self.house.database.read() as session:
            found = session.execute(select(JobRow.state, JobRow.tries).where(JobRow.kind == "audio")).one()
            return found.state, found.tries


@pytest.fixture
def turned(quick_sound: Path, tmp_path: Path) -> Iterator[Turned]:
    (tmp_path / "quick").symlink_to(quick_sound)
    with house_in(tmp_path) as house:
        yield Turned(house)


def test_a_job_that_waits_does_not_wait_for_a_clock_that_was_turned_back(turned: Turned) -> None:
    turned.ahead_s = -HOUR_S
    assert not turned.loop.work_one("audio")
    turned.sweeper.sweep()
    assert turned.loop.work_one("audio")
    assert turned.state() == ("done", 1)


def test_a_worker_that_died_elsewhere_is_replaced_though_the_clock_was_turned_back(turned: Turned) -> None:
    with turned.house.database.begin() as session:
        now = session.scalars(select(JobRow.next_at)).one()
    turned.set(state="running", owner="elsewhere/place/1/1", fence=1, tries=1, lease_until=now + LEASE_S)
    turned.ahead_s = -HOUR_S
    turned.sweeper.sweep()
    assert not turned.loop.work_one("audio")  # it may live, and then it renews its lease
    turned.ahead_s += LEASE_S + 1
    assert turned.loop.work_one("audio")
    assert turned.state() == ("done", 2)


def test_a_job_that_rests_on_purpose_goes_on_resting(turned: Turned) -> None:
    with turned.house.database.begin() as session:
        now = session.scalars(select(JobRow.next_at)).one()
    turned.set(next_at=now + 600.0)
    turned.sweeper.sweep()
    assert not turned.loop.work_one("audio")


def test_a_duty_is_not_held_by_the_dead_for_as_long_as_the_clock_was_turned_back(turned: Turned) -> None:
    with turned.house.database.begin() as session:
        assert has_duty(session, "sweep", "elsewhere/place/1/1", 15.0)
        assert not has_duty(session, "sweep", "me", 15.0)
    turned.ahead_s = -HOUR_S
    with turned.house.database.begin() as session:
        assert has_duty(session, "sweep", "me", 15.0)
