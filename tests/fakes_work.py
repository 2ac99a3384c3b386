"""Jobs that tests perform, and a workshop of one process that performs them."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Self

from sqlalchemy import update

from feeds.catalogue import EpisodeRow, ShowRow
from pipeline.errors import Stopped
from workers.broker import HANDS, Bells, open_broker, start_workers
from workers.database import Database
from workers.heart import Heart
from workers.ledger import Claim, NextJob
from workers.sweep import Sweeper
from workers.work_loop import Outcome, WorkLoop


def until(is_so: Callable[[], bool], within_s: float = 20.0) -> None:
    """Wait until it is so, or fail."""
    gives_up_at = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < gives_up_at, f"not so within {within_s:.0f} s"
        time.sleep(0.02)


class Jobs:
    """Audio, words and feed in miniature: they change the rows the real ones change, and remember what they did."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.done: list[tuple[str, str]] = []
        self.feeds_written = 0
        self.begun = threading.Event()
        self.let_go = threading.Event()
        self.let_go.set()
        self.bodies = {"audio": self.audio, "words": self.words, "feed": self.feed}

    def audio(self, claim: Claim, heart: Heart) -> Outcome:
        heart.progress("encode", 0.5)
        self.begun.set()
        while not self.let_go.wait(0.02):
            if heart.stop.is_set():
                raise Stopped("we were asked to stop")
        self.done.append(("audio", claim.subject))
        audible = update(EpisodeRow).where(EpisodeRow.recording_id == claim.recording_id).values(state="audible")
        return Outcome(
            apply=lambda session: session.execute(audible), follow=(NextJob(kind="words"),), feed_changed=True,
            timings={"encode": 0.1},
        )  # fmt: skip

    def words(self, claim: Claim, heart: Heart) -> Outcome:
        self.done.append(("words", claim.subject))
        complete = update(EpisodeRow).where(EpisodeRow.recording_id == claim.recording_id).values(state="complete")
        return Outcome(apply=lambda session: session.execute(complete), feed_changed=True)

    def feed(self, claim: Claim, heart: Heart) -> Outcome:
        with self.database.read() as session:
            show = session.get_one(ShowRow, claim.subject)
        self.feeds_written += 1
        published = update(ShowRow).where(ShowRow.id == show.id).values(published_rev=show.feed_rev)
        return Outcome(apply=lambda session: session.execute(published))


class Worker:
    """One process's worth of workers with their sweep, ended with the block."""

    def __init__(
        self,
        database: Database,
        jobs: Jobs,
        *,
        redis_url: str = "",
        lease_s: float = 45.0,
        sweeps: bool = True,
        every_s: float = 0.2,
    ) -> None:
        self.broker = open_broker(redis_url)
        self.bells = Bells(self.broker)
        self.loop = WorkLoop(database, jobs.bodies, ring=self.bells.ring, lease_s=lease_s)
        self.sweeper = Sweeper(database, self.bells, hands=HANDS, every_s=0.2) if sweeps else None
        self._ends = ExitStack()

    def __enter__(self) -> Self:
        self.workers = start_workers(self.broker, self.loop)
        self._ends.callback(self.broker.close)
        self._ends.callback(self.workers.stop)
        if self.sweeper:
            self.sweeper.start()
            self._ends.callback(self.sweeper.stop)
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()
