"""A folder is watched: whatever lands there and has finished growing is a recording."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import structlog

from pipeline.errors import AircheckError, Broken, Refused
from workers import rooms
from workers.rooms import Gathered
from workers.rooms.folder import MANIFEST

# Names that browsers, copiers and recorders give to what they are still writing.
UNFINISHED = (".part", ".tmp", ".crdownload", ".partial", ".download")
POLL_S = 2.0

# name, size and time of every file of one thing in the folder
Shape: TypeAlias = tuple[tuple[str, int, int], ...]
Refusal = Callable[[Path, AircheckError], None]

log = structlog.get_logger()


def told(path: Path, error: AircheckError) -> None:
    """A `Refusal` for the log."""
    log.warning("not taken; it is looked at again when it changes", path=str(path), code=error.code, why=str(error))


def watch(
    folder: Path,
    on_finished: Callable[[Gathered], None],
    *,
    stop: threading.Event,
    quiet_s: float = 30.0,
    poll_s: float = POLL_S,
    on_refused: Refusal = told,
) -> None:
    """Hand over every recording in the folder once it has been quiet for `quiet_s`, until `stop` is set.

    A recording is a file, or a folder with `room.json`. The same content is handed over once, under whatever names it comes.
    """
    if not folder.is_dir():
        raise Refused(f"{folder} is no folder; make it, or name another", code="no_such_folder")
    look = Look(on_finished=on_finished, on_refused=on_refused, quiet_s=quiet_s)
    while not stop.is_set():
        look.at(folder, time.monotonic())
        stop.wait(poll_s)


@dataclass(kw_only=True)
class Look:
    """What was seen so far; `at` is one look."""

    on_finished: Callable[[Gathered], None]
    on_refused: Refusal
    quiet_s: float
    # since when each thing has had its shape
    _since: dict[Path, tuple[Shape, float]] = field(default_factory=dict)
    _done: dict[Path, Shape] = field(default_factory=dict)
    _handed_over: set[str] = field(default_factory=set)

    def at(self, folder: Path, now_s: float) -> None:
        """Look once, at that time of any clock that only moves forward."""
        shapes = dict(_things(folder))
        self._since = {path: seen for path, seen in self._since.items() if path in shapes}
        for path, shape in shapes.items():
            seen = self._since.setdefault(path, (shape, now_s))
            if seen[0] != shape:
                self._since[path] = (shape, now_s)
            elif now_s - seen[1] >= self.quiet_s and now_s > seen[1] and self._done.get(path) != shape:
                self._take(path, shape)

    def _take(self, path: Path, shape: Shape) -> None:
        try:
            gathered = rooms.gather([path])
            if gathered.recording.recording_id not in self._handed_over:
                self.on_finished(gathered)
                self._handed_over.add(gathered.recording.recording_id)
        except Broken as error:
            if error.code != "still_recording":
                self.on_refused(path, error)
                return
        except AircheckError as error:
            self.on_refused(path, error)
        self._done[path] = shape


def _things(folder: Path) -> Iterator[tuple[Path, Shape]]:
    """Everything in the folder that may be a recording and is not known to be unfinished, with its shape."""
    try:
        paths = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise Broken(f"{folder} cannot be watched any more: {error.strerror}", code="no_such_folder") from error
    for path in paths:
        if path.is_file() or (path / MANIFEST).is_file():
            shape = _shape(path)
            if any(size for _, size, _ in shape) and not any(name.endswith(UNFINISHED) for name, _, _ in shape):
                yield path, shape


def _shape(path: Path) -> Shape:
    """Empty where it went away while we looked."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    try:
        found = [(file.name, file.stat()) for file in files if file.is_file()]
    except OSError:
        return ()
    return tuple((name, status.st_size, status.st_mtime_ns) for name, status in found)
