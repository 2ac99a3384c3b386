"""What the studio asks of the workers, and what they tell it. `workers/wiring.py` fulfils it from the ledger."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

Phase = Literal["waiting", "running", "failed", "cancelled", "done"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageDone:
    """A stage that is behind us."""

    # as pipeline/story.py names it, and fetch, upload and publish
    name: str
    took_s: float
    # a few words of what came out, such as "4 tracks, 214 MB"
    fact: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a run could not finish, in sentences for its creator."""

    happened: str
    safe: str
    next: str
    # what the operator finds it by
    ref: str
    # False: trying again cannot help
    retryable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """Where a run stands at this moment."""

    recording_id: str
    phase: Phase
    # since when it is in this phase
    since: datetime
    # the stage at work, "" when none is
    stage: str = ""
    # 0 … 1 of that stage
    share_done: float = 0.0
    # how much audio there is; 0 while nobody has counted
    audio_s: float = 0.0
    # what is still to go, from … to; None while nobody can tell
    eta_s: tuple[float, float] | None = None
    # what rooms this long have taken on this machine, from … to
    usual_s: tuple[float, float] | None = None
    done: tuple[StageDone, ...] = ()
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """A room that ended long ago and cannot be heard yet."""

    recording_id: str
    # as the room called itself
    name: str
    # "" while no show is known
    show_slug: str
    since: datetime
    # why, and what to do, each in a sentence; commands stand between backticks
    said: str
    next: str
    # the slug of its episode, "" while it has none
    episode: str = ""
    # pressing Try again may help
    retryable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that must be well before rooms may come; `said` tells what is wrong and what to do."""

    name: str
    ok: bool
    said: str = ""


class Work(Protocol):
    """The workers, as the web sees them. Every method is called in a thread and may block for a moment."""

    def runs(self, recording_ids: Collection[str]) -> Mapping[str, RunState]:
        """Where these runs stand; a recording nobody works on any more may be left out."""
        ...

    def retry(self, recording_id: str) -> None:
        """Go on from the stage that failed; harmless when it runs already, `Refused` when there is nothing to try again."""
        ...

    def cancel(self, recording_id: str) -> None:
        """Stop politely and try no more; harmless when it has ended."""
        ...

    def late(self) -> tuple[Late, ...]:
        """The rooms that people were told of because they ended long ago and cannot be heard yet, the newest first."""
        ...

    def ready(self) -> tuple[Check, ...]:
        """What must be well, looked at now."""
        ...

    def metrics(self) -> bytes:
        """Prometheus text."""
        ...
