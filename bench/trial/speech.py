"""Real rooms for real work: the sample's tracks, as long as asked for, told of under any name."""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.road import long_room


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechRoom:
    """One recording on disk; every room that is told of is made of its files."""

    folder: Path
    minutes: float
    manifest: dict[str, Any]

    def told(self, recording_id: str, show: str) -> dict[str, Any]:
        """A room of that name, as its platform tells of it."""
        room = copy.deepcopy(self.manifest)
        room["room"] |= {"sid": f"RM_{recording_id}", "name": show, "show": show, "title": f"Room {recording_id}"}
        room["source"] |= {"session_id": f"RM_{recording_id}"}
        return {**room, "recording_id": recording_id, "root": str(self.folder)}


def speech_room(folder: Path, minutes: float) -> SpeechRoom:
    """A room of so many minutes of talk, written into the folder."""
    return SpeechRoom(folder=folder, minutes=minutes, manifest=long_room(folder, minutes * 60))
