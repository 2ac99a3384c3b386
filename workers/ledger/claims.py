"""Who may do which job, and what became of it. Functions take an open Session and never commit.

A claim lasts as long as its lease (by the database's clock) is renewed. Its fence is its sequence number: whoever was overtaken
holds an older one and changes nothing. Tries are counted when a job is claimed: one that kills its worker is bounded too.
"""

import functools
import random
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Float,
    Select,
    String,
    Subquery,
    UpdateBase,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session, aliased

from feeds.catalogue import EpisodeRow, db_now
from pipeline.errors import AircheckError, Refused, Stopped
from workers.database import inserting
from workers.ledger.asking import REST_S, arm
from workers.ledger.asking import feed_changed as changed_feed
from workers.ledger.reasons import told
from workers.ledger.tables import AttemptRow, JobRow, PausedRow, RecordingRow, TurnRow
from workers.ledger.values import MAX_TRIES, QUEUES, Bell, Claim, JobState, NextJob, Progress
from workers.owner import is_gone

LEASE_S = 45.0
PAUSE_S = 10.0
LONGEST_PAUSE_S = 600.0
# What is hindered is looked at again after so long; not all of it at once.
HINDERED_S = (20.0, 40.0)
LONGEST_ERROR = 2000
_ENDED = "its worker ended or stalled"


class Fenced(Stopped):
    """Somebody else holds the job now, or it was cancelled: whatever was made under this claim counts for nothing."""

    code = "fenced"


# ---- claiming


def claim(session: Session, queue: str, owner: str, lease_s: float = LEASE_S, *, run: str | None = None) -> Claim | None:
    """The fairest job of the queue that may run now, or None: of the show with the fewest running, of those the one whose last
    turn is longest ago, and of its jobs the one that waits longest.

    `run` narrows it to the jobs of one recording and the feed of its show.
    """
    told = {"from_queue": queue, "by": owner, "for_s": lease_s, "of_run": run}
    picks = _PICKS if run is None else _OF_RUN
    row = next((row for pick in picks if (row := session.execute(_take(pick), told).one_or_none())), None)
    if row is None:
        return None
    found = row._asdict()
    _begin_attempt(session, taken := Claim(lease_s=lease_s, **{name: found[name] for name in _CLAIMED}), found["progress"])
    _note_turn(session, taken)
    if taken.kind == "audio":
        _set_episode(session, taken, was=("received",), state="working")
    return taken


Pick = Literal["of_run", "abandoned", "of_no_show", "of_fairest_show", "of_any_show"]
# A dead worker's jobs and those of no show have no turn to wait for. The jobs of the fairest show may all be others' by the time
# they are locked; then any will do.
_PICKS: tuple[Pick, ...] = ("abandoned", "of_no_show", "of_fairest_show", "of_any_show")
_OF_RUN: tuple[Pick, ...] = ("of_run",)
_QUEUE = bindparam("from_queue", type_=String())
_CLAIMED = tuple(name for name in Claim.__dataclass_fields__ if name != "lease_s")


@functools.cache
def _take(pick: Pick) -> UpdateBase:
    """Built once: putting the statement together takes longer than the database needs for it."""
    now = select(db_now()).scalar_subquery()
    taken: dict[str, Any] = {
        "state": "running", "fence": JobRow.fence + 1, "tries": JobRow.tries + 1, "owner": bindparam("by"),
        "lease_until": now + bindparam("for_s", type_=Float()), "started_at": now, "finished_at": None,
    }  # fmt: skip
    columns = [getattr(JobRow, name) for name in (*_CLAIMED, "progress")]
    return update(JobRow).where(JobRow.id == _first(pick, now).scalar_subquery()).values(taken).returning(*columns)


def _first(pick: Pick, now: ColumnElement[float]) -> Select[int]:
    """The job that has waited longest, of those to pick from."""
    job = aliased(JobRow)
    waits = {
        "of_run": may_run(job, now) & of_run(job, bindparam("of_run", type_=String())),
        "abandoned": is_abandoned(job, now),
        "of_no_show": is_ready(job, now) & job.show_id.is_(None),
        "of_fairest_show": is_ready(job, now) & (job.show_id == _fairest_show(now).scalar_subquery()),
        "of_any_show": is_ready(job, now),
    }  # fmt: skip
    may = job.queue.not_in(select(PausedRow.queue)) & _is_its_turn(job, now)
    query = select(job.id).where(job.queue == _QUEUE, waits[pick], may)
    return query.order_by(job.next_at, job.id).limit(1).with_for_update(skip_locked=True, of=job)


