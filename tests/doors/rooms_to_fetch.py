"""Rooms whose files have to be fetched, and what fetching leaves behind."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from pipeline.models import Recording, SourceFile
from workers.settings import Settings

Say: TypeAlias = Callable[..., Settings]


def recording(*files: SourceFile) -> Recording:
    started_at = datetime(2026, 11, 20, tzinfo=UTC)
    return Recording(recording_id="r", engine="file", session_id="s", name="room", started_at=started_at, files=files)


def mix(path: str, **more: Any) -> Recording:
    return recording(SourceFile(path=path, **more))


def left_in(scratch: Path) -> list[str]:
    return sorted(path.name for path in scratch.rglob("*") if path.is_file())
