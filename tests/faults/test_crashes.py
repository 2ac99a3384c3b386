"""Workers are killed at every named point, all the time, or stand still too long: the end is the same, to the byte."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from crashing_worker import LEASE_S, POINTS, PublishingJobs, is_left, state_of, work_until_done
from fakes_rooms import a_room
from fakes_work import until
from fixtures_database import RULES
from sqlalchemy import select, update

from bench.trial.servers import RedisServer
from feeds.catalogue import add_show
from workers import ledger
from workers.database import Database, open_database
from workers.intake import Accepted, accept
from workers.ledger import JobRow

Send = Callable[..., Accepted]
TESTS = Path(__file__).parent.parent
ROOMS = 3


def started(url: str, redis_url: str, folder: Path, crash_at: str = "", *options: str) -> subprocess.Popen[bytes]:
    program = [sys.executable, str(Path(__file__).with_name("crashing_worker.py")), url, redis_url, str(folder), crash_at, *options]
    paths = os.pathsep.join((str(TESTS), str(TESTS.parent)))
    return subprocess.Popen(program, env={**os.environ, "PYTHONPATH": paths}, stdout=subprocess.DEVNULL)


def tries_of(database: Database, kind: str) -> list[int]:
    with database.read() as session:
        return sorted(session.scalars(select(JobRow.tries).where(JobRow.kind == kind)))


@pytest.fixture(scope="session")
def undisturbed(empty_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> object:
    """What is there in the end when nobody dies."""
    folder = tmp_path_factory.mktemp("undisturbed")
    shutil.copy(empty_sqlite, folder / ".aircheck.db")
    database = open_database(f"sqlite:///{folder}/.aircheck.db")
    with database.begin() as session:
        add_show(session, "tuesday", "https://pods.example")
        for n in range(ROOMS):
            accept(session, a_room(f"EG_{n}"), "/recordings", provider="livekit", event_id=f"EV_{n}", defaults=RULES)
    work_until_done(database, PublishingJobs(database, folder))
    state = state_of(database, folder)
    database.close()
    return state


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "public"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point_the_end_is_the_same(
    database: Database, database_url: str, send: Send, folder: Path, undisturbed: object, point: str
) -> None:
    for n in range(ROOMS):
        send(f"EG_{n}")
    with started(database_url, "", folder, point) as victim:
        assert victim.wait(30) == -signal.SIGKILL
    began = time.monotonic()
    work_until_done(database, PublishingJobs(database, folder))
    assert state_of(database, folder) == undisturbed
    assert time.monotonic() - began < 20
    if point.startswith("audio") and "bells" not in point:
        assert tries_of(database, "audio") == [1, 1, 2]


def test_a_job_that_kills_every_worker_ends_failed_and_the_others_do_not(
    database: Database, database_url: str, send: Send, folder: Path
) -> None:
    send("EG_bad")
    for _ in range(5):
        with started(database_url, "", folder, "audio claimed") as victim:
            assert victim.wait(30) == -signal.SIGKILL
    send("EG_good")
    work_until_done(database, PublishingJobs(database, folder))
    with database.read() as session:
        bad, good = ledger.run(session, "EG_bad"), ledger.run(session, "EG_good")
    assert bad and good and (bad.state, good.state) == ("failed", "done")
    assert "ended its worker 5 times" in bad.reason


def test_a_worker_of_another_machine_that_died_is_replaced_when_its_lease_ends(
    database: Database, database_url: str, send: Send, folder: Path
) -> None:
    send()
    with started(database_url, "", folder, "audio claimed") as victim:
        assert victim.wait(30) == -signal.SIGKILL
    died = time.monotonic()
    move_elsewhere(database)
    work_until_done(database, PublishingJobs(database, folder))
    assert LEASE_S - 2 < time.monotonic() - died < LEASE_S + 10
    assert tries_of(database, "audio") == [2]


def test_a_worker_that_stands_still_past_its_lease_changes_nothing_when_it_wakes(
    database: Database, database_url: str, send: Send, folder: Path, undisturbed: object
) -> None:
    for n in range(ROOMS):
        send(f"EG_{n}")
    with started(database_url, "", folder, "audio uploaded", "stop") as sleeper:
        until(lambda: is_standing_still(sleeper))
        move_elsewhere(database)
        work_until_done(database, PublishingJobs(database, folder))
        assert tries_of(database, "audio") == [1, 1, 2]
        sleeper.send_signal(signal.SIGCONT)
        assert sleeper.wait(30) == 0
    assert state_of(database, folder) == undisturbed


def is_standing_still(process: subprocess.Popen[bytes]) -> bool:
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def move_elsewhere(database: Database) -> None:
    """As if the worker lived on another machine, where nobody can see how it is."""
    with database.begin() as session:
        session.execute(update(JobRow).where(JobRow.state == "running").values(owner="elsewhere/place/1/1"))


def test_workers_killed_all_the_time_lose_and_double_nothing(
    database: Database, database_url: str, redis_server: RedisServer, send: Send, folder: Path
) -> None:
    redis_server.flush()
    for n in range(30):
        send(f"EG_{n}")
    crew = [started(database_url, redis_server.url, folder) for _ in range(2)]
    kills = 0
    while is_left(database) and kills < 8:
        time.sleep(random.uniform(0.8, 1.6))
        victim = crew.pop(random.randrange(len(crew)))
        victim.kill()
        victim.wait()
        kills += 1
        crew.append(started(database_url, redis_server.url, folder))
    for worker in crew:
        assert worker.wait(60) == 0
    rows, jobs, revs, files = state_of(database, folder)
    assert {(recording, state) for _, recording, state, _, _ in rows} == {(f"EG_{n}", "complete") for n in range(30)}
    assert {state for _, _, state, _ in jobs} == {"done"}
    assert revs == [("tuesday", 60, 60)]
    assert files["feed.txt"].decode().count("complete") == 30
