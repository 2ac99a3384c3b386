"""Where finished rooms come from: one file a platform, each turning what that platform left behind into a `Recording`.

A platform whose recordings lie on disk has two functions:

* `recognises(path)`: whether that file or folder is one of its recordings; looks at names and first bytes, never decodes.
* `gather(paths)`: the recording; `Refused` when it can never become one, `Broken` when it is still being written.

A platform that tells us over HTTP has `understand(body, places)`: the same from the bytes of an event whose signature was checked.
"""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TypeAlias, cast

from pipeline import shelf
from pipeline.errors import Refused
from pipeline.models import Recording

# The address of the folder that the paths of a recording's files are relative to, without a slash at its end:
# file:///percent/encoded (as Path.as_uri writes it), s3://bucket/prefix or https://host/folder.
Root: TypeAlias = str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """A recording, where its files are, and what was odd about it (one line each)."""

    recording: Recording
    root: Root
    warnings: tuple[str, ...] = ()
    # what the platform's own metadata of the room says, for the rules that find its show
    metadata: Mapping[str, str] = field(default_factory=dict)


def gather(paths: Sequence[Path]) -> Gathered:
    """The recording in these files or this folder, read by the first platform that recognises it; plain files are `folder`'s."""
    absent = next((path for path in paths if not path.exists()), None)
    if absent is not None or not paths:
        raise Refused(f"there is no file or folder {absent or ''}; give the path of a recording", code="no_such_file")
    platform = next((p for p in _platforms() if len(paths) == 1 and p.recognises(paths[0])), _platform("folder"))
    return cast(Gathered, platform.gather(paths))


def _platforms() -> tuple[ModuleType, ...]:
    found = (_platform(name) for name in shelf.names("workers.rooms"))
    return tuple(platform for platform in found if hasattr(platform, "recognises"))


def _platform(name: str) -> ModuleType:
    return importlib.import_module(f"workers.rooms.{name}")
