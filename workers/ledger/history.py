"""What of the past is kept. A recording's few tries are kept for ever; those of a feed, which is written for as long as its show
lives, for a week."""

from sqlalchemy import delete
from sqlalchemy.orm import Session

from feeds.catalogue import db_now
from workers.ledger.tables import AttemptRow

FEED_TRIES_S = 7 * 86_400.0


def forget_old_feeds(session: Session) -> int:
    """Forget the tries of feeds that ended long ago; how many."""
    old = (AttemptRow.kind == "feed") & (AttemptRow.ended_at < db_now() - FEED_TRIES_S)
    return len(session.scalars(delete(AttemptRow).where(old).returning(AttemptRow.fence)).all())
