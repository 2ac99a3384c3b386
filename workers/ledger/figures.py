"""The ledger in figures: each function counts at this moment, by labels. Their cost does not grow with what is long done.

(Counting what is kept for ever walks a narrow index, which for 100,000 runs takes milliseconds.)
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Executable, Select, Subquery, and_, case, func, select
from sqlalchemy.orm import Session, aliased

from feeds.catalogue import EpisodeRow, ShowRow, db_now
from workers.ledger.claims import may_run
from workers.ledger.tables import AttemptRow, HandsRow, JobRow, LeaseRow, PausedRow, RecordingRow
from workers.ledger.values import QUEUE_OF, QUEUES

Values = dict[tuple[str, ...], float]

# So many finished jobs of a kind are looked at to tell how fast work goes.
RECENT = 100
SWEEP = "sweep"
RUN_STATES = ("held", "waiting", "working", "done", "failed", "cancelled")
JOB_STATES = ("ready", "running", "done", "failed", "cancelled")
OPEN = ("ready", "running", "failed", "cancelled")


def clock_s(session: Session) -> float:
    """The database's own time."""
    return float(session.scalar(select(db_now())) or 0.0)


# ---- runs


def runs_by_state(session: Session) -> Values:
    """Every run is counted once; only those that are not done are looked at one by one."""
    counted: Values = {(state,): 0.0 for state in RUN_STATES}
    per_run = _open_runs()
    state = _run_state(per_run.c)
    for name, count in session.execute(select(state, func.count()).select_from(per_run).group_by(state)):
        counted[(name,)] += count
    for name, count in session.execute(_by(RecordingRow.state)):
        counted[("done" if name == "accepted" else name,)] += count
    counted[("done",)] -= sum(session.scalars(select(func.count()).select_from(per_run)))
    return counted


def _open_runs() -> Subquery:
    """A row for each accepted recording that has a job which is not done."""
    other = aliased(JobRow)
    not_done = select(other.recording_id).where(_in_any_queue(other), other.state.in_(OPEN), other.recording_id.is_not(None))

    def any_job(*states: str) -> ColumnElement[int]:
        return func.max(case((JobRow.state.in_(states), 1), else_=0))

    return (
        select(
            any_job("ready", "running").label("open"), any_job("running", "done", "failed", "cancelled").label("begun"),
            func.max(JobRow.tries).label("tries"), any_job("failed").label("failed"),
        )
        .where(JobRow.recording_id.in_(not_done))
        .group_by(JobRow.recording_id)
        .subquery()
    )  # fmt: skip


def _run_state(run: Any) -> ColumnElement[str]:
    """As workers.ledger.runs.state_of says it."""
    waits = and_(run.open == 1, run.begun == 0, run.tries == 0)
    return case((waits, "waiting"), (run.open == 1, "working"), (run.failed == 1, "failed"), else_="cancelled")


def running_by_stage(session: Session) -> Values:
    """Jobs at work by the stage they said last."""
    found: Values = {}
    at_work = select(JobRow.kind, JobRow.progress).where(_in_any_queue(JobRow), JobRow.state == "running")
    for kind, progress in session.execute(at_work):
        label = (kind, progress.get("stage") or "begin")
        found[label] = found.get(label, 0.0) + 1
    return found


# ---- jobs and queues


def jobs_by_state(session: Session) -> Values:
    """Every kind with every state."""
    found: Values = {(kind, queue, state): 0.0 for kind, queue in QUEUE_OF.items() for state in JOB_STATES}
    for kind, state, count in session.execute(_by(JobRow.kind, JobRow.state)):
        found[(kind, QUEUE_OF.get(kind, ""), state)] = count
    return found


def hindered_by_code(session: Session) -> Values:
    """Ready jobs whose newest try was hindered."""
    newest = and_(AttemptRow.job_id == JobRow.id, AttemptRow.fence == JobRow.fence)
    waiting = _by(JobRow.kind, JobRow.error_code).join(AttemptRow, newest)
    return _read(session, waiting.where(_in_any_queue(JobRow), JobRow.state == "ready", AttemptRow.outcome == "hindered"))


def abandoned_by_queue(session: Session) -> Values:
    """Running jobs whose lease has run out and that nobody has claimed again yet."""
    return _queues(session, _running().where(JobRow.lease_until < db_now()))


def busy_by_queue(session: Session) -> Values:
    """Running jobs whose lease holds."""
    return _queues(session, _running().where(JobRow.lease_until >= db_now()))


def ready_by_queue(session: Session) -> Values:
    """Jobs that somebody may claim now."""
    return _queues(session, _by(JobRow.queue).where(may_run(JobRow, _now())))


def oldest_wait_by_queue(session: Session) -> Values:
    """Seconds since the oldest of those might first have been claimed."""
    waits = select(JobRow.queue, db_now() - func.min(JobRow.next_at)).where(may_run(JobRow, _now())).group_by(JobRow.queue)
    return {label: max(0.0, waited_s) for label, waited_s in _queues(session, waits).items()}