def _fairest_show(now: ColumnElement[float]) -> Select[str]:
    """The show with the fewest running, of those the one whose last turn is longest ago, then the one that waits longest.

    Its jobs are looked at only afterwards, and all of this is in an index, so that a claim costs little where very many wait.
    """
    job, running = aliased(JobRow), _running(now)
    waits = (job.queue == _QUEUE) & is_ready(job, now) & job.show_id.is_not(None)
    waiting = select(job.show_id, func.min(job.next_at).label("next_at")).where(waits).group_by(job.show_id).subquery()
    return (
        select(waiting.c.show_id)
        .outerjoin(running, running.c.show_id == waiting.c.show_id)
        .outerjoin(TurnRow, (TurnRow.queue == _QUEUE) & (TurnRow.show_id == waiting.c.show_id))
        .order_by(func.coalesce(running.c.jobs, 0), func.coalesce(TurnRow.at, 0.0), waiting.c.next_at)
        .limit(1)
    )


def _running(now: ColumnElement[float]) -> Subquery:
    """How many jobs of each show are at work."""
    job = aliased(JobRow)
    at_work = (job.queue == _QUEUE) & (job.state == "running") & (job.lease_until >= now)
    return select(job.show_id, func.count().label("jobs")).where(at_work).group_by(job.show_id).subquery()


def is_open(job: type[JobRow], *states: JobState) -> ColumnElement[bool]:
    """Jobs in one of those states; every queue is named so that the index serves and what is done costs nothing."""
    return and_(job.queue.in_(QUEUES), job.state.in_(states))


def may_run(job: type[JobRow], now: ColumnElement[float]) -> ColumnElement[bool]:
    """Jobs that somebody may claim: ready ones whose time has come, and abandoned ones that have tries left."""
    free = is_ready(job, now) | is_abandoned(job, now)
    return is_open(job, "ready", "running") & free & job.queue.not_in(select(PausedRow.queue)) & _is_its_turn(job, now)


def _is_its_turn(job: type[JobRow], now: ColumnElement[float]) -> ColumnElement[bool]:
    """Sound and words of one recording write the same files: one at a time, and sound that is asked for goes first."""
    other = aliased(JobRow)
    sound_is_due = exists().where(other.kind == "audio", other.subject == job.subject, other.state.in_(("ready", "running")))
    at_work = (other.state == "running") & (other.lease_until >= now)
    words_at_work = exists().where(other.kind == "words", other.subject == job.subject, at_work)
    return or_(job.kind.not_in(("audio", "words")), (job.kind == "words") & ~sound_is_due, (job.kind == "audio") & ~words_at_work)


def is_ready(job: type[JobRow], now: ColumnElement[float]) -> ColumnElement[bool]:
    """Jobs whose time has come; one without a try left is never ready."""
    return and_(job.state == "ready", job.next_at <= now)


def is_abandoned(job: type[JobRow], now: ColumnElement[float]) -> ColumnElement[bool]:
    """Jobs whose worker has ended or stalled, with tries left."""
    return and_(job.state == "running", job.lease_until < now, job.tries < MAX_TRIES)


def of_run(job: type[JobRow], run: str | ColumnElement[str]) -> ColumnElement[bool]:
    """The jobs of one recording, and the feed of its show."""
    show_id = select(RecordingRow.show_id).where(RecordingRow.id == run).scalar_subquery()
    return or_(job.recording_id == run, and_(job.kind == "feed", job.subject == show_id))


def _begin_attempt(session: Session, claim: Claim, left: Mapping[str, Any]) -> None:
    """Note the new try, and how far the last one had come if nobody has ended it."""
    if claim.fence > 1:
        _end_attempts(session, claim.id, "lost", _ENDED + _where(left), left.get("took_s"))
    if left:
        session.execute(update(JobRow).where(JobRow.id == claim.id).values(progress={}))
    session.execute(insert(AttemptRow).values(job_id=claim.id, fence=claim.fence, kind=claim.kind, owner=claim.owner))


def _where(progress: Mapping[str, Any]) -> str:
    return f" in {progress['stage']}, {progress['share']:.0%} done" if progress.get("stage") else ""


def _note_turn(session: Session, claim: Claim) -> None:
    if claim.show_id is not None:
        turn = inserting(session)(TurnRow).values(queue=claim.queue, show_id=claim.show_id, at=db_now())
        session.execute(turn.on_conflict_do_update(index_elements=["queue", "show_id"], set_={"at": db_now()}))


