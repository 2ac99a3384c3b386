"""Looking at the ledger of a trial from outside: who works, what is left, how long each room waited, how each job was tried."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from feeds.catalogue import ShowRow
from workers.database import Database
from workers.ledger import AttemptRow, HandsRow, JobRow, RecordingRow


def hands_of(database: Database) -> set[tuple[int, str]]:
    """Who offers hands: the pid of each such process, and the queue."""
    with database.read() as session:
        rows = session.execute(select(HandsRow.owner, HandsRow.queue)).all()
    return {(pid_of(owner), queue) for owner, queue in rows}


def pid_of(owner: str) -> int:
    """The pid in the name that a worker has in the ledger."""
    return int(owner.split("/")[2])


def jobs_left(database: Database) -> int:
    """How many jobs wait or run."""
    with database.read() as session:
        return session.scalar(select(func.count()).where(JobRow.state.in_(("ready", "running")))) or 0


def is_quiet(database: Database) -> bool:
    """Whether nothing is left to do; not while the database cannot be asked."""
    behind = select(func.count()).select_from(ShowRow).where(ShowRow.feed_rev > ShowRow.published_rev)
    try:
        with database.read() as session:
            late = session.scalar(behind)
        return not late and not jobs_left(database)
    except DBAPIError:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One room's way, in unix seconds by the database's clock."""

    recording_id: str
    show_id: str
    received_at: float
    begun_at: float
    audible_at: float
    # None while its words are not there
    complete_at: float | None

    @property
    def audible_s(self) -> float:
        """From its acknowledgement."""
        return self.audible_at - self.received_at

    @property
    def complete_s(self) -> float:
        """From its acknowledgement; endless while it is not complete."""
        return (self.complete_at or inf) - self.received_at


def ways(database: Database) -> tuple[Way, ...]:
    """Of every room that can be heard."""
    with database.read() as session:
        rooms = session.scalars(select(RecordingRow)).all()
        jobs = {(job.recording_id, job.kind): job for job in session.scalars(select(JobRow).where(JobRow.state == "done"))}
        first = select(AttemptRow.job_id, func.min(AttemptRow.started_at)).group_by(AttemptRow.job_id)
        begun_at = dict(session.execute(first).all())
    found = []
    for room in rooms:
        audio, words = jobs.get((room.id, "audio")), jobs.get((room.id, "words"))
        if audio and audio.finished_at:
            found.append(Way(
                recording_id=room.id, show_id=room.show_id or "", received_at=room.received_at, begun_at=begun_at[audio.id],
                audible_at=audio.finished_at, complete_at=words.finished_at if words else None,
            ))  # fmt: skip
    return tuple(found)


def attempts(database: Database, kinds: Sequence[str] = ("audio", "words")) -> dict[int, Counter[str]]:
    """How each try of each job of those kinds ended, by job."""
    query = select(AttemptRow.job_id, AttemptRow.outcome).join(JobRow, JobRow.id == AttemptRow.job_id).where(JobRow.kind.in_(kinds))
    with database.read() as session:
        rows = session.execute(query).all()
    found: dict[int, Counter[str]] = {}
    for job_id, outcome in rows:
        found.setdefault(job_id, Counter())[outcome] += 1
    return found


def percentile(values: Sequence[float], share: float) -> float:
    """The value that so large a share of them does not exceed; 0 of none."""
    return sorted(values)[ceil(share * len(values)) - 1] if values else 0.0


def jain_index(values: Sequence[float]) -> float:
    """How evenly they are spread: 1 is all the same, 1/n is one has everything."""
    return sum(values) ** 2 / (len(values) * sum(value**2 for value in values)) if any(values) else 1.0
