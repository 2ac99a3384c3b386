"""The database is restarted, away, or held up by somebody who stands still: that costs time, and nothing else."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from fakes_rooms import a_room
from fakes_work import Jobs, Worker, until
from fixtures_database import RULES
from sqlalchemy import select
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from bench.trial.proxy import Proxy
from bench.trial.servers import PostgresServer, postgres_programs
from bench.trial.servers import postgres_server as own_server
from feeds.catalogue import add_show
from workers import database as database_module
from workers import ledger
from workers.database import Database, is_away, open_database
from workers.intake import accept
from workers.ledger import AttemptRow, JobRow
from workers.migrations import migrate

ROOMS = 12
THROWN_OUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'pods' AND pid <> pg_backend_pid()"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    programs = postgres_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
    with own_server(programs) as server:
        yield server


@pytest.fixture
def database(server: PostgresServer) -> Iterator[Database]:
    server.run("DROP DATABASE IF EXISTS pods WITH (FORCE)")
    server.run("CREATE DATABASE pods")
    database = open_database(f"{server.address}pods")
    migrate(database.engine)
    with database.begin() as session:
        add_show(session, "tuesday", "https://pods.example")
    yield database
    database.close()


def send(database: Database, rooms: int = ROOMS) -> None:
    for n in range(rooms):
        with database.durable() as session:
            accept(session, a_room(f"EG_{n}"), "/rooms", provider="test", event_id=f"EV_{n}", defaults=RULES)


def states(database: Database) -> list[str]:
    return database.patiently(lambda session: sorted(session.scalars(select(JobRow.state))))


def all_done(database: Database) -> bool:
    return set(states(database)) == {"done"} and len(states(database)) == 2 * ROOMS + 1


def restart(server: PostgresServer) -> None:
    server.restart()


def throw_out(server: PostgresServer) -> None:
    for _ in range(40):
        server.run(THROWN_OUT)
        time.sleep(0.05)


@pytest.mark.parametrize("trouble", [restart, throw_out])
def test_connections_that_break_in_the_middle_cost_time_only(
    server: PostgresServer, database: Database, trouble: Callable[[PostgresServer], None]
) -> None:
    send(database)
    jobs = Jobs(database)
    with Worker(database, jobs, lease_s=5.0):
        until(lambda: len(jobs.done) > 2)
        trouble(server)
        until(lambda: all_done(database), 60)
    assert set(jobs.done) == {(kind, f"EG_{n}") for n in range(ROOMS) for kind in ("audio", "words")}


def test_ten_seconds_without_the_database_lose_no_result_and_no_try(server: PostgresServer, database: Database) -> None:
    send(database, 1)
    jobs = Jobs(database)
    jobs.let_go.clear()
    with Worker(database, jobs):
        assert jobs.begun.wait(20)
        server.end(signal.SIGINT)
        jobs.let_go.set()
        time.sleep(10)
        server.start()
        until(lambda: set(states(database)) == {"done"} and len(states(database)) == 3, 60)
    assert jobs.done == [("audio", "EG_0"), ("words", "EG_0")]
    with database.read() as session:
        (audio,) = session.scalars(select(JobRow).where(JobRow.kind == "audio"))
        assert (audio.tries, [a.outcome for a in ledger.attempts(session, audio.id)]) == (1, ["done"])


def test_who_vanished_in_the_middle_of_a_transaction_holds_nobody_up_for_long(
    server: PostgresServer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(database, 1)
    monkeypatch.setattr(database_module, "SLOW_S", 1)
    with Proxy(server.port) as road:
        far = open_database(f"{server.address.replace(str(server.port), str(road.port))}pods")
        with pytest.raises(Exception, match=r"idle-in-transaction|closed") as told, far.begin() as session:  # noqa: PT012
            session.execute(sql("UPDATE job SET tries = 4"))
            road.partition()
            with database.begin() as near:
                near.execute(sql("UPDATE job SET tries = 0"))
            road.heal()
            session.execute(sql("UPDATE job SET tries = 5"))
        assert is_away(told.value)
        far.close()
    with database.read() as session:
        assert session.scalars(select(JobRow.tries)).all() == [0]


def test_a_statement_that_never_ends_is_ended(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with database.read() as session:
        told = {name: session.scalar(sql(f"SHOW {name}")) for name in ("statement_timeout", "lock_timeout", "tcp_keepalives_idle")}
    assert told == {"statement_timeout": "30s", "lock_timeout": "15s", "tcp_keepalives_idle": "10"}
    monkeypatch.setattr(database_module, "SLOW_S", 1)
    quick = open_database(database.engine.url.render_as_string(hide_password=False))
    with pytest.raises(Exception, match="statement timeout") as error, quick.read() as session:
        session.execute(sql("SELECT pg_sleep(60)"))
    assert is_away(error.value)
    quick.close()


# ---- SQLite


HOLDER = (
    "import sqlite3, sys, time\n"
    "held = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
    "held.execute('BEGIN IMMEDIATE'); held.execute('UPDATE show SET title = title')\n"
    "print('held', flush=True); sys.stdin.read(); held.execute('COMMIT')"
)


@contextmanager
def holder_of(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process in the middle of a transaction; it commits when its input ends."""
    command = [sys.executable, "-c", HOLDER, str(folder / "aircheck.db")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout.readline() == b"held\n"
            yield holder
        finally:
            holder.kill()


def write(session: Session) -> None:
    session.execute(sql("UPDATE show SET title = 'mine'"))


@pytest.fixture
def file(empty_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    monkeypatch.setattr(database_module, "BUSY_S", 0.5)
    (tmp_path / "aircheck.db").write_bytes(empty_sqlite.read_bytes())
    database = open_database(f"sqlite:///{tmp_path}/aircheck.db")
    with database.begin() as session:
        add_show(session, "tuesday", "https://pods.example")
    yield database
    database.close()


def test_who_stands_still_in_a_transaction_holds_up_the_others_until_he_goes_on(file: Database, tmp_path: Path) -> None:
    send(file, 3)
    jobs = Jobs(file)
    jobs.let_go.clear()
    with ExitStack() as stack, Worker(file, jobs):
        assert jobs.begun.wait(20)
        holder = stack.enter_context(holder_of(tmp_path))
        os.kill(holder.pid, signal.SIGSTOP)
        jobs.let_go.set()
        time.sleep(3)
        with file.read() as session:  # who only looks is never held up
            assert sorted(session.scalars(select(JobRow.state))) == ["ready", "ready", "running"]
        os.kill(holder.pid, signal.SIGCONT)
        holder.stdin.close()
        until(lambda: set(states(file)) == {"done"} and len(states(file)) == 7, 60)
    assert len(jobs.done) == len(set(jobs.done)) == 6
    with file.read() as session:
        assert set(session.scalars(select(AttemptRow.outcome))) == {"done"}


def test_who_is_killed_in_a_transaction_holds_up_nobody(file: Database, tmp_path: Path) -> None:
    with holder_of(tmp_path) as holder:
        with pytest.raises(Exception, match="locked") as told, file.begin() as session:
            write(session)
        assert is_away(told.value)
        holder.kill()
        holder.wait()
        with file.begin() as session:
            write(session)


def test_what_is_asked_wrong_is_not_asked_again(file: Database) -> None:
    asked: list[int] = []

    def wrong(session: object) -> None:
        asked.append(1)
        session.execute(sql("SELECT nothing FROM nowhere"))

    with pytest.raises(Exception, match="nowhere") as told:
        file.patiently(wrong)
    assert not is_away(told.value) and isinstance(told.value.orig, sqlite3.OperationalError)
    assert asked == [1]


def test_who_is_in_a_hurry_does_not_wait(file: Database, tmp_path: Path) -> None:
    hurried = threading.Event()
    with holder_of(tmp_path):
        threading.Timer(0.3, hurried.set).start()
        with pytest.raises(Exception, match="locked"):
            file.patiently(write, 60, hurry=hurried.is_set)
