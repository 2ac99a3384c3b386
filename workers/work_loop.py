"""A bell is heard: claim, perform while the heart beats, commit. Until nothing of the queue may run, or we are asked to stop."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from feeds.catalogue import db_now
from pipeline.errors import AircheckError, Broken, Refused, Stopped
from workers import ledger
from workers.database import Database
from workers.heart import Heart
from workers.ledger import LEASE_S, QUEUES, Bell, Claim, JobRow, NextJob, PausedRow, Progress, Run
from workers.ledger.claims import of_run
from workers.owner import me

log = structlog.get_logger(__name__)

LOOK_AGAIN_S = 0.2


def nothing(session: Session) -> None:
    """The effect of a job that changes no rows."""


def nobody_tidies() -> None:
    """The tidying of a job that leaves nothing behind."""


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
        self._hearts: set[Heart] = set()
        self._lock = threading.Lock()

    def hear(self, queue: str) -> None:
        """Work off the queue until nothing in it may run; never raises for a job."""
        try:
            while not self.stopping.is_set() and self.work_one(queue):
                pass
        except DBAPIError as error:
            log.warning("database_away", queue=queue, error=str(error.orig), next="the sweep rings again")

    def work_one(self, queue: str, run: str | None = None) -> bool:
        """Do one job of the queue (of that run); False when there was none."""
        claim = self.database.patiently(lambda session: ledger.claim(session, queue, self.owner, self.lease_s, run=run))
        if claim is None:
            return False
        with structlog.contextvars.bound_contextvars(**about(claim)):
            self._settle(claim)
        return True

    def stop(self) -> None:
        """Begin no job any more, and ask the running ones to end; they are given back."""
        with self._lock:
            self.stopping.set()
            for heart in self._hearts:
                heart.stop.set()

    def _settle(self, claim: Claim) -> None:
        try:
            with self._beating(claim) as heart:
                outcome = self._performed(claim, heart)
                bells = self.database.patiently(lambda session: _commit(session, claim, outcome))
        except Stopped as stopped:
            given_back = self.database.patiently(lambda session: ledger.give_back(session, claim))
            log.info("given_back" if given_back else "dropped", why=str(stopped))
        except Exception as error:
            self._failed(claim, error)
        except BaseException:
            self.database.patiently(lambda session: ledger.give_back(session, claim))
            raise
        else:
            log.info("done", tries=claim.tries, **{f"{stage}_s": round(s, 3) for stage, s in outcome.timings.items()})
            self._ring(bells)
            outcome.after()

    def _performed(self, claim: Claim, heart: Heart) -> Outcome:
        try:
            return self.perform[claim.kind](claim, heart)
        except Stopped as stopped:
            if not heart.stop.is_set():
                raise Broken(f"the {claim.kind} job stopped though nobody had asked: {stopped}") from stopped
            raise

    def _failed(self, claim: Claim, error: Exception) -> None:
        bell = self.database.patiently(lambda session: ledger.fail(session, claim, error))
        expected = isinstance(error, AircheckError)
        log.warning(
            "refused" if isinstance(error, Refused) else "failed",
            tries=claim.tries, error=str(error), exc_info=None if expected else error,
            next=f"again in {bell.delay_s:.0f} s" if bell else "not tried again",
        )  # fmt: skip
        self._ring((bell,) if bell else ())

    def _ring(self, bells: Sequence[Bell]) -> None:
        for bell in dict.fromkeys(bells):
            self.ring(bell)

    @contextlib.contextmanager
    def _beating(self, claim: Claim) -> Iterator[Heart]:
        heart = Heart(watch=lambda progress: self.watch(claim, progress))
        with self._lock:
            self._hearts.add(heart)
            if self.stopping.is_set():
                heart.stop.set()
        try:
            with heart.beating(lambda progress: self._beat(claim, progress), claim.lease_s):
                yield heart
        finally:
            with self._lock:
                self._hearts.discard(heart)

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
