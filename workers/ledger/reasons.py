"""Why something is not there (yet), in words: failures told to creators, and what a run waits for told to whoever asks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from workers.ledger.values import MAX_TRIES, QUEUE_OF, JobLook, Run

Cause = Literal["held", "failed", "paused", "unmanned", "hindered", "failing", "waiting", "working"]
CAUSES: tuple[Cause, ...] = get_args(Cause)

# `change`: sound that is made again, of an episode that can be heard
_WHAT: Mapping[str, str] = {
    "audio": "This episode could not be made", "words": "This episode has no transcript yet",
    "change": "The last change of this episode could not be made",
}  # fmt: skip
_SAFE: Mapping[str, str] = {
    "audio": "The recording is kept as it came; nothing was published.",
    "words": "The episode plays as before.",
    "change": "The episode plays as before.",
}
_AGAIN: Mapping[str, str] = {
    "audio": "Try again when the cause is gone.",
    "words": "Try again for the words when the cause is gone.",
    "change": "Try again when the cause is gone, or take the change back.",
}
_REFUSED: Mapping[str, str] = {
    "audio": "Trying again will not help; if there is a better copy, send it as a new recording.",
    "words": "Trying again will not help while the recording is as it is.",
    "change": "Trying again will not help; take the change back.",
}


def sentences(kind: str, message: str, *, refused: bool) -> tuple[str, str, str]:
    """What happened, what is safe, and what to do next."""
    what, safe = _WHAT.get(kind, f"The {kind} job failed"), _SAFE.get(kind, "Everything else is as before.")
    after = (_REFUSED if refused else _AGAIN).get(kind, "Try again when the cause is gone.")
    return f"{what}: {message.rstrip('.')}.", safe, after


def told(kind: str, message: str, *, refused: bool) -> str:
    """The reason an episode, or its words, are not there."""
    return " ".join(sentences(kind, message, refused=refused))


def cancelled() -> str:
    """The reason of an episode whose run somebody cancelled before it could be heard."""
    return f"This episode was cancelled before it could be heard. {_SAFE['audio']} Retry starts it again."


# ---- what a run waits for


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """What goes on where the jobs are done, as far as it matters to one that waits."""

    paused: frozenset[str]
    # queues at which somebody works
    manned: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Why a run is not further: the cause by its name, in a sentence, and what to do or what happens by itself.

    Commands stand between backticks.
    """

    cause: Cause
    said: str
    next: str


def cause_of(is_held: bool, kind: str, state: str, outcome: str, floor: Floor) -> Cause:
    """Why a job is not done, from its state and how its newest try ended; a held recording has no job yet."""
    queue = QUEUE_OF[kind]
    facts: dict[Cause, bool] = {
        "held": is_held, "failed": state == "failed", "working": state == "running", "paused": queue in floor.paused,
        "unmanned": queue not in floor.manned, "hindered": outcome == "hindered", "failing": outcome == "failed",
    }  # fmt: skip
    return next((cause for cause, so in facts.items() if so), "waiting")


def standing(run: Run, floor: Floor) -> Standing | None:
    """Why the run is not further; None where nothing more is to come: it is done, or somebody put it aside."""
    if run.state in ("done", "cancelled"):
        return None
    job = next((job for job in run.jobs if job.state not in ("done", "cancelled")), None)
    if run.state == "held" or job is None:
        said, _, then = run.reason.partition("; ")
        return Standing(cause="held", said=sentence(said), next=sentence(then or f"see `aircheck runs show {run.id}`"))
    cause = cause_of(False, job.kind, job.state, job.outcome, floor)
    said, then = _words(cause, job, run.id)
    return Standing(cause=cause, said=sentence(said), next=sentence(then))


def _words(cause: Cause, job: JobLook, run_id: str) -> tuple[str, str]:
    queue, again = QUEUE_OF[job.kind], f"it is tried again at {job.next_at:%H:%M:%S} UTC"
    if cause == "working":
        stage = f", {job.progress.stage} {job.progress.share:.0%}" if job.progress.stage else ""
        return f"the {job.kind} job is at work{stage}", f"nothing, unless it stands still: `aircheck runs show {run_id}`"
    if cause == "failed" and job.tries < MAX_TRIES:
        return job.error, f"trying again will not help; to put it aside: `aircheck cancel {run_id}`"
    return {
        "failed": (job.error, f"when its cause is gone: `aircheck retry {run_id}`"),
        "paused": (f"the queue {queue} is paused", f"to go on with it: `aircheck pause {queue} --resume`"),
        "unmanned": (f"nobody works at the queue {queue}", f"start somebody: `aircheck work --queues {queue}`"),
        "hindered": (job.error, f"it goes on by itself once that is mended; {again}"),
        "failing": (job.error, f"{again}, after {job.tries} of {MAX_TRIES} tries"),
        "waiting": (
            f"it waits for its turn at the queue {queue}", f"nothing; more hands would help: `aircheck work --queues {queue}`",
        ),
    }[cause]  # fmt: skip


def sentence(words: str) -> str:
    """With a capital letter and a full stop."""
    words = words.strip().rstrip(".")
    return f"{words[:1].upper()}{words[1:]}." if words else ""