def _end_attempts(
    session: Session, job_id: int, outcome: str, error: str = "", timings: Mapping[str, float] | None = None, *, code: str = ""
) -> None:
    session.execute(
        update(AttemptRow)
        .where(AttemptRow.job_id == job_id, AttemptRow.ended_at.is_(None))
        .values(ended_at=db_now(), outcome=outcome, error_code=code, error=error, timings=dict(timings or {}))
    )


# ---- holding and letting go


def heartbeat(session: Session, claim: Claim, progress: Progress) -> bool:
    """Renew the lease and note how far the job is; False when it is ours no more (overtaken or cancelled)."""
    changed = {"lease_until": db_now() + claim.lease_s, "progress": _noted(progress)}
    return _change(session, claim, changed) is not None


def finish(
    session: Session, claim: Claim, *,
    follow: Sequence[NextJob] = (), feed_changed: bool = False, timings: Mapping[str, float] | None = None,
) -> tuple[Bell, ...]:  # fmt: skip
    """The job is done, and what follows from it is asked for, all in the caller's one transaction; the bells to ring after it.

    A job that was asked for again while it ran becomes ready again. Errors: `Fenced` under an older fence.
    """
    timings = dict(timings or {})
    again = JobRow.wanted_rev > claim.wanted_rev
    rest_s = REST_S.get(claim.kind, 0.0)
    state = _change(session, claim, {
        "state": case((again, "ready"), else_="done"), "tries": case((again, 0), else_=JobRow.tries), "next_at": db_now() + rest_s,
        "finished_at": db_now(), "lease_until": 0.0, "timings": timings, "error": "", "error_code": "",
    })  # fmt: skip
    if state is None:
        raise Fenced(f"{claim.kind} of {claim.subject} was taken over or cancelled; this result is dropped")
    _end_attempts(session, claim.id, "done", timings=timings)
    if claim.kind in ("audio", "words"):
        _set_episode(session, claim, reason="")
    bells = [Bell(queue=claim.queue, delay_s=rest_s)] if state == "ready" else []
    for job in sorted(follow, key=lambda j: j.kind):
        bells += arm(session, job, show_id=claim.show_id, recording_id=claim.recording_id)
    if feed_changed and claim.show_id:
        bells += changed_feed(session, claim.show_id)
    return tuple(bells)


def give_back(session: Session, claim: Claim) -> bool:
    """The job is ready again as if it had not been claimed, its try not counted; False when it was ours no more."""
    back = {"state": "ready", "tries": JobRow.tries - 1, "next_at": db_now(), "lease_until": 0.0, "owner": ""}
    if _change(session, claim, back) is None:
        return False
    _end_attempts(session, claim.id, "given_back")
    return True


def hinder(session: Session, claim: Claim, error: AircheckError) -> Bell | None:
    """Something is in the job's way: it rests about half a minute and goes on, its try not counted, saying what it waits for.

    The bell of the next try; None when the job was ours no more.
    """
    rest_s, said = random.uniform(*HINDERED_S), str(error)[:LONGEST_ERROR]  # noqa: S311 - nothing secret about it
    waits = {
        "state": "ready", "tries": JobRow.tries - 1, "next_at": db_now() + rest_s, "lease_until": 0.0, "owner": "",
        "error_code": error.code, "error": said,
    }  # fmt: skip
    if _change(session, claim, waits) is None:
        return None
    _end_attempts(session, claim.id, "hindered", said, code=error.code)
    _join_waits(session, claim, error.code)
    return Bell(queue=claim.queue, delay_s=rest_s)


def _join_waits(session: Session, claim: Claim, code: str) -> None:
    """A wait for one thing is one entry of the history, however often somebody looked in between."""
    mine = AttemptRow.job_id == claim.id
    before = select(func.max(AttemptRow.fence)).where(mine, AttemptRow.fence < claim.fence).scalar_subquery()
    since = session.scalar(
        delete(AttemptRow)
        .where(mine, AttemptRow.fence == before, AttemptRow.outcome == "hindered", AttemptRow.error_code == code)
        .returning(AttemptRow.started_at)
    )
    if since is not None:
        session.execute(update(AttemptRow).where(mine, AttemptRow.fence == claim.fence).values(started_at=since))


def release_gone(session: Session) -> int:
    """End the leases of workers of this machine that have died, without waiting for their time; how many jobs that frees."""
    now = db_now()
    held = is_open(JobRow, "running") & (JobRow.lease_until >= now)
    gone = [owner for owner in session.scalars(select(JobRow.owner).where(held).distinct()) if is_gone(owner)]
    if not gone:
        return 0
    freed = session.scalars(update(JobRow).where(held, JobRow.owner.in_(gone)).values(lease_until=0.0).returning(JobRow.id))
    return len(freed.all())


