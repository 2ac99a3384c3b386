"""Duties that one process at a time has, each guarded by a lease of its name."""

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from feeds.catalogue import db_now
from workers.database import inserting
from workers.ledger import LeaseRow
from workers.owner import is_gone


def has_duty(session: Session, name: str, owner: str, lease_s: float) -> bool:
    """Take the duty, or keep it; False while another holds it and lives."""
    now = db_now()
    holder = session.scalar(select(LeaseRow.owner).where(LeaseRow.name == name))
    turned_back = LeaseRow.until > now + lease_s  # no lease is as long: the database's clock was ahead when it was given
    free = or_(LeaseRow.until < now, LeaseRow.owner == owner, turned_back)
    if holder and is_gone(holder):
        free = or_(free, LeaseRow.owner == holder)
    held = {"owner": owner, "until": now + lease_s, "renewed_at": now}
    put = inserting(session)(LeaseRow).values(name=name, **held)
    mine = put.on_conflict_do_update(index_elements=["name"], set_=held, where=free)
    return session.scalar(mine.returning(LeaseRow.owner)) is not None


def leave_duties(session: Session, owner: str) -> None:
    """Others may take over what this owner did."""
    session.execute(delete(LeaseRow).where(LeaseRow.owner == owner))
