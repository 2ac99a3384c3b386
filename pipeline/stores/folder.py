"""A folder that keeps objects as plain files, for one machine; what a file name cannot say is noted under `.aircheck/`.

A note (sha256, type, caching) is believed only while it fits the file's inode, size and time. Every file we write gets a time with
nanoseconds of our own, so an edit by anybody else, even one of the same length in the same moment, makes the note void and the
content is read again. Notes may be lost or stale at any moment: they spare reading, and nothing else depends on them.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BufferedReader
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from pipeline.errors import Broken, Refused
from pipeline.stores import Stat, checked_key, is_key, mime_type_of

CHUNK_BYTES = 1 << 20
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# A file changed this lately may be changed again without its time moving on, when it was not us who wrote it.
RACY_NS = 2_000_000_000
_ABSENT = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """A folder needs nothing but its place."""


def open_at(place: str, options: Options) -> "FolderStore":  # noqa: ARG001 - the shelf's signature
    """The store in that folder, made where it is missing."""
    if not place.startswith("/"):
        raise Refused(f"file://{place} names no folder; write file:///path/to/folder", code="bad_store_url")
    return FolderStore(Path(os.fsdecode(unquote(place, errors="surrogateescape"))))


class FolderStore:
    """Objects as files below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._hidden = root / ".aircheck"
        self._parts = self._hidden / "parts"
        with _told(f"the store {root} cannot be used"):
            self._parts.mkdir(parents=True, exist_ok=True)
            self._remove_abandoned()

    def put(self, key: str, content: bytes | Path, *, mime_type: str, cache_control: str) -> Stat:
        to = self.root / checked_key(key)
        with self._writing(key, content) as part:
            sha256 = _fill(part, content)
            # nanoseconds of our own, which no other writer's coarse time will meet
            os.utime(part, ns=(time.time_ns(), time.time_ns()))
            about = {"sha256": sha256, "mime_type": mime_type, "cache_control": cache_control}
            self._note(key, {**about, "file": _identity(part.stat())})
            to.parent.mkdir(parents=True, exist_ok=True)
            part.replace(to)
            _sync_folder(to.parent)
            return _stat_of(key, to.stat(), about)

    def get(self, key: str) -> bytes | None:
        if not is_key(key):
            return None
        with _told(f"{key} cannot be read from the store {self.root}"), contextlib.suppress(*_ABSENT):
            return (self.root / key).read_bytes()
        return None

    def download(self, key: str, to: Path) -> None:
        part = to.with_name(f".{uuid.uuid4().hex}.part")
        try:
            with _told(f"{key} cannot be fetched from the store {self.root}"):
                shutil.copyfile(self.root / checked_key(key), part)
                part.replace(to)
        finally:
            part.unlink(missing_ok=True)

    def stat(self, key: str) -> Stat | None:
        if not is_key(key):
            return None
        with _told(f"{key} cannot be looked at in the store {self.root}"), contextlib.suppress(*_ABSENT):
            return self._looked_at(key)
        return None

    def delete(self, key: str) -> None:
        with _told(f"{key} cannot be deleted from the store {self.root}"), contextlib.suppress(*_ABSENT):
            (self.root / checked_key(key)).unlink()
            self._note_path(key).unlink(missing_ok=True)
            self._prune(self.root / key, self._note_path(key))

    def keys(self, prefix: str) -> Iterator[str]:
        folder = prefix.rpartition("/")[0]
        if folder and not is_key(folder):
            return
        for key in _walk(self.root / folder, f"{folder}/" if folder else ""):
            if key.startswith(prefix):
                yield key

    def local_path(self, key: str) -> Path:
        """Where the object is, or would be, as a file."""
        return self.root / checked_key(key)

    # ---- writing

    @contextlib.contextmanager
    def _writing(self, key: str, content: bytes | Path) -> Iterator[Path]:
        part = self._parts / uuid.uuid4().hex
        try:
            with _locked(self._parts, fcntl.LOCK_SH):
                try:
                    yield part
                finally:
                    part.unlink(missing_ok=True)
        except OSError as error:
            raise self._full(key, content) if error.errno in FULL else _failed(self._cannot_write(key), error) from error

    def _cannot_write(self, key: str) -> str:
        return f"{key} cannot be written to the store {self.root}"

    def _full(self, key: str, content: bytes | Path) -> Broken:
        size_bytes = content.stat().st_size if isinstance(content, Path) else len(content)
        figures = f"{key} needs {size_bytes:,} bytes and {shutil.disk_usage(self.root).free:,} are free"
        return Broken(f"the store {self.root} is full: {figures}; make room or let store.url name another disk", code="disk_full")

    def _remove_abandoned(self) -> None:
        """Parts whose writer was killed: nobody holds the lock, so nobody is writing."""
        with contextlib.suppress(BlockingIOError), _locked(self._parts, fcntl.LOCK_EX | fcntl.LOCK_NB):
            for part in self._parts.iterdir():
                part.unlink(missing_ok=True)

    def _prune(self, *gone: Path) -> None:
        """Folders that these files leave empty go too, while nobody writes who may have just made one."""
        with contextlib.suppress(BlockingIOError), _locked(self._parts, fcntl.LOCK_EX | fcntl.LOCK_NB):
            for path in gone:
                with contextlib.suppress(OSError):
                    for folder in path.relative_to(self.root).parents[:-1]:
                        (self.root / folder).rmdir()

    # ---- notes

    def _looked_at(self, key: str) -> Stat:
        with (self.root / key).open("rb") as file:
            status = os.fstat(file.fileno())
            return _stat_of(key, status, self._about(key, file, status))

    def _note_path(self, key: str) -> Path:
        return self._hidden / "notes" / f"{key}.json"

    def _note(self, key: str, note: dict[str, Any]) -> None:
        path = self._note_path(key)
        part = self._parts / uuid.uuid4().hex
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(note))
        part.replace(path)

    def _noted(self, key: str) -> dict[str, Any]:
        try:
            note = json.loads(self._note_path(key).read_bytes())
        except (OSError, ValueError):
            return {}
        return note if isinstance(note, dict) else {}

    def _about(self, key: str, file: BufferedReader, status: os.stat_result) -> dict[str, Any]:
        """The note of that open file, made anew from its content where it does not fit."""
        note = self._noted(key)
        if note.get("file") == _identity(status):
            return note
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        about = {"mime_type": mime_type_of(key), "cache_control": "", **note, "sha256": sha256, "file": _identity(status)}
        if time.time_ns() - status.st_mtime_ns > RACY_NS:
            with contextlib.suppress(OSError), _locked(self._parts, fcntl.LOCK_SH):
                self._note(key, about)
        return about


