"""A bell is heard: claim, perform while the heart beats, commit. Until nothing of the queue may run, or we are asked to stop."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from feeds.catalogue import db_now
from pipeline.errors import AircheckError, Broken, Hindered, Refused, Stopped
from workers import ledger
from workers.database import AWAY, Database, is_away
from workers.heart import Heart
from workers.hindrance import Rest, hindrance
from workers.ledger import LEASE_S, QUEUES, Bell, Claim, Fenced, JobRow, NextJob, PausedRow, Progress, Run
from workers.ledger.claims import of_run
from workers.owner import me

log = structlog.get_logger(__name__)
T = TypeVar("T")

# So much of what a program said before it ended badly is in the log.
SAID = 1000
LOOK_AGAIN_S = 0.2
# How long what a job came to waits for a database that is away; whoever takes the job over meanwhile makes it count for nothing.
SETTLING_S = 600.0


def nothing(session: Session) -> None:
    """The effect of a job that changes no rows."""


def nobody_tidies() -> None:
    """The tidying of a job that leaves nothing behind, done or overtaken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a job leads to; all of it becomes true in one transaction, or none of it."""

    # writes the job's results into catalogue rows; runs inside the finishing transaction, never does anything slow
    apply: Callable[[Session], object] = nothing
    follow: tuple[NextJob, ...] = ()
    # listeners should see something new: the show's revision grows and its feed is written
    feed_changed: bool = False
    timings: Mapping[str, float] = field(default_factory=dict)
    # tidies up once all that is true; never heard of when the process dies in between
    after: Callable[[], None] = nobody_tidies
    # says that we may have put something old over something newer, when we turn out to have been overtaken
    overtaken: Callable[[], None] = nobody_tidies


Perform = Callable[[Claim, Heart], Outcome]
Ring = Callable[[Bell], None]
WatchRun = Callable[[Claim, Progress], None]


def nobody(claim: Claim, progress: Progress) -> None:
    """A `WatchRun` for nobody."""


def silent(bell: Bell) -> None:
    """A `Ring` where whoever works looks for himself."""


class WorkLoop:
    """Does jobs of a queue one after another; several threads may be in `hear` at once."""

    def __init__(
        self, database: Database, perform: Mapping[str, Perform], *, ring: Ring, lease_s: float = LEASE_S, watch: WatchRun = nobody
    ) -> None:
        self.database = database
        self.perform = perform
        self.ring = ring
        self.lease_s = lease_s
        self.watch = watch
        self.owner = me()
        self.stopping = threading.Event()
        # queues that a job was given back to, unrung
        self.given_back: set[str] = set()
        self._rest = Rest()
        self._running: dict[Heart, Claim] = {}
        self._lock = threading.Lock()

    def hear(self, queue: str) -> None:
        """Work off the queue until nothing in it may run; never raises."""
        try:
            while not self.stopping.is_set() and not self._rest.is_due(queue) and self.work_one(queue):
                pass
        except Exception as error:
            expected = is_away(error)
            log.warning(
                "database_away" if expected else "not_heard", queue=queue, error=str(getattr(error, "orig", error)),
                exc_info=None if expected else error, next="the sweep rings again",
            )  # fmt: skip

    def work_one(self, queue: str, run: str | None = None) -> bool:
        """Do one job of the queue (of that run); False when there was none."""
        claim = self.database.patiently(
            lambda session: ledger.claim(session, queue, self.owner, self.lease_s, run=run), hurry=self.stopping.is_set
        )
        if claim is None:
            return False
        with structlog.contextvars.bound_contextvars(**about(claim)):
            self._settle(claim)
        return True

    def stop(self) -> None:
        """Begin no job any more, and ask the running ones to end; they are given back."""
        with self._lock:
            self.stopping.set()
            for heart in self._running:
                heart.stop.set()

    def abandon(self) -> None:
        """Give back what has not ended though it was asked to; whatever it still comes to counts for nothing."""
        with self._lock:
            claims = list(self._running.values())
        for claim in claims:
            log.warning("abandoned", why="it did not stop in time", **about(claim))
            with contextlib.suppress(*AWAY):
                self._give_back(claim)

    def _settle(self, claim: Claim) -> None:
        try:
            with self._beating(claim) as heart:
                outcome = self._performed(claim, heart)
                bells = self._committed(claim, outcome)
        except Stopped as stopped:
            log.info("given_back" if self._give_back(claim) else "dropped", why=str(stopped))
        except Exception as error:
            self._not_done(claim, error)
        except BaseException:
            self._give_back(claim)
            raise
        else:
            self._rest.went_on(claim.queue)
            log.info("done", tries=claim.tries, **{f"{stage}_s": round(s, 3) for stage, s in outcome.timings.items()})
            self._ring(bells)
            outcome.after()

    def _committed(self, claim: Claim, outcome: Outcome) -> tuple[Bell, ...]:
        try:
            return self._kept(lambda session: _commit(session, claim, outcome))
        except Fenced:
            outcome.overtaken()
            raise

    def _kept(self, work: Callable[[Session], T]) -> T:
        """What became of a job, written down however long the database is away."""
        return self.database.patiently(work, SETTLING_S, hurry=self.stopping.is_set)

    def _give_back(self, claim: Claim) -> bool:
        was_ours = self._kept(lambda session: ledger.give_back(session, claim))
        if was_ours:
            self.given_back.add(claim.queue)
        return was_ours

    def _performed(self, claim: Claim, heart: Heart) -> Outcome:
        try:
            return self.perform[claim.kind](claim, heart)
        except Stopped as stopped:
            if not heart.stop.is_set():
                raise Broken(f"the {claim.kind} job stopped though nobody had asked: {stopped}") from stopped
            raise

    def _not_done(self, claim: Claim, error: Exception) -> None:
        in_the_way = hindrance(error)
        if in_the_way:
            self._hindered(claim, in_the_way)
        else:
            self._rest.went_on(claim.queue)
            self._failed(claim, error)

    def _hindered(self, claim: Claim, error: Hindered) -> None:
        self._rest.hindered(claim.queue)
        bell = self._kept(lambda session: ledger.hinder(session, claim, error))
        log.warning(
            "hindered", code=error.code, error=str(error),
            next=f"looked at again in {bell.delay_s:.0f} s" if bell else "somebody else goes on",
        )  # fmt: skip
        self._ring((bell,) if bell else ())

    def _failed(self, claim: Claim, error: Exception) -> None:
        bell = self._kept(lambda session: ledger.fail(session, claim, error))
        expected = isinstance(error, AircheckError)
        log.warning(
            "refused" if isinstance(error, Refused) else "failed",
            tries=claim.tries, error=str(error), said=getattr(error, "said", "")[-SAID:] or None,
            exc_info=None if expected else error, next=f"again in {bell.delay_s:.0f} s" if bell else "not tried again",
        )  # fmt: skip
        self._ring((bell,) if bell else ())

    def _ring(self, bells: Sequence[Bell]) -> None:
        for bell in dict.fromkeys(bells):
            self.ring(bell)

    @contextlib.contextmanager
    def _beating(self, claim: Claim) -> Iterator[Heart]:
        heart = Heart(watch=lambda progress: self.watch(claim, progress))
        with self._lock:
            self._running[heart] = claim
            if self.stopping.is_set():
                heart.stop.set()
        try:
            with heart.beating(lambda progress: self._beat(claim, progress), claim.lease_s):
                yield heart
        finally:
            with self._lock:
                del self._running[heart]

    def _beat(self, claim: Claim, progress: Progress) -> bool:
        with self.database.begin() as session:
            return ledger.heartbeat(session, claim, progress)


def about(claim: Claim) -> dict[str, object]:
    """What every line that is written during the job says: which run (none for a feed), job, show and claim."""
    said = {"recording": claim.recording_id, "show": claim.show_id, "job": claim.kind, "subject": claim.subject}
    return {name: value for name, value in said.items() if value} | {"fence": claim.fence}


def _commit(session: Session, claim: Claim, outcome: Outcome) -> tuple[Bell, ...]:
    """Finish first: it locks the job and knows the fence, then the results are written."""
    bells = ledger.finish(session, claim, follow=outcome.follow, feed_changed=outcome.feed_changed, timings=outcome.timings)
    outcome.apply(session)
    return bells


# ---- in the foreground


def drain(database: Database, perform: Mapping[str, Perform], run: str, *, watch: WatchRun = nobody, retries: bool = True) -> Run:
    """Work one run off in this thread, its show's feed included, and return how it stands when nothing of it is left to do.

    Without `retries` each job is tried now, even one that rests after a failure, and left as it is when it fails again. `watch`
    follows every job. A KeyboardInterrupt gives the running job back and goes on to the caller.
    """
    loop = WorkLoop(database, perform, ring=silent, watch=watch)
    if not retries:
        database.patiently(lambda session: _wake_failed(session, run))
    while database.patiently(lambda session: _is_left(session, run, retries)):
        if not any(loop.work_one(queue, run) for queue in QUEUES):
            time.sleep(LOOK_AGAIN_S)
    with database.read() as session:
        found = ledger.run(session, run)
    if found is None:
        raise Refused(f"there is no run {run}; `aircheck runs` lists them", code="unknown_run")
    return found


def _wake_failed(session: Session, run: str) -> None:
    rests = (JobRow.state == "ready") & (JobRow.error_code != "")
    session.execute(update(JobRow).where(of_run(JobRow, run), rests).values(next_at=db_now(), error_code=""))


def _is_left(session: Session, run: str, retries: bool) -> bool:
    ledger.release_gone(session)
    paused = select(PausedRow.queue)
    query = select(JobRow.id).where(of_run(JobRow, run), JobRow.state.in_(("ready", "running")), JobRow.queue.not_in(paused))
    waits_to_try_again = (JobRow.state == "ready") & (JobRow.error_code != "")
    return session.scalar((query if retries else query.where(~waits_to_try_again)).limit(1)) is not None
