"""How fast the ledger is: `python -m bench.ledger [DATABASE_URL | --postgres]`, by default SQLite in a fresh folder.

Prints jobs claimed and finished a second, beside the floor (two bare commits of one row), how many feeds 50 episodes of one show
become that finish at once, and rooms taken in a second, one with each commit and many. How long rooms wait, bench.doors says.
"""

import logging
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import structlog
from sqlalchemy import insert, update

from bench.databases import database_named
from feeds.catalogue import ShowRow, add_show
from pipeline.models import Recording
from workers import ledger
from workers.database import Database, open_database
from workers.heart import Heart
from workers.intake import Arrival, IntakeRules, accept_all
from workers.ledger import Claim, JobRow
from workers.migrations import migrate
from workers.work_loop import Outcome, WorkLoop

RULES = IntakeRules(default_show="bench")


@contextmanager
def opened(url: str) -> Iterator[Database]:
    """A migrated database with one show, in a fresh folder where no address is given."""
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(url or f"sqlite:///{folder}/bench.db")
        migrate(database.engine)
        with database.begin() as session:
            add_show(session, "bench", "https://pods.example")
        yield database
        database.close()


def rooms(name: str, count: int) -> list[Arrival]:
    """Rooms that have just ended."""
    ended = datetime.now(UTC)
    names = [f"{name}-{n}" for n in range(count)]
    made = [Recording(recording_id=each, engine="bench", session_id=each, name="bench", started_at=ended) for each in names]
    return [Arrival.of(recording, "/rooms", provider="bench") for recording in made]


def taken_in(database: Database, arrivals: Sequence[Arrival], at_once: int) -> float:
    """Rooms a second, each on the disk, so many with each commit."""
    began = time.perf_counter()
    for first in range(0, len(arrivals), at_once):
        with database.durable() as session:
            accept_all(session, arrivals[first : first + at_once], RULES)
    return len(arrivals) / (time.perf_counter() - began)


def rate(work: Callable[[], object], times: int, threads: int = 1) -> float:
    """How often a second, done so often by each of so many threads."""
    began = time.perf_counter()
    hands = [threading.Thread(target=lambda: [work() for _ in range(times)]) for _ in range(threads)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    return times * threads / (time.perf_counter() - began)


def claim_and_finish(database: Database) -> None:
    """One job through the ledger, with nothing done in it."""
    with database.begin() as session:
        claim = ledger.claim(session, "audio", "bench")
    if claim:
        with database.begin() as session:
            ledger.finish(session, claim)


def two_bare_commits(database: Database) -> None:
    """The least that a claim and a finish can cost."""
    for _ in range(2):
        with database.begin() as session:
            session.execute(update(JobRow).where(JobRow.id == 1).values(tries=0))


def feeds_of_fifty(database: Database) -> tuple[float, int]:
    """Seconds until the feed shows 50 episodes that finish at once, and how often it was written."""
    written = 0

    def audio(_claim: Claim, _heart: Heart) -> Outcome:
        return Outcome(feed_changed=True)

    def feed(claim: Claim, _heart: Heart) -> Outcome:
        nonlocal written
        written += 1
        with database.read() as session:
            rev = session.get_one(ShowRow, claim.subject).feed_rev
        return Outcome(apply=lambda session: session.execute(update(ShowRow).values(published_rev=rev)))

    loop = WorkLoop(database, {"audio": audio, "feed": feed}, ring=lambda _bell: None)
    began = time.perf_counter()
    audios = [threading.Thread(target=loop.hear, args=("audio",)) for _ in range(4)]
    for thread in audios:
        thread.start()
    while not is_published(database) or any(thread.is_alive() for thread in audios):
        loop.hear("publish")
        time.sleep(0.02)
    return time.perf_counter() - began, written


def is_published(database: Database) -> bool:
    """Whether the feed shows every change there was."""
    with database.read() as session:
        show = session.query(ShowRow).one()
    return 0 < show.feed_rev == show.published_rev


def grow_old(database: Database, done: int, ready: int) -> None:
    """As after long service: so many jobs are done, and so many wait, half of them of one show."""
    with database.begin() as session:
        shows = [add_show(session, f"show-{n}", "https://pods.example").id for n in range(50)]
        old = [_job(f"done-{n}", shows[n % 50], "done") for n in range(done)]
        new = [_job(f"ready-{n}", shows[n % 50 if n % 2 else 0], "ready") for n in range(ready)]
        session.execute(insert(JobRow), old + new)
    with database.engine.execution_options(isolation_level="AUTOCOMMIT", reading=True).connect() as connection:
        connection.exec_driver_sql("ANALYZE")


def _job(subject: str, show_id: str, state: str) -> dict[str, str]:
    return {"kind": "clip", "queue": "audio", "subject": subject, "show_id": show_id, "state": state}


def claim_s(database: Database) -> float:
    """Seconds for one claim, the middle one of fifty."""
    took_s = []
    for _ in range(50):
        began = time.perf_counter()
        with database.begin() as session:
            ledger.claim(session, "audio", "bench")
        took_s.append(time.perf_counter() - began)
    return statistics.median(took_s)


def main(*words: str) -> None:
    """Print every figure."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with database_named(words) as url, opened(url) as database:
        taken_in(database, rooms("fifty", 50), 50)
        took_s, written = feeds_of_fifty(database)
        print(f"50 episodes finishing at once   in the feed after {took_s:.2f} s, feed written {written} times")
        for at_once in (1, 20, 200):
            name = f"{at_once} with each commit"
            print(f"rooms taken in, {name:<22} {taken_in(database, rooms(name, 600), at_once):.0f}/s")
        print("with 1,800 rooms waiting:")
        for threads in (1, 4):
            jobs = rate(lambda: claim_and_finish(database), 200, threads)
            floor = rate(lambda: two_bare_commits(database), 200, threads)
            print(f"claim + finish, {threads} threads       {jobs:.0f}/s, {floor / jobs:.1f} x the floor of {floor:.0f}/s")
    with database_named(words) as url, opened(url) as database:
        grow_old(database, done=100_000, ready=1_000)
        print(f"one claim, 1,000 ready and 100,000 done jobs   {claim_s(database) * 1000:.1f} ms")


if __name__ == "__main__":
    main(*sys.argv[1:])