def _stat_of(key: str, status: os.stat_result, about: dict[str, Any]) -> Stat:
    return Stat(
        key=key, size_bytes=status.st_size, mime_type=about["mime_type"], cache_control=about["cache_control"],
        etag=f'"{about["sha256"][:32]}"', sha256=about["sha256"], modified_at=datetime.fromtimestamp(status.st_mtime, UTC),
    )  # fmt: skip


def _identity(status: os.stat_result) -> list[int]:
    return [status.st_ino, status.st_size, status.st_mtime_ns]


def _fill(part: Path, content: bytes | Path) -> str:
    """The sha256 of what was written, which lies on the disk now."""
    digest = hashlib.sha256()
    with part.open("xb") as file:
        for chunk in _chunks(content):
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _chunks(content: bytes | Path) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as source:
        while chunk := source.read(CHUNK_BYTES):
            yield chunk


def _failed(what: str, error: OSError) -> Broken:
    if isinstance(error, FileNotFoundError):
        return Broken(f"{what}: it is not there", code="missing")
    return Broken(f"{what}: {error.strerror}; look at the folder and its rights", code="store_failed")


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    """Whatever the file system says becomes one line."""
    try:
        yield
    except OSError as error:
        raise _failed(what, error) from error


@contextlib.contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, how)
        yield
    finally:
        os.close(handle)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _walk(folder: Path, prefix: str) -> Iterator[str]:
    try:
        entries = [entry for entry in os.scandir(folder) if not entry.name.startswith(".")]
    except _ABSENT:
        return
    # "a-b" stands before "a/c", as whole keys are ordered
    for entry in sorted(entries, key=lambda e: e.name + "/" * e.is_dir()):
        if entry.is_dir():
            yield from _walk(folder / entry.name, f"{prefix}{entry.name}/")
        elif is_key(prefix + entry.name):
            yield prefix + entry.name
