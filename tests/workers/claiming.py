"""The ledger's hands for tests: one claim, one end of it, time that passes."""

from collections.abc import Callable

from sqlalchemy import select, update

from workers import ledger
from workers.database import Database
from workers.intake import Accepted
from workers.ledger import Claim, JobRow

Send = Callable[..., Accepted]


def claimed(database: Database, queue: str = "audio", **options: object) -> Claim:
    claim = perhaps_claimed(database, queue, **options)
    assert claim
    return claim


def perhaps_claimed(database: Database, queue: str = "audio", **options: object) -> Claim | None:
    with database.begin() as session:
        return ledger.claim(session, queue, "somebody", **options)


def finished(database: Database, claim: Claim, **outcome: object) -> tuple[ledger.Bell, ...]:
    with database.begin() as session:
        return ledger.finish(session, claim, **outcome)


def failed(database: Database, claim: Claim, error: Exception) -> ledger.Bell | None:
    with database.begin() as session:
        return ledger.fail(session, claim, error)


def job(database: Database, kind: str = "audio") -> JobRow:
    with database.read() as session:
        return session.scalars(select(JobRow).where(JobRow.kind == kind)).one()


def shift(database: Database, **columns: float) -> None:
    """Move times of every job by so many seconds, as if they had passed."""
    with database.begin() as session:
        session.execute(update(JobRow).values({name: getattr(JobRow, name) + by for name, by in columns.items()}))
