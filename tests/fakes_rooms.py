"""Rooms that have just ended, as their platforms tell of them."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pipeline.models import Participant, Recording

STARTED_AT = datetime(2026, 11, 20, 7, 36, 57, tzinfo=UTC)


def a_room(recording_id: str = "EG_1", **changed: Any) -> Recording:
    """A finished LiveKit room of the show `tuesday`; its session has the recording's id unless said otherwise."""
    room = Recording(
        recording_id=recording_id, engine="livekit", session_id=f"RM_{recording_id}", name="tuesday-room",
        started_at=STARTED_AT, show="tuesday", participants=(Participant(identity="ann", name="Ann", role="host"),),
    )  # fmt: skip
    return replace(room, **changed)
