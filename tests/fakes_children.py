"""Children that are none, and the values that the sound stages are given."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from pipeline.child import Children, Report, quiet
from pipeline.models import Fetched, MadeFile, Recording, SourceFile


class Here(Children):
    """Children that work in this very process: the same functions, without the second that a new process takes."""

    def run(self, work: Callable[..., object], *inputs: object, report: Report = quiet) -> object:
        return work(*inputs, report=report)


def fetched(path: Path, **said: object) -> Fetched:
    """The file as `fetch` hands it over; `said` is what its recorder believed of it."""
    return Fetched(source=SourceFile(**{"path": path.name, **said}), file=MadeFile.of(path))


def recording(**said: object) -> Recording:
    """A recording that says little; `said` is what it says."""
    plain = {"recording_id": "r", "engine": "file", "session_id": "s", "name": "room"}
    return Recording(**{**plain, "started_at": datetime(2026, 11, 20, 7, 36, tzinfo=UTC), **said})
