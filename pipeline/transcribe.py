"""Words: who said what and when, in room seconds, slice by slice so that no more than one slice is ever done twice."""

from typing import Protocol

from pipeline.child import Children, Report, quiet
from pipeline.engines import SpeechPlan
from pipeline.models import Heard, Participant, Timeline, Transcript

__all__ = ["SliceStore", "SpeechPlan", "transcribe"]


class SliceStore(Protocol):
    """Where finished slices are kept, so that another host goes on where one died."""

    def get(self, key: str) -> bytes | None: ...

    def put(self, key: str, content: bytes) -> None: ...


def transcribe(
    timeline: Timeline, heard: Heard, plan: SpeechPlan, *,
    participants: tuple[Participant, ...], children: Children, slices: SliceStore, report: Report = quiet,
) -> Transcript:  # fmt: skip
    """The words of the room; without a recogniser a transcript of quality "none" that says why and how to get one."""
    raise NotImplementedError
