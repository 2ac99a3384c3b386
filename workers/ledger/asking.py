"""Asking for jobs. A job that is there already is not doubled: it is asked for once more, and runs again if it had begun."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Float, UpdateBase, bindparam, case, or_, update
from sqlalchemy.orm import Session

from feeds.catalogue import ShowRow, db_now
from workers.database import inserting
from workers.ledger.tables import JobRow
from workers.ledger.values import QUEUE_OF, Bell, NextJob

# Least time from the end of one run to the next for the same subject: what comes meanwhile is done at one go.
REST_S: dict[str, float] = {"feed": 1.0}


def arm(session: Session, job: NextJob, *, show_id: str | None, recording_id: str | None) -> list[Bell]:
    """Ask for a job; the bell to ring after the commit, none while it runs (it will run again by itself)."""
    subject = job.subject or (show_id if job.kind == "feed" else recording_id)
    assert subject, f"a {job.kind} job needs a subject"
    about = None if job.kind == "feed" else recording_id
    row = session.execute(_ask_and_tell(inserting(session)), _told(job, subject, show_id, about)).one()
    return [] if row.state == "running" else [Bell(queue=row.queue, delay_s=max(0.0, row.delay_s))]


def arm_audio(session: Session, recordings: Sequence[tuple[str, str]]) -> None:
    """Ask for the audio of many recordings at one go; each comes with the id of its show."""
    if recordings:
        told = [_told(NextJob(kind="audio"), recording_id, show_id, recording_id) for recording_id, show_id in recordings]
        session.execute(_ask(inserting(session)), told)


def feed_changed(session: Session, show_id: str) -> list[Bell]:
    """Listeners should see something new: the show's revision grows and its feed job is asked for; the bells to ring."""
    bells = arm(session, NextJob(kind="feed"), show_id=show_id, recording_id=None)
    since = case((ShowRow.feed_rev > ShowRow.published_rev, ShowRow.behind_since), else_=db_now())
    session.execute(update(ShowRow).where(ShowRow.id == show_id).values(feed_rev=ShowRow.feed_rev + 1, behind_since=since))
    return bells


def _told(job: NextJob, subject: str, show_id: str | None, recording_id: str | None) -> dict[str, Any]:
    return {
        "of_kind": job.kind, "in_queue": QUEUE_OF[job.kind], "for_subject": subject, "of_show": show_id,
        "of_recording": recording_id, "delay_s": job.delay_s, "rest_s": REST_S.get(job.kind, 0.0),
    }  # fmt: skip


@functools.cache
def _ask_and_tell(insert: Callable[[Any], Any]) -> UpdateBase:
    asked = _ask(insert)
    return asked.returning(JobRow.queue, JobRow.state, (JobRow.next_at - db_now()).label("delay_s"))


@functools.cache
def _ask(insert: Callable[[Any], Any]) -> UpdateBase:
    """Built once for each dialect: putting it together takes longer than the database needs for it."""
    wanted_at = db_now() + bindparam("delay_s", type_=Float())
    new = insert(JobRow.__table__).values(
        kind=bindparam("of_kind"), queue=bindparam("in_queue"), subject=bindparam("for_subject"), show_id=bindparam("of_show"),
        recording_id=bindparam("of_recording"), next_at=wanted_at,
    )  # fmt: skip
    ended = or_(*(JobRow.state == state for state in ("done", "failed", "cancelled")))  # a list cannot be told to many rows
    rested_at = JobRow.finished_at + bindparam("rest_s", type_=Float())
    next_at = case((rested_at > wanted_at, rested_at), else_=wanted_at)
    again = {
        "wanted_rev": JobRow.wanted_rev + 1, "state": case((ended, "ready"), else_=JobRow.state),
        "tries": case((ended, 0), else_=JobRow.tries), "next_at": case((ended, next_at), else_=JobRow.next_at),
    }  # fmt: skip
    asked: UpdateBase = new.on_conflict_do_update(index_elements=[JobRow.kind, JobRow.subject], set_=again)
    return asked