def paused_by_queue(session: Session) -> Values:
    """1 for a queue that is paused."""
    return _queues(session, _by(PausedRow.queue))


def hands_by_queue(session: Session) -> Values:
    """How many jobs at once the processes that are there can do."""
    there = select(HandsRow.queue, func.sum(HandsRow.count)).where(HandsRow.until >= db_now()).group_by(HandsRow.queue)
    return _queues(session, there)


# ---- what has been


def attempts_by_outcome(session: Session) -> Values:
    """Tries that have ended."""
    counted = _read(session, _by(AttemptRow.outcome, AttemptRow.kind))
    return {(kind, outcome): count for (outcome, kind), count in counted.items() if outcome}


def failures_by_code(session: Session) -> Values:
    """Tries that failed, were hindered or lost."""
    bad = AttemptRow.outcome.in_(("failed", "hindered", "lost"))
    code = case((AttemptRow.error_code != "", AttemptRow.error_code), else_=AttemptRow.outcome)
    return _read(session, select(AttemptRow.kind, code, func.count()).where(bad).group_by(AttemptRow.kind, code))


def recent_work_s(session: Session) -> Values:
    """Seconds by stage, summed over the newest jobs whose audio is known."""
    found: Values = {}
    for kind, timings, _audio_s in _recent(session):
        for stage, seconds in timings.items():
            found[(kind, stage)] = found.get((kind, stage), 0.0) + float(seconds)
    return found


def recent_audio_min(session: Session) -> Values:
    """Minutes of audio in the same jobs."""
    found: Values = {}
    for kind, _timings, audio_s in _recent(session):
        found[(kind,)] = found.get((kind,), 0.0) + audio_s / 60
    return found


def _recent(session: Session) -> list[tuple[str, dict[str, float], float]]:
    audio_s = EpisodeRow.sound["source_s"].as_float()
    rows = []
    for kind in ("audio", "words"):
        newest = (
            select(JobRow.timings, audio_s)
            .join(EpisodeRow, EpisodeRow.recording_id == JobRow.recording_id)
            .where(JobRow.kind == kind, JobRow.state == "done")
            .order_by(JobRow.finished_at.desc())
            .limit(RECENT)
        )
        rows += [(kind, timings, float(seconds)) for timings, seconds in session.execute(newest) if seconds]
    return rows


# ---- shows


def episodes_by_state(session: Session) -> Values:
    """Every episode once."""
    return _read(session, _by(EpisodeRow.state))


def feeds_behind(session: Session) -> Values:
    """Shows whose files lag behind their rows."""
    return {(): session.scalar(select(func.count()).select_from(ShowRow).where(_is_behind())) or 0}


def feeds_behind_s(session: Session) -> Values:
    """How long the worst of them has; what a finished feed job has brought up to date since then counts from its beginning."""
    written = (
        select(func.max(AttemptRow.started_at))
        .join(JobRow, JobRow.id == AttemptRow.job_id)
        .where(JobRow.kind == "feed", JobRow.subject == ShowRow.id, AttemptRow.outcome == "done")
        .scalar_subquery()
    )
    lags = select(ShowRow.behind_since, written).where(_is_behind())
    since = [max(behind_since, written_at or 0.0) for behind_since, written_at in session.execute(lags)]
    return {(): max(0.0, clock_s(session) - min(since)) if since else 0.0}


def sweep_age_s(session: Session) -> Values:
    """Seconds since the newest sweep."""
    age_s = session.scalar(select(db_now() - LeaseRow.renewed_at).where(LeaseRow.name == SWEEP))
    return {(): float("inf") if age_s is None else max(0.0, age_s)}


# ---- what all of them do


def _by(*labels: Any) -> Select[Any]:
    return select(*labels, func.count()).group_by(*labels)


def _running() -> Select[Any]:
    return _by(JobRow.queue).where(_in_any_queue(JobRow), JobRow.state == "running")


def _now() -> ColumnElement[float]:
    return select(db_now()).scalar_subquery()


def _in_any_queue(job: type[JobRow]) -> ColumnElement[bool]:
    """Names the queues, so that their index finds the few rows that are wanted."""
    return job.queue.in_(QUEUES)


def _is_behind() -> ColumnElement[bool]:
    return ShowRow.feed_rev > ShowRow.published_rev


def _read(session: Session, query: Executable) -> Values:
    return {tuple(map(str, labels)): float(value) for *labels, value in session.execute(query)}


def _queues(session: Session, query: Executable) -> Values:
    """Every queue, with 0 where the query says nothing."""
    said: Sequence[Any] = session.execute(query).all()
    return {**{(queue,): 0.0 for queue in QUEUES}, **{(queue,): float(value) for queue, value in said}}
