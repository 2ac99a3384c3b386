"""Opening the database, and what holds while others use it."""

import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import text as sql
from sqlalchemy.exc import OperationalError

from feeds.catalogue import Show, db_now, find_show
from pipeline.errors import Broken, Refused
from workers.database import Database, open_database
from workers.owner import is_gone, me


@pytest.mark.parametrize("url", ["", "aircheck.db", "mysql://host/name", "sqlite://", "sqlite:///:memory:"])
def test_an_address_we_cannot_use_is_refused(url: str) -> None:
    with pytest.raises(Refused, match=r"use sqlite:///path/to/aircheck\.db"):
        open_database(url)


def test_a_database_that_does_not_answer_is_named_without_its_password() -> None:
    with pytest.raises(Broken, match=r"aircheck:\*\*\*@127.0.0.1:1/pods does not answer"):
        open_database("postgresql+psycopg://aircheck:hunter2@127.0.0.1:1/pods")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Broken, match="file cannot be made"):
        open_database(f"sqlite:///{tmp_path}/file/aircheck.db")


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "aircheck.db").write_text("this is no database" * 100)
    with pytest.raises(Broken, match="file is not a database"):
        open_database(f"sqlite:///{tmp_path}/aircheck.db")


def test_an_error_takes_the_whole_transaction_back(database: Database, show: Show) -> None:

    def write_and_break() -> None:
        with database.begin() as session:
            session.execute(sql("UPDATE show SET title = 'Changed'"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_break()
    with database.read() as session:
        assert find_show(session, "tuesday") == show


def test_readers_do_not_wait_for_a_writer(database: Database, show: Show) -> None:
    with database.begin() as writer:
        writer.execute(sql("UPDATE show SET title = 'Changed'"))
        with database.read() as reader:
            assert find_show(reader, "tuesday") == show


def test_writers_wait_for_each_other(database: Database, show: Show) -> None:
    def add_one() -> None:
        for _ in range(20):
            with database.begin() as session:
                session.execute(sql("UPDATE show SET feed_rev = feed_rev + 1"))

    threads = [threading.Thread(target=add_one) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as session:
        changed = find_show(session, "tuesday")
    assert changed and changed.feed_rev == 100


def test_the_clock_is_the_databases_own_and_runs_within_a_transaction(database: Database) -> None:
    with database.read() as session:
        before, now = session.scalar(db_now().select()), time.time()
        time.sleep(0.02)
        after = session.scalar(db_now().select())
    assert before == pytest.approx(now, abs=1) and after > before


def test_work_is_tried_again_while_the_database_is_away(database: Database) -> None:
    tries: list[int] = []

    def work(session: object) -> str:
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError("SELECT 1", {}, sqlite3.OperationalError("database is locked"))
        return "done"

    assert database.patiently(work) == "done"
    tries.clear()
    with pytest.raises(OperationalError):
        database.patiently(work, patience_s=0.05)


def test_what_intake_wrote_is_durable_and_in_wal_mode(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/new/aircheck.db")
    with database.durable() as session:
        assert session.scalar(sql("PRAGMA synchronous")) == 2
        assert session.scalar(sql("PRAGMA journal_mode")) == "wal"
    with database.begin() as session:
        assert session.scalar(sql("PRAGMA synchronous")) == 1
        assert session.scalar(sql("PRAGMA foreign_keys")) == 1
    database.close()


def test_a_process_of_this_machine_is_known_to_have_ended() -> None:
    assert not is_gone(me())
    tell = [sys.executable, "-c", "from workers.owner import me; print(me(), flush=True); input()"]
    with subprocess.Popen(tell, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as sister:
        owner = sister.stdout.readline().strip()
        assert owner and not is_gone(owner)
        sister.kill()
        sister.wait()
        assert is_gone(owner)


@pytest.mark.parametrize(
    "owner", ["", "somebody", "elsewhere/aaaa-1/1/1", me().rpartition("/")[0].replace("/", "x", 1) + "/1"], ids=range(4)
)
def test_of_other_machines_nothing_is_known(owner: str) -> None:
    assert not is_gone(owner)


def test_a_number_used_again_by_another_process_is_not_the_owner() -> None:
    host, place, pid, birth = me().split("/")
    assert is_gone("/".join((host, place, pid, str(int(birth) - 1))))
