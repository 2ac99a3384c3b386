"""How fast the ledger is: `python -m bench.ledger [DATABASE_URL]`, by default SQLite in a fresh folder.

Prints jobs claimed and finished a second, beside the floor (two bare commits of one row), the wait of 1,000 rooms that end within
10 s until each is acknowledged on disk, and how many feeds 50 episodes of one show become that finish at once.
"""

import logging
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime

import structlog
from sqlalchemy import update

from feeds.catalogue import ShowRow, add_show
from pipeline.models import Recording
from workers import ledger
from workers.database import Database, open_database
from workers.heart import Heart
from workers.intake import IntakeRules, accept
from workers.ledger import Claim, JobRow
from workers.migrations import migrate
from workers.work_loop import Outcome, WorkLoop

ROOMS = 1000
WITHIN_S = 10.0
DOORS = 40
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


def acknowledge(database: Database, name: str) -> float:
    """Seconds until a room that has just ended is on the disk."""
    room = Recording(recording_id=name, engine="bench", session_id=name, name="bench", started_at=datetime.now(UTC))
    began = time.perf_counter()
    with database.durable() as session:
        accept(session, room, "/rooms", provider="bench", event_id=name, defaults=RULES)
    return time.perf_counter() - began


def rooms_ending(database: Database, name: str, within_s: float) -> list[float]:
    """Waits of ROOMS rooms that end evenly within that time, counted from the moment each ends."""
    starts_at = time.perf_counter() + 0.1

    def end(n: int) -> float:
        ends_at = starts_at + n * within_s / ROOMS
        time.sleep(max(0.0, ends_at - time.perf_counter()))
        acknowledge(database, f"{name}-{n}")
        return time.perf_counter() - ends_at

    with ThreadPoolExecutor(DOORS) as doors:
        return sorted(doors.map(end, range(ROOMS)))


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


def told(waits: list[float]) -> str:
    """Median, 99th percentile and longest, in milliseconds."""
    median, p99 = statistics.median(waits), waits[int(len(waits) * 0.99)]
    return f"median {median * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, longest {waits[-1] * 1000:.0f} ms"


def main(url: str = "") -> None:
    """Print every figure."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with opened(url) as database:
        for n in range(50):
            acknowledge(database, f"fifty-{n}")
        took_s, written = feeds_of_fifty(database)
        print(f"50 episodes finishing at once   in the feed after {took_s:.2f} s, feed written {written} times")
        print(f"{ROOMS} rooms within {WITHIN_S:.0f} s         {told(rooms_ending(database, 'spread', WITHIN_S))}")
        for threads in (1, 4):
            jobs = rate(lambda: claim_and_finish(database), 200, threads)
            floor = rate(lambda: two_bare_commits(database), 200, threads)
            print(f"claim + finish, {threads} threads       {jobs:.0f}/s, {floor / jobs:.1f} x the floor of {floor:.0f}/s")
        print(f"{ROOMS} rooms at once           {told(rooms_ending(database, 'burst', 0.0))}")


if __name__ == "__main__":
    main(*sys.argv[1:])
