"""Workers, as the web sees them, that do what a test says and remember what they were asked."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from feeds.web.work import Check, Failure, Late, RunState, StageDone
from pipeline.errors import Refused


class FakeWork:
    """Fulfils feeds.web.work.Work."""

    def __init__(self) -> None:
        self.states: dict[str, RunState] = {}
        self.checks: tuple[Check, ...] = (Check(name="database", ok=True),)
        self.late_rooms: tuple[Late, ...] = ()
        self.retried: list[str] = []
        self.cancelled: list[str] = []

    # ---- what a test says

    def waits(self, recording_id: str) -> None:
        self._say(recording_id, phase="waiting")

    def works(self, recording_id: str, stage: str, share: float = 0.0, *, minutes_so_far: float = 1, **more: Any) -> None:
        since = datetime.now(UTC) - timedelta(minutes=minutes_so_far)
        self._say(recording_id, phase="running", stage=stage, share_done=share, since=since, **more)

    def fails(self, recording_id: str, stage: str, happened: str, *, retryable: bool = True, **more: Any) -> None:
        failure = Failure(
            happened=happened, safe="The recording is kept exactly as it came.", next="Try again in a minute.", ref="R-7F3K",
            retryable=retryable,
        )  # fmt: skip
        self._say(recording_id, phase="failed", stage=stage, failure=failure, **more)

    def ends(self, recording_id: str, **more: Any) -> None:
        self._say(recording_id, phase="done", **more)

    def _say(self, recording_id: str, **fields: Any) -> None:
        fields = {"since": datetime.now(UTC), **fields}
        self.states[recording_id] = RunState(recording_id=recording_id, **fields)

    # ---- what the studio asks

    def runs(self, recording_ids: Collection[str]) -> Mapping[str, RunState]:
        return {name: state for name, state in self.states.items() if name in recording_ids}

    def retry(self, recording_id: str) -> None:
        state = self.states.get(recording_id)
        if state is None or state.phase != "failed":
            raise Refused(f"the run {recording_id} has not failed; there is nothing to try again", code="nothing_to_retry")
        self.retried.append(recording_id)
        self.waits(recording_id)

    def cancel(self, recording_id: str) -> None:
        self.cancelled.append(recording_id)
        self._say(recording_id, phase="cancelled")

    def late(self) -> tuple[Late, ...]:
        return self.late_rooms

    def ready(self) -> tuple[Check, ...]:
        return self.checks

    def metrics(self) -> bytes:
        return b'aircheck_runs{state="running"} 1\n'


def done(*names: str, took_s: float = 2.0, **facts: str) -> tuple[StageDone, ...]:
    """Finished stages."""
    return tuple(StageDone(name=name, took_s=took_s, fact=facts.get(name, "")) for name in names)
