"""Work already done inside a job is not done again: notes in scratch, keyed by content, options and the step's version.

The ledger alone says what is done; losing every note changes nothing but time.
"""

import dataclasses
import hashlib
import importlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from pydantic import TypeAdapter, ValidationError

from pipeline.models import MadeFile

T = TypeVar("T")


class Journal:
    """Notes of finished steps in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def once(self, step: Callable[..., T], *inputs: object, **tools: object) -> T:
        """What `step(*inputs, **tools)` returns, from its note if there is one whose files are all still there.

        `inputs` are what the answer depends on: with the step's name and its module's VERSION they make the key, files in them by
        content. `tools` are not part of the key.
        """
        note = self.folder / f"{step.__name__}-{key_of(step, inputs)[:24]}.json"
        adapter: TypeAdapter[T] = TypeAdapter(get_type_hints(step)["return"])
        try:
            noted = adapter.validate_json(note.read_bytes())
            if all(_still_there(made) for made in files_in(noted)):
                return noted
        except (FileNotFoundError, ValidationError):
            pass
        result = step(*inputs, **tools)
        write_whole(note, adapter.dump_json(result))
        return result


def key_of(step: Callable[..., Any], inputs: tuple[object, ...]) -> str:
    """A sha256 that changes when the step, its version or anything it depends on changes."""
    version = getattr(importlib.import_module(step.__module__), "VERSION", 1)
    parts = [step.__module__, step.__qualname__, version, [_content(i) for i in inputs]]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def place(scratch: Path, step: Callable[..., Any], *inputs: object) -> Path:
    """A folder for what this step makes of these inputs and of no others, so that a note never finds another plan's file."""
    folder = scratch / f"{step.__name__}-{key_of(step, inputs)[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _content(value: Any) -> Any:
    if isinstance(value, MadeFile):
        return value.sha256
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [type(value).__name__, *(_content(getattr(value, f.name)) for f in dataclasses.fields(value))]
    if isinstance(value, Mapping):
        return {str(k): _content(v) for k, v in value.items()}
    if isinstance(value, (tuple, list)):
        return [_content(v) for v in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if isinstance(value, Path):
        raise TypeError(f"a path is no content: pass a MadeFile instead of {value}")
    return str(value)


def files_in(value: Any) -> list[MadeFile]:
    """Every MadeFile anywhere inside the value."""
    if isinstance(value, MadeFile):
        return [value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [f for field in dataclasses.fields(value) for f in files_in(getattr(value, field.name))]
    if isinstance(value, Mapping):
        return [f for v in value.values() for f in files_in(v)]
    if isinstance(value, (tuple, list)):
        return [f for v in value for f in files_in(v)]
    return []


def _still_there(made: MadeFile) -> bool:
    try:
        return made.path.stat().st_size == made.size_bytes
    except OSError:
        return False


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or a later run, sees all of it or none."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_bytes(content)
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(path)
