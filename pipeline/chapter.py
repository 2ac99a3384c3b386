"""Chapters: pinned topics, and where a conversation turns to something new."""

from dataclasses import dataclass
from typing import Any

from pipeline.clock import TimeMap
from pipeline.models import Chapter, Participant, RoomEvent, Transcript


@dataclass(frozen=True, slots=True, kw_only=True)
class ChapterPlan:
    """The settings `chapters.*`."""

    # A shorter episode gets no chapters but pinned ones.
    min_room_s: float = 600.0
    # How long a chapter typically is.
    target_s: float = 230.0


def chapter(
    transcript: Transcript, *,
    participants: tuple[Participant, ...], events: tuple[RoomEvent, ...], time_map: TimeMap, plan: ChapterPlan,
) -> tuple[Chapter, ...]:  # fmt: skip
    """Chapters in room seconds, the first at the episode's first second; empty when there is too little to go by."""
    raise NotImplementedError


def chapters_of_json(document: dict[str, Any], plan: ChapterPlan | None = None) -> tuple[Chapter, ...]:
    """Chapters of any podcast-namespace JSON transcript (`segments[]`: speaker, startTime, endTime, body), in its own seconds.

    Error: `Refused` when the document is no such transcript.
    """
    raise NotImplementedError
