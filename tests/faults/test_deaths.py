"""Workers that die again and again, stand still for too long, or die on a machine nobody can see: nothing is lost or doubled."""

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from crash_trials import CrashTrial
from fakes_work import until
from quick_trials import room, send
from sqlalchemy import select, update

from bench.trial.checker import violations
from bench.trial.evidence import Evidence
from workers import ledger
from workers.ledger import MAX_TRIES, JobRow, Run

Begin = Callable[..., CrashTrial]
LEASE_S = "2"
# Fewer kills than would end a job for good, should each of them meet the same one.
ROOMS, KILLS = 12, MAX_TRIES - 1


def said(trial: CrashTrial, **known: object) -> list[str]:
    return [str(violation) for violation in trial.verdict(**known)]


def run_of(trial: CrashTrial, run_id: str) -> Run:
    with trial.house() as house, house.database.read() as session:
        found = ledger.run(session, run_id)
    assert found
    return found


def kill_all_of(trial: CrashTrial) -> None:
    """The first room kills as many workers as a job may."""
    for _ in range(MAX_TRIES):
        trial.dies("after commit of claim audio", ONLY="one")


# ---- killed again and again


@pytest.mark.parametrize("point", ["before commit of bury", "after commit of bury", ""])
def test_a_room_that_kills_every_worker_fails_with_its_reason_and_stops_nobody(begin: Begin, point: str) -> None:
    trial = begin()
    kill_all_of(trial)
    if point:
        trial.dies(point)
    trial.survives()
    buried = run_of(trial, "one")
    assert buried.state == "failed" and f"{MAX_TRIES} times" in buried.reason
    assert said(trial, ended=["one"], undisturbed=None) == []


def test_what_a_room_did_to_its_workers_is_forgiven_when_it_is_tried_again(begin: Begin) -> None:
    trial = begin()
    kill_all_of(trial)
    trial.survives()
    with trial.house() as house, house.database.begin() as session:
        ledger.retry(session, "one")
    trial.survives()
    assert said(trial) == []


# ---- standing still


def stands_still(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


AT_REST = ("after commit of claim audio", "before put of public audio", "after put of public audio", "before put of private words",
           "after commit of claim feed", "before put of public page", "before put of public feed", "after put of public feed",
           "before put of private note")  # fmt: skip
# On SQLite nobody else could write meanwhile.
IN_A_TRANSACTION = ("before commit of finish audio", "before commit of finish words", "before commit of finish feed")


@pytest.mark.parametrize("point", AT_REST)
def test_who_stands_still_past_the_lease_changes_nothing_when_it_wakes(begin: Begin, point: str) -> None:
    trial = begin()
    sleeper = asleep(trial, point)
    trial.survives(LEASE_S=LEASE_S)
    wake_up(trial, sleeper)
    trial.comes_to_rest()
    assert said(trial) == []


@pytest.mark.parametrize("point", IN_A_TRANSACTION)
def test_who_stands_still_with_a_transaction_open_changes_nothing_when_it_wakes(begin: Begin, point: str) -> None:
    trial = begin("postgresql", "folder")
    sleeper = asleep(trial, point)
    other = trial.start(LEASE_S=LEASE_S)
    time.sleep(float(LEASE_S))
    wake_up(trial, sleeper)
    assert trial.grounds.nursery.wait(other) == 0, trial.log()
    trial.comes_to_rest()
    assert said(trial) == []


def asleep(trial: CrashTrial, point: str) -> int:
    """Somebody who stands still at that point."""
    pid = trial.start("alone", FREEZE_AT=point, LEASE_S=LEASE_S)
    until(lambda: stands_still(pid), 60)
    return pid


def wake_up(trial: CrashTrial, pid: int) -> None:
    """It goes on as if nothing had been, and ends by itself."""
    os.kill(pid, signal.SIGCONT)
    assert trial.grounds.nursery.wait(pid) == 0, trial.log()


# ---- on another machine


def test_who_died_on_another_machine_is_replaced_when_its_lease_ends(begin: Begin) -> None:
    trial = begin()
    trial.dies("after commit of claim audio", LEASE_S=LEASE_S)
    with trial.house() as house, house.database.begin() as session:
        session.execute(update(JobRow).where(JobRow.state == "running").values(owner="elsewhere/place/1/1"))
    trial.survives()
    assert said(trial) == []
    with trial.house() as house, house.database.read() as session:
        assert sorted(session.scalars(select(JobRow.tries).where(JobRow.kind == "audio"))) == [1, 1, 1, 2]


# ---- all the time


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def test_workers_killed_all_the_time_lose_and_double_nothing(begin: Begin, database: str) -> None:
    trial, dice = begin(database, bells="redis"), random.Random(database)
    trial.survives("quick_empty")
    with trial.house() as house:
        for n in range(ROOMS):
            send(house, room(f"good-{n}", n))
        crew = [trial.start("quick_crowd") for _ in range(2)]
        for _ in range(KILLS):
            time.sleep(dice.uniform(0.3, 0.9))
            crew.append(trial.start("quick_crowd"))
            trial.kill(crew.pop(dice.randrange(2)))
        for pid in crew:
            assert trial.grounds.nursery.wait(pid) == 0, trial.log()
        trial.reader.stop()
        trial.reader.read()
        evidence = Evidence(house=house, acknowledged=[f"good-{n}" for n in range(ROOMS)], histories=[trial.reader.history])
        assert [str(violation) for violation in violations(evidence)] == []
        assert len(trial.reader.history.seen) == ROOMS
