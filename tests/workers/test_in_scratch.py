"""Scratch as jobs use it: without room none begins, where it runs out all that waits gives way, and what is over is cleared."""

import errno
from pathlib import Path

import pytest
from claiming import Send, claimed, finished
from fakes_house import a_house

from pipeline.errors import Hindered
from workers import scratch
from workers.database import Database
from workers.heart import Heart
from workers.house import House
from workers.job import Job, clear_abandoned, in_scratch, scratch_of
from workers.work_loop import Outcome


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    return a_house(database, tmp_path, limits={"free_bytes": 1})


def left_by(house: House, run: str) -> Path:
    """The folder of a run, with something in it."""
    folder = scratch_of(house, run)
    (folder / "source").mkdir(parents=True)
    (folder / "source" / "000").write_bytes(b"sound")
    return folder


def test_a_job_finds_the_scratch_of_its_run_and_nobody_takes_it_away_meanwhile(house: House, send: Send) -> None:
    send()
    folder = left_by(house, "EG_1")

    def body(job: Job) -> Outcome:
        assert job.shop.scratch == folder and (folder / "source" / "000").exists()
        assert not scratch.remove(folder)
        return Outcome(feed_changed=True)

    assert in_scratch(house, body)(claimed(house.database), Heart()).feed_changed
    assert (folder / "source" / "000").exists()


def test_without_room_no_job_begins(house: House, database: Database, tmp_path: Path, send: Send) -> None:
    send()
    full = a_house(database, tmp_path, limits={"free_bytes": 1 << 60})
    begun: list[Job] = []
    with pytest.raises(Hindered, match="shall stay free") as told:
        in_scratch(full, begun.append)(claimed(database), Heart())
    assert told.value.code == "disk_full" and begun == []


def test_when_room_runs_out_everybody_who_waits_gives_way(house: House, database: Database, send: Send) -> None:
    for n in range(4):
        send(f"EG_{n}")
    mine, running, waiting, held = (left_by(house, f"EG_{n}") for n in range(4))
    claim, _ = claimed(database), claimed(database)

    def body(job: Job) -> Outcome:
        raise OSError(errno.ENOSPC, "No space left on device")

    with scratch.held(held), pytest.raises(OSError, match="No space left"):
        in_scratch(house, body)(claim, Heart())
    assert [folder.exists() for folder in (mine, waiting, held)] == [False, False, True]
    assert running.exists()


def test_what_nobody_works_on_any_more_is_cleared(house: House, database: Database, send: Send) -> None:
    for n in range(3):
        send(f"EG_{n}")
    over, over_but_held, waiting, unknown = (left_by(house, f"EG_{n}") for n in range(4))
    for _ in range(2):
        finished(database, claimed(database))
    with scratch.held(over_but_held):
        clear_abandoned(house)
    assert [folder.exists() for folder in (over, over_but_held, waiting, unknown)] == [False, True, True, False]
