"""Asking for jobs. A job that is there already is not doubled: it is asked for once more, and runs again if it had begun."""

from typing import Any

from sqlalchemy import case, update
from sqlalchemy.orm import Session

from feeds.catalogue import ShowRow, db_now
from workers.database import inserting
from workers.ledger.tables import JobRow
from workers.ledger.values import QUEUE_OF, Bell, NextJob

# Least time from the end of one run to the next for the same subject: what comes meanwhile is done at one go.
REST_S: dict[str, float] = {"feed": 1.0}
ENDED = ("done", "failed", "cancelled")


def arm(session: Session, job: NextJob, *, show_id: str | None, recording_id: str | None) -> list[Bell]:
    """Ask for a job; the bell to ring after the commit, none while it runs (it will run again by itself)."""
    subject = job.subject or (show_id if job.kind == "feed" else recording_id)
    assert subject, f"a {job.kind} job needs a subject"
    about = None if job.kind == "feed" else recording_id
    asked = inserting(session)(JobRow).values(
        kind=job.kind, queue=QUEUE_OF[job.kind], subject=subject, show_id=show_id, recording_id=about,
        next_at=db_now() + job.delay_s,
    )  # fmt: skip
    row = session.execute(
        asked.on_conflict_do_update(index_elements=[JobRow.kind, JobRow.subject], set_=_asked_again(job)).returning(
            JobRow.queue, JobRow.state, (JobRow.next_at - db_now()).label("delay_s")
        )
    ).one()
    return [] if row.state == "running" else [Bell(queue=row.queue, delay_s=max(0.0, row.delay_s))]


def feed_changed(session: Session, show_id: str) -> list[Bell]:
    """Listeners should see something new: the show's revision grows and its feed job is asked for; the bells to ring."""
    bells = arm(session, NextJob(kind="feed"), show_id=show_id, recording_id=None)
    session.execute(update(ShowRow).where(ShowRow.id == show_id).values(feed_rev=ShowRow.feed_rev + 1))
    return bells


def _asked_again(job: NextJob) -> dict[str, Any]:
    ended = JobRow.state.in_(ENDED)
    rested_at = JobRow.finished_at + REST_S.get(job.kind, 0.0)
    wanted_at = db_now() + job.delay_s
    at = case((rested_at > wanted_at, rested_at), else_=wanted_at)
    return {
        "wanted_rev": JobRow.wanted_rev + 1, "state": case((ended, "ready"), else_=JobRow.state),
        "tries": case((ended, 0), else_=JobRow.tries), "next_at": case((ended, at), else_=JobRow.next_at),
    }  # fmt: skip
