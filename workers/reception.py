"""Where rooms are taken in: whoever arrives while a commit is under way joins the next one, and is answered after it.

Where nobody else arrives there is nothing to wait for. A room that cannot be kept fails alone; whatever happens to a batch,
everybody in it is answered, and the next one goes on.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.orm import Session

from pipeline.errors import AircheckError, Broken, Hindered
from workers.database import Database
from workers.house import House
from workers.intake import Accepted, Arrival, IntakeRules, accept_all
from workers.ledger import Bell

BATCH = 200
# So many within so short a time are a burst: waiting on while it lasts makes few commits of it, and leaves the door its turn.
MANY, SHORT_S, LONGEST_S = 8, 0.04, 0.2
# so long a batch waits for a database that is away; one that is busy makes it wait by itself
PATIENCE_S = 8.0
AWAY = "database_busy"

Answer = Accepted | AircheckError
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    arrival: Arrival
    answer: Future[Accepted] = field(default_factory=Future)


class Reception:
    """Takes rooms in, many with each commit. `ring` is called after a commit that brought something new."""

    def __init__(self, database: Database, rules: IntakeRules, ring: Callable[[Sequence[Bell]], object]) -> None:
        self._database, self._rules, self._ring = database, rules, ring
        self._waiting = deque[_Waiting]()
        # one takes in, another rings: a bell that is slow to reach keeps nobody from an answer
        self._clerk = ThreadPoolExecutor(1, thread_name_prefix="reception")
        self._ringer = ThreadPoolExecutor(1, thread_name_prefix="bell-ringer")
        self._bell: Future[object] | None = None

    @classmethod
    def of(cls, house: House) -> "Reception":
        """The reception of a house, by its settings."""
        said = house.settings
        rules = IntakeRules(unknown_show=said.hooks.unknown_show, public_url=house.site.public_url, drafts=said.speech.drafts)
        return cls(house.database, rules, house.ring)

    def take(self, arrival: Arrival) -> Future[Accepted]:
        """What becomes of a room, known once it is on the disk.

        Errors, in the future: `Refused` by the rules; `Hindered` where the database is away or busy, `Broken` where this one room
        cannot be kept: nothing of it was accepted then, and it may be sent again.
        """
        waiting = _Waiting(arrival=arrival)
        self._waiting.append(waiting)
        # one call for each arrival, however many each of them serves: nobody can be left behind
        self._clerk.submit(self._serve)
        return waiting.answer

    def _serve(self) -> None:
        self._gather()
        batch = self._next_batch()
        if batch:
            for waiting, answer in zip(batch, self._answers([waiting.arrival for waiting in batch]), strict=True):
                if isinstance(answer, AircheckError):
                    waiting.answer.set_exception(answer)
                else:
                    waiting.answer.set_result(answer)

    def _gather(self) -> None:
        """Wait while so many arrive that the next commit would leave most of them out; nobody who comes alone waits."""
        ends_at, before = time.monotonic() + LONGEST_S, 0
        while before + MANY <= (arrived := len(self._waiting)) < BATCH and time.monotonic() < ends_at:
            before = arrived
            time.sleep(SHORT_S)

    def _next_batch(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        while self._waiting and len(batch) < BATCH:
            waiting = self._waiting.popleft()
            if waiting.answer.set_running_or_notify_cancel():
                batch.append(waiting)
        return batch

    def _answers(self, arrivals: Sequence[Arrival]) -> Sequence[Answer]:
        """An answer for each, whatever happens."""
        try:
            answers = self._database.patiently(lambda session: self._taken(session, arrivals), PATIENCE_S, durable=True)
        except Exception as error:
            hindered = _hindered(error)
            surprising = hindered.code != AWAY
            log.warning("rooms_not_taken", rooms=len(arrivals), error=_line(error), next=str(hindered), exc_info=surprising)
            return [_hindered(error) for _ in arrivals]
        if any(isinstance(answer, Accepted) and not answer.known for answer in answers):
            self._ring_soon()
        return answers

    def _taken(self, session: Session, arrivals: Sequence[Arrival]) -> Sequence[Answer]:
        session.connection()  # whatever is wrong before this concerns them all
        try:
            with session.begin_nested():
                return accept_all(session, arrivals, self._rules)
        except Exception as error:
            if _is_lost(error):
                raise
            log.info("batch_taken_apart", rooms=len(arrivals), error=_line(error))
        return [self._alone(session, arrival) for arrival in arrivals]

    def _alone(self, session: Session, arrival: Arrival) -> Answer:
        """One room in a savepoint of its own, so that whatever is wrong with it concerns no other."""
        try:
            with session.begin_nested():
                return accept_all(session, [arrival], self._rules)[0]
        except Exception as error:
            if _is_lost(error):
                raise
            log.exception("room_not_taken", recording=arrival.recording.recording_id)
            return Broken("this room could not be kept; our log says why, and it may be sent again", code="not_kept")

    def _ring_soon(self) -> None:
        """Ring once for all that is committed by now; a ring that has not begun yet serves this commit too."""
        if self._bell is None or self._bell.running() or self._bell.done():
            self._bell = self._ringer.submit(self._ring, (Bell(queue="audio"),))


def _is_lost(error: Exception) -> bool:
    """Whether the connection is gone, and the whole transaction with it."""
    return isinstance(error, DBAPIError) and error.connection_invalidated


def _hindered(error: Exception) -> Hindered:
    if isinstance(error, OperationalError | InterfaceError | NoConnection):
        return Hindered("the database is away or busy; send it again", code=AWAY)
    return Hindered("this broke on our side; our log says how, and it may be sent again")


def _line(error: Exception) -> str:
    said = str(error.orig if isinstance(error, DBAPIError) else error).strip()
    return said.splitlines()[0] if said else type(error).__name__
