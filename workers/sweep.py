"""The sweep: every few seconds it finds what the bells have missed, and turns time into rows.

Every process sweeps before its own door (its hands, its machine's dead); one at a time, holding a lease, sweeps for all.
"""

import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence

import structlog
from sqlalchemy import Select, delete, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from feeds.catalogue import ShowRow, db_now
from workers import ledger
from workers.broker import Bells
from workers.database import AWAY, Database, inserting
from workers.duty import has_duty, leave_duties
from workers.errands import Errand
from workers.intake import admit_held
from workers.ledger import QUEUES, HandsRow, JobRow, NextJob
from workers.ledger.claims import is_open, may_run
from workers.ledger.clocks import forgive_the_clock
from workers.owner import me
from workers.rounds import Rounds

log = structlog.get_logger(__name__)

EVERY_S = 5.0
LEAVE_S = 2.0
DUTY = "sweep"
# A chore looks at the rows with the database's clock and changes what is due; the sweep rings for whatever became ready.
Chore = Callable[[Session], object]


# A feed that failed is written again after so long, for as long as it is behind.
FEED_REST_S = 600.0
FORGET_S = 600.0


def forgotten_feeds(session: Session) -> int:
    """Asks for the feeds that are behind and that nobody is about to write; how many."""
    about_to = JobRow.state.in_(("ready", "running")) | ((JobRow.state == "failed") & (JobRow.finished_at > db_now() - FEED_REST_S))
    waiting = select(JobRow.subject).where(JobRow.kind == "feed", about_to)
    behind = select(ShowRow.id).where(ShowRow.feed_rev > ShowRow.published_rev, ShowRow.id.not_in(waiting))
    shows = session.scalars(behind).all()
    for show_id in shows:
        ledger.arm(session, NextJob(kind="feed"), show_id=show_id, recording_id=None)
    return len(shows)


def forget_the_dead(session: Session) -> None:
    """The hands of processes that have been silent for long are nobody's any more."""
    session.execute(delete(HandsRow).where(HandsRow.until < db_now() - FORGET_S))


CHORES: tuple[Chore, ...] = (forgive_the_clock, ledger.bury, admit_held, forgotten_feeds, forget_the_dead)


class Sweeper:
    """Sweeps in a thread of its own until stopped."""

    def __init__(
        self,
        database: Database,
        bells: Bells,
        *,
        hands: Mapping[str, int],
        chores: Sequence[Chore] = CHORES,
        errands: Sequence[Errand] = (),
        every_s: float = EVERY_S,
    ) -> None:
        self.database = database
        self.bells = bells
        self.hands = hands
        self.chores = chores
        self.every_s = every_s
        self.owner = me()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweep", daemon=True)
        self._rounds = Rounds(database, errands)

    def start(self) -> None:
        """Sweep now and again every `every_s`, and run the errands beside it."""
        self._thread.start()
        self._rounds.start()

    def stop(self) -> None:
        """End after the turn that runs, if it does so in time, and leave the duty to others."""
        self._stop.set()
        self._thread.join(LEAVE_S)
        self._rounds.stop()
        with contextlib.suppress(*AWAY):  # then our time runs out by itself
            self.database.patiently(lambda session: _leave(session, self.owner), LEAVE_S)

    def sweep(self) -> bool:
        """One turn; False when the sweep is another's duty now."""
        with self.database.begin() as session:
            self._sweep_own_door(session)
            ours = has_duty(session, DUTY, self.owner, 3 * self.every_s)
        if ours:
            for chore in self.chores:
                with self.database.begin() as session:
                    chore(session)
        if ours or not self.bells.are_heard_elsewhere:
            self._ring()
        return ours

    def _ring(self) -> None:
        with self.database.read() as session:
            due = due_by_queue(session)
        for queue, (jobs, free) in due.items():
            if self.bells.are_heard_elsewhere or queue in self.hands:
                self.bells.top_up(queue, min(jobs, free))

    def _sweep_own_door(self, session: Session) -> None:
        ledger.release_gone(session)
        for queue, count in self.hands.items():
            row = {"owner": self.owner, "queue": queue, "count": count, "until": db_now() + 3 * self.every_s}
            put = inserting(session)(HandsRow).values(row)
            session.execute(
                put.on_conflict_do_update(index_elements=["owner", "queue"], set_={"count": count, "until": row["until"]})
            )

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.sweep()
            except DBAPIError as error:
                log.warning("sweep_failed", error=str(error.orig), next=f"again in {self.every_s:.0f} s")
            except Exception:
                log.exception("sweep_failed", next=f"again in {self.every_s:.0f} s")
            self._stop.wait(self.every_s)


def due_by_queue(session: Session) -> dict[str, tuple[int, int]]:
    """For each queue how many jobs may run now, and how many hands are free."""
    now = db_now()
    due = _counted(session, select(JobRow.queue, func.count()).where(may_run(JobRow, now)).group_by(JobRow.queue))
    running = is_open(JobRow, "running") & (JobRow.lease_until >= now)
    busy = _counted(session, select(JobRow.queue, func.count()).where(running).group_by(JobRow.queue))
    there = select(HandsRow.queue, func.sum(HandsRow.count)).where(HandsRow.until >= now).group_by(HandsRow.queue)
    hands = _counted(session, there)
    return {queue: (due.get(queue, 0), hands.get(queue, 0) - busy.get(queue, 0)) for queue in QUEUES}


def _counted(session: Session, query: Select[str, int]) -> dict[str, int]:
    return {queue: int(count) for queue, count in session.execute(query)}


def _leave(session: Session, owner: str) -> None:
    leave_duties(session, owner)
    session.execute(delete(HandsRow).where(HandsRow.owner == owner))
