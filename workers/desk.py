"""What the studio sees of the workers: `feeds.web.work.Work`, answered from the ledger."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import quantiles

from sqlalchemy import select
from sqlalchemy.orm import Session

from feeds.catalogue import Episode, EpisodeRow, episode_slug, find_episode
from feeds.web.work import Check, Failure, Late, Phase, RunState, StageDone
from workers import ledger
from workers.house import House
from workers.ledger import MAX_TRIES, JobLook, JobRow, Run, these
from workers.ledger.overdue import Overdue, overdue
from workers.ledger.reasons import sentences
from workers.readiness import readiness

PHASES: Mapping[str, Phase] = {
    "held": "failed", "waiting": "waiting", "working": "running", "done": "done", "failed": "failed", "cancelled": "cancelled",
}  # fmt: skip
# An estimate speaks of this installation's own last runs, and not before it has seen a few.
RUNS_REMEMBERED, RUNS_NEEDED = 20, 3

# What a job went through that changed a title: it tells nothing of how long rooms take.
ONLY_LABELS = {"stamp", "upload"}

Span = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The workers of one house, as the web sees them."""

    house: House

    def runs(self, recording_ids: Collection[str]) -> Mapping[str, RunState]:
        """Where these runs stand; those that nobody knows are left out."""
        with self.house.database.read() as session:
            paces = {kind: _pace(session, kind) for kind in ("audio", "words")}
            found = [(run, None if run.state == "done" else find_episode(session, run.id)) for run in these(session, recording_ids)]
        now = datetime.now(UTC)
        return {run.id: state_of(run, episode, paces, now) for run, episode in found}

    def retry(self, recording_id: str) -> None:
        """Try again what failed."""
        with self.house.database.begin() as session:
            bells = ledger.retry(session, recording_id)
        self.house.ring(bells)

    def cancel(self, recording_id: str) -> None:
        """Stop whatever waits or works."""
        with self.house.database.begin() as session:
            ledger.cancel(session, recording_id)

    def late(self) -> tuple[Late, ...]:
        """The rooms whose alarm has been raised and that cannot be heard yet."""
        with self.house.database.read() as session:
            rooms = overdue(session, self.house.settings.limits.overdue_s, alarmed=True)
        return tuple(_late(room) for room in rooms)

    def ready(self) -> tuple[Check, ...]:
        """What must be well, looked at now."""
        return readiness(self.house)

    def metrics(self) -> bytes:
        """Prometheus text."""
        from workers.metrics import metrics  # its library is for who is asked for figures

        return metrics(self.house)


def _late(room: Overdue) -> Late:
    run, why = room.run, room.standing
    can_be_tried = why.cause == "failed" and any(job.state == "failed" and job.tries >= MAX_TRIES for job in run.jobs)
    return Late(
        recording_id=run.id, name=run.name, show_slug=run.show_slug, since=run.received_at, said=why.said, next=why.next,
        episode=episode_slug(run.episode_guid) if run.episode_guid else "", retryable=can_be_tried,
    )  # fmt: skip


def state_of(run: Run, episode: Episode | None, paces: Mapping[str, Span | None], now: datetime) -> RunState:
    """A run as the studio tells it; `paces` are seconds of work per second of audio, from … to, by kind of job."""
    running = next((job for job in run.jobs if job.state == "running"), None)
    at = running or next((job for job in run.jobs if job.state == "failed"), None)
    sound = episode.sound if episode else None
    audio_s = sound.source_s if sound else 0.0
    usual_s = _usual(running, paces, audio_s)
    return RunState(
        recording_id=run.id, phase=PHASES[run.state], since=_since(run, running), stage=at.progress.stage if at else "",
        share_done=at.progress.share if at else 0.0, audio_s=audio_s, usual_s=usual_s,
        eta_s=_left(running, usual_s, now), done=_done(run, episode), failure=_failure(run, episode),
    )  # fmt: skip


def _pace(session: Session, kind: str) -> Span | None:
    """The middle half of what the last runs took, in seconds of work per second of audio."""
    query = (
        select(JobRow.timings, EpisodeRow.sound)
        .join(EpisodeRow, EpisodeRow.recording_id == JobRow.recording_id)
        .where(JobRow.kind == kind, JobRow.state == "done", EpisodeRow.sound.is_not(None))
        .order_by(JobRow.finished_at.desc())
        .limit(RUNS_REMEMBERED)
    )
    took = [
        sum(timings.values()) / sound["source_s"]
        for timings, sound in session.execute(query)
        if sound and sound["source_s"] and set(timings) - ONLY_LABELS
    ]
    if len(took) < RUNS_NEEDED:
        return None
    low, _, high = quantiles(took, n=4, method="inclusive")
    return low, high


def _usual(job: JobLook | None, paces: Mapping[str, Span | None], audio_s: float) -> Span | None:
    pace = paces.get(job.kind) if job else None
    return (pace[0] * audio_s, pace[1] * audio_s) if pace and audio_s else None


def _left(job: JobLook | None, usual_s: Span | None, now: datetime) -> Span | None:
    if job is None or job.started_at is None or usual_s is None:
        return None
    spent_s = (now - job.started_at).total_seconds()
    return max(usual_s[0] - spent_s, 0.0), max(usual_s[1] - spent_s, 0.0)


def _since(run: Run, running: JobLook | None) -> datetime:
    if running and running.started_at:
        return running.started_at
    return max((job.finished_at for job in run.jobs if job.finished_at), default=run.received_at)


def _done(run: Run, episode: Episode | None) -> tuple[StageDone, ...]:
    behind = [job.timings_s if job.state == "done" else job.progress.took_s for job in run.jobs]
    stages = [StageDone(name=name, took_s=seconds) for job in behind for name, seconds in job.items()]
    if episode and episode.published_at:
        stages.append(StageDone(name="publish", took_s=0.0))
    return tuple(stages)


def _failure(run: Run, episode: Episode | None) -> Failure | None:
    failed = next((job for job in run.jobs if job.state == "failed"), None)
    if failed is None:
        return None
    refused = failed.tries < MAX_TRIES
    is_heard = episode is not None and episode.state in ("audible", "complete")
    what = "change" if failed.kind == "audio" and is_heard else failed.kind
    happened, safe, after = sentences(what, failed.error, refused=refused)
    return Failure(happened=happened, safe=safe, next=after, ref=episode.slug if episode else run.id, retryable=not refused)
