"""The database's clock may be turned back. Then rests and leases lie further ahead than any that is ever given."""

from sqlalchemy import update
from sqlalchemy.orm import Session

from feeds.catalogue import db_now
from workers.ledger.claims import LEASE_S, is_open
from workers.ledger.tables import JobRow

# More than any job rests (a mail to the operator: half an hour), and than any lease lasts.
LONGEST_REST_S = 2400.0
LONGEST_LEASE_S = 600.0


def forgive_the_clock(session: Session) -> int:
    """Ends the rests, and shortens the leases, that a clock gave which has been turned back since; how many.

    Whoever works renews its lease long before the shorter one ends.
    """
    now = db_now()
    rests = is_open(JobRow, "ready") & (JobRow.next_at > now + LONGEST_REST_S)
    works = is_open(JobRow, "running") & (JobRow.lease_until > now + LONGEST_LEASE_S)
    rested = session.scalars(update(JobRow).where(rests).values(next_at=now).returning(JobRow.id)).all()
    shortened = session.scalars(update(JobRow).where(works).values(lease_until=now + LEASE_S).returning(JobRow.id)).all()
    return len(rested) + len(shortened)
