"""What the ledger says and is told, as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from pipeline.models import Recording

Kind = Literal["audio", "words", "feed", "notify", "clip"]
JobState = Literal["ready", "running", "done", "failed", "cancelled"]
RunState = Literal["held", "waiting", "working", "done", "failed", "cancelled"]

# A job is tried so often before it has failed for good.
MAX_TRIES = 5
QUEUES = ("audio", "words", "publish")
QUEUE_OF: Mapping[str, str] = {"audio": "audio", "clip": "audio", "words": "words", "feed": "publish", "notify": "publish"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to do one job, for as long as the heart beats and nobody holds a higher fence."""

    id: int
    kind: str
    queue: str
    # recording id, show id of a feed, id of a clip: one job of a kind for each
    subject: str
    recording_id: str | None
    show_id: str | None
    # this is the n-th try
    tries: int
    fence: int
    owner: str
    lease_s: float
    # how often it had been asked for when it was claimed; asked again meanwhile, it runs again
    wanted_rev: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NextJob:
    """A job that follows; an empty subject is the recording at hand (the show for a feed)."""

    kind: Kind
    subject: str = ""
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bell:
    """Which queue to ring, and when, once the transaction has been committed."""

    queue: str
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a job is: the stage by its name, the share of that stage that is done (0 … 1)."""

    stage: str = ""
    share: float = 0.0
    note: str = ""
    # the stages that are behind it, with their seconds
    took_s: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLook:
    """A job as people see it."""

    id: int
    kind: str
    state: JobState
    tries: int
    progress: Progress
    timings_s: Mapping[str, float]
    error_code: str
    error: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    # when it may run (again); of interest while it is ready
    next_at: datetime
    # how its newest try ended, as in Attempt; "" while it runs and before the first
    outcome: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A recording's whole life, named by the recording id."""

    id: str
    name: str
    engine: str
    session_id: str
    # "" while no show or no episode is known
    show_slug: str
    episode_guid: str
    state: RunState
    # why it is held or has failed, in words
    reason: str
    received_at: datetime
    jobs: tuple[JobLook, ...] = ()

    @property
    def timings_s(self) -> dict[str, float]:
        """Seconds by stage over all its jobs; a stage that several jobs went through counts for all of them."""
        total: dict[str, float] = {}
        for job in self.jobs:
            for stage, seconds in job.timings_s.items():
                total[stage] = total.get(stage, 0.0) + seconds
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What intake accepted: the recording with its show's settings filled in, and where its files lie."""

    recording: Recording
    root: str
    show_id: str
    show_slug: str
    episode_guid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of a job and how it ended: done, failed, given_back, hindered, lost, cancelled; "" while it runs."""

    fence: int
    owner: str
    started_at: datetime
    ended_at: datetime | None
    outcome: str
    error: str
    error_code: str = ""
    timings_s: Mapping[str, float] = field(default_factory=dict)
