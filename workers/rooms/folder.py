"""What lies on disk: a folder with `room.json`, one file of everybody, or one file per speaker.

Files without a manifest are known by their content: the same bytes are the same recording, whatever their names, so handing them in
again changes nothing. When the room was live is not in them: the time of the (oldest) file stands for it, and a copy that lost that
time is still the same recording.
"""

import hashlib
import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pipeline.errors import Broken, Refused
from pipeline.models import MadeFile, Participant, Recording, SourceFile
from pipeline.text import clean_line
from workers.fields import LIMIT_BYTES
from workers.manifest import is_inside, parse
from workers.rooms import Gathered

MANIFEST = "room.json"


def recognises(path: Path) -> bool:
    """A folder with a manifest, or any file."""
    return (path / MANIFEST).is_file() or path.is_file()


def gather(paths: Sequence[Path]) -> Gathered:
    """The recording in one folder with a manifest, in one file, or in several files of one speaker each."""
    if len(paths) == 1 and paths[0].is_dir():
        return _from_manifest(paths[0])
    for path in paths:
        if not path.is_file():
            raise Refused(f"{path} is no file; give one folder with {MANIFEST}, or audio files", code="not_a_file")
    return _from_files(paths)


def _from_manifest(folder: Path) -> Gathered:
    manifest = folder / MANIFEST
    if not manifest.is_file():
        raise Refused(f"{folder} holds no {MANIFEST}; name the audio files themselves, one per speaker", code="no_manifest")
    warnings: list[str] = []
    try:
        with manifest.open("rb") as file:
            content = file.read(LIMIT_BYTES + 1)
        recording = parse(content, warn=warnings.append)
    except OSError as error:
        raise Broken(f"{manifest} cannot be read: {error.strerror}", code="unreadable") from error
    except Refused as error:
        raise Refused(f"{manifest}: {error}", code=error.code) from None
    return Gathered(recording=recording, root=folder.resolve().as_uri(), warnings=tuple(warnings))


def _from_files(paths: Sequence[Path]) -> Gathered:
    real = [path.resolve() for path in paths]
    root = Path(os.path.commonpath([path.parent for path in real]))
    try:
        made = [MadeFile.of(path) for path in real]
        started_at = datetime.fromtimestamp(int(min(path.stat().st_mtime for path in real)), UTC)
    except OSError as error:
        raise Broken(f"{error.filename} cannot be read: {error.strerror}", code="unreadable") from error
    names = _identities(paths) if len(paths) > 1 else [None]
    files = tuple(
        SourceFile(
            path=_written(file.path, root), kind="track" if name else "mix", participant=name,
            size_bytes=file.size_bytes, sha256=file.sha256,
        )
        for file, name in zip(made, names, strict=True)
    )  # fmt: skip
    recording_id = made[0].sha256 if len(made) == 1 else hashlib.sha256("".join(f.sha256 for f in made).encode()).hexdigest()
    recording = Recording(
        recording_id=recording_id, engine="file", session_id=recording_id, name=clean_line(paths[0].stem), started_at=started_at,
        title=_words(paths[0].stem if len(paths) == 1 else root.name), files=files,
        participants=tuple(Participant(identity=name, name=_words(name)) for name in names if name),
    )  # fmt: skip
    return Gathered(recording=recording, root=root.as_uri())


def _identities(paths: Sequence[Path]) -> list[str | None]:
    """One a file, from its name without the number that recorders put in front; doubled ones are counted."""
    found: list[str | None] = []
    for path in paths:
        name = identity = clean_line(re.sub(r"^\d+[-_. ]+(?=\D)", "", path.stem), 200) or "speaker"
        count = 1
        while identity in found:
            count += 1
            identity = f"{name} {count}"
        found.append(identity)
    return found


def _written(path: Path, root: Path) -> str:
    """The path inside the root; a name that no text can hold is written as a whole address."""
    inside = path.relative_to(root).as_posix()
    return inside if is_inside(inside) else path.as_uri()


def _words(name: str) -> str:
    """`tuesday_room-4` as people write it: Tuesday room 4."""
    words = clean_line(re.sub(r"[_\s]+|(?<=\w)-(?=\w)", " ", name))
    return words[:1].upper() + words[1:]
