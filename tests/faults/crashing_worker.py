"""A worker that ends itself with kill -9 at a named point: `crashing_worker.py DATABASE_URL REDIS_URL FOLDER CRASH_AT [stop]`.

Without a point it works until nothing is left; with `stop` it only stands still there. What it publishes are files in FOLDER.
"""

import os
import signal
import sys
import time
from pathlib import Path

from fakes_work import Jobs, Worker
from sqlalchemy import func, select

from feeds.catalogue import episodes, find_show, shows
from workers import ledger
from workers.database import Database, open_database
from workers.heart import Heart
from workers.ledger import Bell, Claim, JobRow
from workers.work_loop import Outcome, WorkLoop

LEASE_S = 3.0
POINTS = (
    "audio claimed", "audio uploaded", "audio in commit", "audio before bells",
    "words claimed", "words in commit", "words before bells",
    "feed claimed", "feed half put", "feed put", "feed in commit",
)  # fmt: skip


class PublishingJobs(Jobs):
    """Jobs that put files where listeners look, and call `at` at every point where a process may die."""

    def __init__(self, database: Database, folder: Path, crash_at: str = "", sign: int = signal.SIGKILL) -> None:
        super().__init__(database)
        self.folder = folder
        self.crash_at = crash_at
        self.sign = sign

    def at(self, point: str) -> None:
        if point == self.crash_at:
            os.kill(os.getpid(), self.sign)

    def audio(self, claim: Claim, heart: Heart) -> Outcome:
        self.at("audio claimed")
        (self.folder / f"{claim.subject}.mp3").write_bytes(claim.subject.encode() * 100)
        self.at("audio uploaded")
        return self._ending(super().audio(claim, heart), "audio in commit")

    def words(self, claim: Claim, heart: Heart) -> Outcome:
        self.at("words claimed")
        return self._ending(super().words(claim, heart), "words in commit")

    def feed(self, claim: Claim, heart: Heart) -> Outcome:
        self.at("feed claimed")
        outcome = super().feed(claim, heart)
        with self.database.read() as session:
            lines = [f"{e.guid} {e.state}" for e in episodes(session) if e.state in ("audible", "complete")]
        part = self.folder / f".feed.{claim.fence}.part"
        part.write_text("\n".join(lines[: len(lines) // 2]))
        self.at("feed half put")
        part.write_text("\n".join(lines))
        part.replace(self.folder / "feed.txt")
        self.at("feed put")
        return self._ending(outcome, "feed in commit")

    def ringing(self, bell: Bell) -> None:
        if bell.queue == "words":
            self.at("audio before bells")
        elif any(kind == "words" for kind, _ in self.done):
            self.at("words before bells")

    def _ending(self, outcome: Outcome, point: str) -> Outcome:
        def apply(session: object) -> None:
            outcome.apply(session)
            self.at(point)

        return Outcome(apply=apply, follow=outcome.follow, feed_changed=outcome.feed_changed)


def work_until_done(database: Database, jobs: PublishingJobs, redis_url: str = "", lease_s: float = LEASE_S) -> None:
    """Be one process of workers until every job has come to its end."""
    worker = Worker(database, jobs, redis_url=redis_url, lease_s=lease_s)
    ring = worker.loop.ring
    worker.loop.ring = lambda bell: (jobs.ringing(bell), ring(bell))
    with worker:
        while is_left(database):
            time.sleep(0.05)


def is_left(database: Database) -> bool:
    with database.read() as session:
        return bool(session.scalar(select(func.count()).where(JobRow.state.in_(("ready", "running")))))


def state_of(database: Database, folder: Path) -> object:
    """Everything that must be the same however often a process died on the way."""
    with database.read() as session:
        rows = sorted((e.guid, e.recording_id, e.state, e.title, e.reason) for e in episodes(session))
        jobs = sorted((run.id, job.kind, job.state, job.error) for run in ledger.runs(session) for job in run.jobs)
        revs = [(show.slug, show.feed_rev, show.published_rev) for show in shows(session)]
        assert find_show(session, "tuesday")
    files = {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}
    return rows, jobs, revs, files


if __name__ == "__main__":
    url, redis_url, folder, crash_at, *stands_still = sys.argv[1:]
    opened = open_database(url)
    if stands_still:  # one job, in which it stops and may be woken again; nobody of it is in a transaction then
        jobs = PublishingJobs(opened, Path(folder), crash_at, signal.SIGSTOP)
        WorkLoop(opened, jobs.bodies, ring=lambda _bell: None, lease_s=LEASE_S).work_one("audio")
    else:
        work_until_done(opened, PublishingJobs(opened, Path(folder), crash_at), redis_url, LEASE_S)
    opened.close()
