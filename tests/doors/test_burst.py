"""Rooms end in bursts while the server is killed, told to end, or finds its database held: who was answered is never lost.

A real `aircheck serve`, real HTTP, real databases.
"""

import contextlib
import resource
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from fixtures_database import database_url, empty_sqlite, postgres_server

from bench.burst import Answer, post_all
from bench.doors import Door, kept_in, serving
from workers.serving import listening

__all__ = ["database_url", "empty_sqlite", "postgres_server"]

ROOMS = [f"EG_{n}" for n in range(200)]
SHOWS = 7


@pytest.fixture
def house(tmp_path: Path) -> Path:
    folder = tmp_path / "house"
    folder.mkdir()
    return folder


def post(door: Door, runs: list[str], within_s: float = 0.5, meanwhile: Callable[[int], object] = lambda _: None) -> list[Answer]:
    requests = [door.request(run, f"show-{hash_of(run) % SHOWS}") for run in runs]
    return post_all(door.port, requests, within_s=within_s, meanwhile=meanwhile)


def hash_of(run: str) -> int:
    return int(run.rpartition("_")[2])


def acknowledged(runs: list[str], answers: list[Answer]) -> list[str]:
    return [run for run, answer in zip(runs, answers, strict=True) if answer.is_acknowledged]


def ends_with(process: subprocess.Popen[bytes], sign: signal.Signals, after: int) -> Callable[[int], None]:
    """Once so many were answered the process gets that signal."""

    def end(answered: int) -> None:
        if answered >= after and process.poll() is None:
            process.send_signal(sign)

    return end


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM])
def test_who_was_answered_before_the_server_ended_is_kept_and_all_others_come_again(
    database_url: str, house: Path, sign: signal.Signals
) -> None:
    with serving(house, database_url) as door:
        answers = post(door, ROOMS, within_s=2.0, meanwhile=ends_with(door.process, sign, after=40))
        door.process.wait(60)
    answered = acknowledged(ROOMS, answers)
    assert 40 <= len(answered) < len(ROOMS)
    assert {answer.status for answer in answers} == {0, 202}
    kept = kept_in(database_url)
    assert kept.lost(answered) == kept.doubled() == []
    if sign == signal.SIGTERM:
        assert kept.recordings == set(answered)  # whoever was taken in was told so
    with serving(house, database_url) as door:
        again = post(door, ROOMS[::-1], within_s=1.0)[::-1]
    assert {answer.status for answer in again} == {200, 202}
    known = [run for run, answer in zip(ROOMS, again, strict=True) if answer.status == 200]
    assert set(answered) <= set(known)
    kept = kept_in(database_url)
    assert kept.lost(ROOMS) == kept.doubled() == []
    assert kept.recordings == set(ROOMS)


def test_a_door_may_have_more_connections_than_a_process_usually_has() -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, limits[1]), limits[1]))
    try:
        with listening("127.0.0.1", 0) as door:
            address = door.getsockname()
            with contextlib.ExitStack() as visitors:
                for _ in range(600):  # they wait in the backlog; each has two ends in this process
                    visitors.enter_context(socket.create_connection(address, 10))
                    visitors.enter_context(door.accept()[0])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_every_room_twice_and_shuffled_is_new_once(database_url: str, house: Path) -> None:
    runs = ROOMS[:100] * 2
    runs = runs[::2] + runs[::-2]
    with serving(house, database_url) as door:
        answers = post(door, runs, within_s=0.0)
    statuses = [answer.status for answer in answers]
    assert (statuses.count(202), statuses.count(200)) == (100, 100)
    told = {run: {answer.json()["episode"] for r, answer in zip(runs, answers, strict=True) if r == run} for run in set(runs)}
    assert all(len(episodes) == 1 and "" not in episodes for episodes in told.values())
    kept = kept_in(database_url)
    assert kept.recordings == set(runs)
    assert kept.lost(runs) == kept.doubled() == []


@contextlib.contextmanager
def held(database_url: str, for_s: float) -> Iterator[None]:
    """Somebody else writes, for so long."""
    let_go = threading.Event()
    holds = threading.Event()

    def hold() -> None:
        if database_url.startswith("sqlite"):
            other = sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
        else:
            other = psycopg.connect(database_url.replace("+psycopg", ""))
            other.execute("LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE")
        holds.set()
        let_go.wait(for_s)
        other.rollback()
        other.close()

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert holds.wait(10)
        yield
    finally:
        let_go.set()
        thread.join()


@pytest.mark.slow
def test_while_somebody_else_holds_the_database_rooms_are_late_or_sent_away_and_never_lost(database_url: str, house: Path) -> None:
    """The holder holds for 20 s; nobody waits for an answer much longer than 10."""
    runs = ROOMS[:60]
    with serving(house, database_url) as door:
        post(door, [f"EG_{n}" for n in range(1000, 1000 + SHOWS)])
        with held(database_url, 20.0):
            began = time.monotonic()
            answers = post(door, runs, within_s=15.0)
        assert time.monotonic() - began > 15
        assert {answer.status for answer in answers} <= {202, 503}
        sent_away = [answer for answer in answers if answer.status == 503]
        assert sent_away
        assert all(answer.waited_s < 25 for answer in sent_away)
        answered = acknowledged(runs, answers)
        again = post(door, runs, within_s=1.0)
    assert {answer.status for answer in again} <= {200, 202}
    assert set(answered) <= {run for run, answer in zip(runs, again, strict=True) if answer.status == 200}
    kept = kept_in(database_url)
    assert kept.lost(runs) == kept.doubled() == []