def bury(session: Session) -> int:
    """Abandoned jobs without a try left have failed for good: each has ended its worker that often. How many."""
    given_up = is_open(JobRow, "running") & (JobRow.lease_until < db_now()) & (JobRow.tries >= MAX_TRIES)
    rows = session.scalars(select(JobRow).where(given_up).with_for_update(skip_locked=True)).all()
    for row in rows:
        where = _where(row.progress)
        _end_attempts(session, row.id, "lost", _ENDED + where, row.progress.get("took_s"), code="worker_died")
        message = _ended_its_workers(session, row, where)
        over = {"state": "failed", "error_code": "worker_died", "error": message, "finished_at": db_now()}
        session.execute(update(JobRow).where(JobRow.id == row.id).values(over))
        tell_creator(session, row.kind, row.recording_id, message, refused=False)
    return len(rows)


def _ended_its_workers(session: Session, row: JobRow, where: str) -> str:
    lost = (AttemptRow.job_id == row.id) & (AttemptRow.outcome == "lost")
    times = session.scalar(select(func.count()).select_from(AttemptRow).where(lost))
    earlier = f"; an earlier try: {row.error}" if row.error else ""
    return f"it ended its worker {times} times{', the last' + where if where else ''} (out of memory?){earlier}"[:LONGEST_ERROR]


def fail(session: Session, claim: Claim, error: BaseException) -> Bell | None:
    """The job failed: it rests 20 s, 40 s, … 10 min and is tried again, or has failed for good; the bell of the next try, if any.

    For good fails what is `Refused` and what has failed `MAX_TRIES` times. Then the episode says so to its creator.
    """
    code = error.code if isinstance(error, AircheckError) else "internal"
    message = str(error) if isinstance(error, AircheckError) else f"{type(error).__name__}: {error}"
    for_good = isinstance(error, Refused) or claim.tries >= MAX_TRIES
    pause_s = back_off_s(claim.tries)
    state: JobState = "failed" if for_good else "ready"
    changed = {
        "state": state, "next_at": db_now() + pause_s, "lease_until": 0.0, "error_code": code, "error": message[:LONGEST_ERROR],
        "finished_at": db_now() if for_good else None,
    }  # fmt: skip
    if _change(session, claim, changed) is None:
        return None
    _end_attempts(session, claim.id, "failed", message[:LONGEST_ERROR], code=code)
    if for_good:
        tell_creator(session, claim.kind, claim.recording_id, message, refused=isinstance(error, Refused))
        return None
    return Bell(queue=claim.queue, delay_s=pause_s)


def back_off_s(tries: int) -> float:
    """Seconds of rest after the n-th try has failed."""
    return float(min(PAUSE_S * 2**tries, LONGEST_PAUSE_S))


def tell_creator(session: Session, kind: str, recording_id: str | None, message: str, *, refused: bool) -> None:
    """Write the reason where a creator looks. Without its sound the episode has failed; one that can be heard plays as before."""
    if recording_id is None or kind not in ("audio", "words"):
        return
    mine = EpisodeRow.recording_id == recording_id
    unheard = mine & EpisodeRow.state.in_(("received", "working"))
    again = "change" if kind == "audio" else kind
    session.execute(update(EpisodeRow).where(mine, ~unheard).values(reason=told(again, message, refused=refused)))
    failed = {"state": "failed"} if kind == "audio" else {}
    session.execute(update(EpisodeRow).where(unheard).values(reason=told(kind, message, refused=refused), **failed))


# ---- what all of them do


def _change(session: Session, claim: Claim, changed: Mapping[str, Any]) -> str | None:
    """The job's new state, or None when the claim is not the newest or the job does not run."""
    return session.scalar(
        update(JobRow)
        .where(JobRow.id == claim.id, JobRow.fence == claim.fence, JobRow.state == "running")
        .values(**changed)
        .returning(JobRow.state)
    )


def _set_episode(session: Session, claim: Claim, *, was: Sequence[str] = (), **changed: str) -> None:
    query = update(EpisodeRow).where(EpisodeRow.recording_id == claim.recording_id).values(**changed)
    session.execute(query.where(EpisodeRow.state.in_(was)) if was else query)


def _noted(progress: Progress) -> dict[str, Any]:
    took_s = {stage: round(seconds, 3) for stage, seconds in progress.took_s.items()}
    return {"stage": progress.stage, "share": round(progress.share, 4), "note": progress.note, "took_s": took_s}
