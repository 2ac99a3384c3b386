"""Runs as people see and steer them."""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import cast

from pydantic import TypeAdapter
from sqlalchemy import Update, delete, exists, select, update
from sqlalchemy.orm import Session

from feeds.catalogue import EpisodeRow, ShowRow, db_now
from pipeline.errors import Refused
from pipeline.models import Recording
from workers.database import inserting
from workers.ledger.asking import arm
from workers.ledger.claims import is_open
from workers.ledger.reasons import cancelled
from workers.ledger.tables import AttemptRow, JobRow, PausedRow, RecordingRow
from workers.ledger.values import QUEUES, Attempt, Bell, JobLook, JobState, NextJob, Progress, Received, Run, RunState

_RECORDING = TypeAdapter(Recording)


# ---- looking


def runs(session: Session, failed: bool = False, limit: int = 50) -> tuple[Run, ...]:
    """The newest runs, newest first; `failed` only those that failed or are held."""
    query = select(RecordingRow).order_by(RecordingRow.received_at.desc(), RecordingRow.id).limit(limit)
    if failed:
        has_failed = exists().where(JobRow.recording_id == RecordingRow.id, JobRow.state == "failed")
        query = query.where((RecordingRow.state == "held") | has_failed)
    return looked_at(session, session.scalars(query).all())


def unfinished(session: Session, *states: JobState) -> tuple[str, ...]:
    """The recordings that have a job waiting or working, or in one of those states."""
    going_on = select(JobRow.recording_id).where(
        is_open(JobRow, *(states or ("ready", "running"))), JobRow.recording_id.is_not(None)
    )
    return tuple(run_id for run_id in session.scalars(going_on.distinct()) if run_id)


def these(session: Session, run_ids: Collection[str]) -> tuple[Run, ...]:
    """The runs of those recordings, as far as they are known."""
    return looked_at(session, session.scalars(select(RecordingRow).where(RecordingRow.id.in_(run_ids))).all())


def run(session: Session, run_id: str) -> Run | None:
    """The run of that recording, or None."""
    row = session.get(RecordingRow, run_id)
    return looked_at(session, [row])[0] if row else None


def attempts(session: Session, job_id: int) -> tuple[Attempt, ...]:
    """Every try of a job, oldest first."""
    rows = session.scalars(select(AttemptRow).where(AttemptRow.job_id == job_id).order_by(AttemptRow.fence))
    return tuple(
        Attempt(
            fence=row.fence, owner=row.owner, started_at=_when(row.started_at), ended_at=_perhaps(row.ended_at),
            outcome=row.outcome, error_code=row.error_code, error=row.error, timings_s=row.timings,
        )
        for row in rows
    )  # fmt: skip


def received(session: Session, run_id: str) -> Received:
    """What intake accepted under that id. Errors: `Refused` where there is nothing, or it is held back."""
    row = session.get(RecordingRow, run_id)
    if row is None or row.show_id is None:
        raise Refused(f"there is no accepted recording {run_id}; see `aircheck runs`", code="unknown_run")
    slug = session.scalars(select(ShowRow.slug).where(ShowRow.id == row.show_id)).one()
    return Received(recording=recording_of(row), root=row.root, show_id=row.show_id, show_slug=slug, episode_guid=row.episode_guid)


def recording_of(row: RecordingRow) -> Recording:
    """The recording that a row keeps."""
    return _RECORDING.validate_python(row.manifest)


def state_of(recording_state: str, jobs: Sequence[JobLook]) -> RunState:
    """What a run as a whole is doing, from the states of its jobs."""
    states = {job.state for job in jobs}
    if recording_state in ("held", "cancelled"):
        return cast(RunState, recording_state)
    if states == {"ready"} and not any(job.tries for job in jobs):
        return "waiting"
    if states & {"ready", "running"}:
        return "working"
    return next((state for state in _ENDS if state in states), "done")


_ENDS: tuple[RunState, ...] = ("failed", "cancelled")


# ---- steering


def retry(session: Session, run_id: str) -> tuple[Bell, ...]:
    """What failed or was cancelled is ready again, its tries forgotten; the bells to ring. Errors: `Refused` where nothing did.

    A held recording that was put aside is held again.
    """
    if session.scalars(_this(run_id, "cancelled").values(state="held").returning(RecordingRow.id)).all():
        return ()
    _words_give_way(session, run_id)
    again = session.scalars(
        update(JobRow)
        .where(JobRow.recording_id == run_id, JobRow.state.in_(("failed", "cancelled")))
        .values(state="ready", tries=0, next_at=db_now(), error="", error_code="", finished_at=None)
        .returning(JobRow.queue)
    ).all()
    if not again:
        raise Refused(_nothing_to_retry(run(session, run_id), run_id), code="nothing_to_retry")
    mine = EpisodeRow.recording_id == run_id
    session.execute(update(EpisodeRow).where(mine).values(reason=""))
    session.execute(update(EpisodeRow).where(mine, EpisodeRow.state == "failed").values(state="received"))
    return tuple(Bell(queue=queue) for queue in sorted(set(again)))


def make_again(session: Session, run_id: str) -> tuple[Bell, ...]:
    """The sound of an episode is asked for once more, because something of it shall be another; the bells to ring."""
    _words_give_way(session, run_id)
    show_id = session.get_one(RecordingRow, run_id).show_id
    return tuple(arm(session, NextJob(kind="audio"), show_id=show_id, recording_id=run_id))


