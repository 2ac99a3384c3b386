"""A room that ended long ago and cannot be heard yet raises one alarm: a log line, a notice in the studio, a place in a mail.

However many rooms are late at once, the operator gets one mail, and the next one not before `REST_S` have passed.
"""

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from feeds.catalogue import db_now
from workers import ledger
from workers.house import House
from workers.ledger import Bell, JobRow, NextJob
from workers.ledger.overdue import Overdue, overdue, raise_alarms

log = structlog.get_logger(__name__)

# The subject of the one job that mails them.
LATE_ROOMS = "late-rooms"
REST_S = 1800.0
# So many rooms are told one by one in the log at a time; of the others their number.
TOLD = 50


def alarm(house: House) -> int:
    """Tell of every room that has become overdue since this was last done; how many there are."""
    limits, told_by_mail = house.settings.limits, bool(house.settings.mail.operator)
    with house.database.begin() as session:
        new = raise_alarms(session, limits.overdue_s)
        bells = _ask_for_mail(session) if new and told_by_mail else []
    if new:
        with house.database.read() as session:
            late = overdue(session, limits.overdue_s, these=new[:TOLD])
        _write_down(late, len(new))
    house.ring(bells)
    return len(new)


def _ask_for_mail(session: Session) -> list[Bell]:
    """One job for all of them; after a mail it rests."""
    rested_in_s = JobRow.finished_at + REST_S - db_now()
    mailed = select(func.max(rested_in_s)).where(JobRow.kind == "notify", JobRow.subject == LATE_ROOMS)
    delay_s = max(0.0, session.scalar(mailed) or 0.0)
    return ledger.arm(session, NextJob(kind="notify", subject=LATE_ROOMS, delay_s=delay_s), show_id=None, recording_id=None)


def _write_down(late: tuple[Overdue, ...], count: int) -> None:
    for room in late:
        with structlog.contextvars.bound_contextvars(recording=room.run.id):
            log.error(
                "overdue", cause=room.standing.cause, why=room.standing.said, next=room.standing.next, show=room.run.show_slug
            )
    if count > len(late):
        log.error("many_overdue", rooms=count, told=len(late), next="aircheck runs --overdue lists them")
