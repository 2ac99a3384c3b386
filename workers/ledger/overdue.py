"""Rooms that ended long ago and cannot be heard yet, and why.

"Long ago" is counted from the moment their event was accepted, by the database's own clock.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVarTuple

from sqlalchemy import Select, and_, exists, func, select, union_all, update
from sqlalchemy.orm import Session, aliased

from feeds.catalogue import EpisodeRow, db_now
from workers.ledger.reasons import CAUSES, Cause, Floor, Standing, cause_of, standing
from workers.ledger.runs import looked_at
from workers.ledger.tables import AttemptRow, HandsRow, JobRow, PausedRow, RecordingRow
from workers.ledger.values import Run

Columns = TypeVarTuple("Columns")

UNHEARD = ("received", "working", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """A room that ended long ago and cannot be heard yet."""

    run: Run
    standing: Standing
    # when people were told; None: not yet
    alarmed_at: datetime | None


def overdue(
    session: Session, longer_than_s: float, *, alarmed: bool = False, these: Collection[str] = (), limit: int = 100
) -> tuple[Overdue, ...]:
    """Those that are, the newest first; `alarmed` only those of which people were told, `these` only some."""
    query = _late(select(RecordingRow), longer_than_s).order_by(RecordingRow.received_at.desc(), RecordingRow.id).limit(limit)
    if alarmed:
        query = query.where(RecordingRow.alarmed_at.is_not(None))
    if these:
        query = query.where(RecordingRow.id.in_(these))
    rows = session.scalars(query).all()
    here = floor(session)
    return tuple(
        Overdue(run=run, standing=why, alarmed_at=None if row.alarmed_at is None else datetime.fromtimestamp(row.alarmed_at, UTC))
        for row, run in zip(rows, looked_at(session, rows), strict=True)
        if (why := standing(run, here))
    )


def overdue_by_cause(session: Session, longer_than_s: float) -> dict[Cause, int]:
    """How many there are for each cause, none left out."""
    audio = and_(JobRow.recording_id == RecordingRow.id, JobRow.kind == "audio")
    newest = and_(AttemptRow.job_id == JobRow.id, AttemptRow.fence == JobRow.fence)
    facts = (RecordingRow.state, JobRow.state, AttemptRow.outcome)
    counted = select(*facts, func.count()).outerjoin(JobRow, audio).outerjoin(AttemptRow, newest).group_by(*facts)
    here, found = floor(session), dict.fromkeys(CAUSES, 0)
    for held, state, outcome, count in session.execute(_late(counted, longer_than_s)):
        found[cause_of(held == "held", "audio", state or "", outcome or "", here)] += count
    return found


def raise_alarms(session: Session, longer_than_s: float) -> tuple[str, ...]:
    """The runs that have become overdue since this was last asked; each is told once and never again."""
    late = _late(select(RecordingRow.id), longer_than_s).where(RecordingRow.alarmed_at.is_(None))
    told = update(RecordingRow).where(RecordingRow.id.in_(late)).values(alarmed_at=db_now())
    return tuple(session.scalars(told.returning(RecordingRow.id)))


def floor(session: Session) -> Floor:
    """Which queues are paused, and at which somebody works."""
    there = select(HandsRow.queue).where(HandsRow.until >= db_now(), HandsRow.count > 0).distinct()
    return Floor(paused=frozenset(session.scalars(select(PausedRow.queue))), manned=frozenset(session.scalars(there)))


def _late(query: Select[*Columns], longer_than_s: float) -> Select[*Columns]:
    """Only recordings that came so long ago, have not been heard, and that nobody has put aside."""
    unheard = select(EpisodeRow.recording_id).where(EpisodeRow.state.in_(UNHEARD))
    held = select(RecordingRow.id).where(RecordingRow.state == "held")
    job = aliased(JobRow)
    put_aside = exists().where(job.recording_id == RecordingRow.id, job.kind == "audio", job.state == "cancelled")
    waiting = union_all(unheard, held)
    return query.where(RecordingRow.id.in_(waiting), RecordingRow.received_at < db_now() - longer_than_s, ~put_aside)