def _words_give_way(session: Session, run_id: str) -> None:
    """Whoever is at the words of a run has lost them, its try not counted: they go on from their slices when the sound is there."""
    words = (JobRow.recording_id == run_id) & (JobRow.kind == "words")
    session.scalars(select(JobRow.id).where(words).with_for_update()).all()  # nobody claims them meanwhile
    back = {
        "state": "ready", "tries": JobRow.tries - 1, "fence": JobRow.fence + 1, "owner": "", "lease_until": 0.0,
        "next_at": db_now(),
    }  # fmt: skip
    lost = session.scalars(update(JobRow).where(words, JobRow.state == "running").values(back).returning(JobRow.id)).all()
    if lost:
        _close_attempts(session, lost, "given_back")


def _nothing_to_retry(found: Run | None, run_id: str) -> str:
    if found is None:
        return f"there is no run {run_id}; `aircheck runs` lists them"
    if found.state == "held":
        return f"run {run_id} is held: {found.reason}"
    return f"nothing of run {run_id} has failed, it is {found.state}"


def cancel(session: Session, run_id: str) -> bool:
    """Whatever of the run waits, works, is held or has failed is put aside; a worker at it notices at the next beat.

    False when there was nothing left. Nobody is alarmed about what was put aside.
    """
    was_held = session.scalars(_this(run_id, "held").values(state="cancelled").returning(RecordingRow.id)).all()
    ended = session.scalars(
        update(JobRow)
        .where(JobRow.recording_id == run_id, JobRow.state.in_(("ready", "running", "failed")))
        .values(state="cancelled", fence=JobRow.fence + 1, lease_until=0.0, finished_at=db_now())
        .returning(JobRow.id)
    ).all()
    _close_attempts(session, ended, "cancelled")
    unheard = EpisodeRow.state.in_(("received", "working"))
    session.execute(update(EpisodeRow).where(EpisodeRow.recording_id == run_id, unheard).values(state="failed", reason=cancelled()))
    return bool(ended or was_held)


def _this(run_id: str, state: str) -> Update:
    return update(RecordingRow).where(RecordingRow.id == run_id, RecordingRow.state == state)


def _close_attempts(session: Session, job_ids: Iterable[int], outcome: str) -> None:
    still_open = AttemptRow.job_id.in_(list(job_ids)) & AttemptRow.ended_at.is_(None)
    session.execute(update(AttemptRow).where(still_open).values(ended_at=db_now(), outcome=outcome))


def pause(session: Session, queue: str) -> None:
    """Nobody claims from the queue until it is resumed; what runs goes on."""
    _must_be_queue(queue)
    session.execute(inserting(session)(PausedRow).values(queue=queue).on_conflict_do_nothing())


def resume(session: Session, queue: str) -> Bell:
    """The queue is claimed from again; the bell to ring."""
    _must_be_queue(queue)
    session.execute(delete(PausedRow).where(PausedRow.queue == queue))
    return Bell(queue=queue)


def paused(session: Session) -> tuple[str, ...]:
    """The queues that are paused."""
    return tuple(session.scalars(select(PausedRow.queue).order_by(PausedRow.queue)))


def _must_be_queue(queue: str) -> None:
    if queue not in QUEUES:
        raise Refused(f"there is no queue {queue!r}; queues are {', '.join(QUEUES)}", code="unknown_queue")


# ---- rows to values


def looked_at(session: Session, rows: Sequence[RecordingRow]) -> tuple[Run, ...]:
    """The runs of those recordings, in their order."""
    ids = [row.id for row in rows]
    slugs = {row.id: row.slug for row in session.execute(select(ShowRow.id, ShowRow.slug))}
    told = select(EpisodeRow.recording_id, EpisodeRow.reason).where(EpisodeRow.recording_id.in_(ids))
    reasons = {row.recording_id: row.reason for row in session.execute(told)}
    jobs: dict[str | None, list[JobLook]] = {}
    newest = (AttemptRow.job_id == JobRow.id) & (AttemptRow.fence == JobRow.fence)
    of_these = select(JobRow, AttemptRow.outcome).outerjoin(AttemptRow, newest).where(JobRow.recording_id.in_(ids))
    for job, outcome in session.execute(of_these.order_by(JobRow.id)):
        jobs.setdefault(job.recording_id, []).append(_job_look(job, outcome or ""))
    return tuple(
        _run_of(
            row, slugs.get(row.show_id or "", row.wanted_show), row.reason or reasons.get(row.id, ""), tuple(jobs.get(row.id, ()))
        )
        for row in rows
    )


def _run_of(row: RecordingRow, show_slug: str, reason: str, jobs: tuple[JobLook, ...]) -> Run:
    return Run(
        id=row.id, name=row.manifest.get("title") or row.manifest.get("name", ""), engine=row.engine, session_id=row.session_id,
        show_slug=show_slug, episode_guid=row.episode_guid, state=state_of(row.state, jobs), reason=reason,
        received_at=_when(row.received_at), jobs=jobs,
    )  # fmt: skip


def _job_look(row: JobRow, outcome: str) -> JobLook:
    return JobLook(
        id=row.id, kind=row.kind, state=row.state, outcome=outcome, tries=row.tries,  # type: ignore[arg-type]
        progress=Progress(**row.progress), timings_s=row.timings,
        error_code=row.error_code, error=row.error, created_at=_when(row.created_at), started_at=_perhaps(row.started_at),
        finished_at=_perhaps(row.finished_at), next_at=_when(row.next_at),
    )  # fmt: skip


def _when(unix_s: float) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC)


def _perhaps(unix_s: float | None) -> datetime | None:
    return None if unix_s is None else _when(unix_s)
