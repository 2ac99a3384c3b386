"""A folder that keeps objects as plain files, for one machine; what a file name cannot say is noted under `.aircheck/`.

A note (sha256, type, caching, name) is believed only while it fits the file's inode, size and time. Every file we write gets a time
with nanoseconds of our own, so an edit by anybody else, even one of the same length in the same moment, makes the note void and the
content is read again. Notes may be lost or stale at any moment: they spare reading, and nothing else depends on them.

Two locks, which die with their holder: each writer holds its part while it fills it, so that nobody tidies it away; and one at a
time changes what keys lead to, which takes a moment, however large the object is. `.aircheck` is gone when the disk is: then
nothing is absent, the store is away.
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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from urllib.parse import unquote

from pipeline.errors import Broken, Hindered, Refused
from pipeline.naming import disposition
from pipeline.stores import Abilities, Overtaken, Stat, checked_key, is_key, mime_type_of

CHUNK_BYTES = 1 << 20
# Another process changes keys for a moment only; one that does so for longer hangs, and is not waited for.
LOCK_WAIT_S = 10.0
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
# What is in the way of one key, not of the store.
KEY_TAKEN = {errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY, errno.ENAMETOOLONG, errno.ELOOP}
# A file changed this lately may be changed again without its time moving on, when it was not us who wrote it.
RACY_NS = 2_000_000_000
_Seen = TypeVar("_Seen")
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

    conditional = True

    def __init__(self, root: Path) -> None:
        self.root = root
        self._hidden = root / ".aircheck"
        self._parts = self._hidden / "parts"
        with _told(f"the store {root} cannot be used"):
            self._parts.mkdir(parents=True, exist_ok=True)
            self.tidy(0.0)

    def put(
        self, key: str, content: bytes | Path, *, mime_type: str, cache_control: str, filename: str = "",
        if_match: str | None = None,
    ) -> Stat:  # fmt: skip
        to = self.root / checked_key(key)
        about = {"mime_type": mime_type, "cache_control": cache_control, "disposition": disposition(filename)}
        with self._writing(key, content), self._part() as part:
            about["sha256"] = _filled(part, content)
            with self._alone():
                if if_match is not None:
                    self._check_not_overtaken(key, if_match, about["sha256"])
                self._note(key, {**about, "file": _identity(os.fstat(part.fileno()))})
                to.parent.mkdir(parents=True, exist_ok=True)
                Path(part.name).replace(to)
            _sync_folder(to.parent)
            return _stat_of(key, os.fstat(part.fileno()), about)

    def get(self, key: str) -> bytes | None:
        return self._seen(key, "read", lambda file: file.read())

    def read(self, key: str, first: int, length: int, *, etag: str = "") -> bytes | None:
        def part(file: BinaryIO) -> bytes:
            if etag and self._looked_at(key, file).etag != etag:
                raise Overtaken(f"{key} in the store {self.root} was replaced while it was read")
            file.seek(first)
            return file.read(length)

        return self._seen(key, "read", part)

    def download(self, key: str, to: Path) -> None:
        part = to.with_name(f".{uuid.uuid4().hex}.part")
        try:
            with _told(f"{key} cannot be fetched from the store {self.root}"):
                self._copy(checked_key(key), part)
                part.replace(to)
        except Broken as error:
            self._check_there(error)
            raise
        finally:
            part.unlink(missing_ok=True)

    def stat(self, key: str) -> Stat | None:
        return self._seen(key, "looked at", partial(self._looked_at, key))

    def delete(self, key: str) -> None:
        path = self.root / checked_key(key)
        with _told(f"{key} cannot be deleted from the store {self.root}"):
            self._check_there()
            with self._alone(), contextlib.suppress(*_ABSENT):
                path.unlink()
                self._note_path(key).unlink(missing_ok=True)
                self._prune(path, self._note_path(key))

    def keys(self, prefix: str) -> Iterator[str]:
        folder = prefix.rpartition("/")[0]
        if folder and not is_key(folder):
            return
        self._check_there()
        with _told(f"what lies in the store {self.root} cannot be listed"):
            for key in _walk(self.root / folder, f"{folder}/" if folder else ""):
                if key.startswith(prefix):
                    yield key

    def probe(self) -> Abilities:
        return Abilities(conditional="quoted", checksums=True, ranges=True)

    def tidy(self, older_than_s: float) -> int:
        with _told(f"what lies in the store {self.root} cannot be tidied"):
            return sum(_removed_abandoned(part, older_than_s) for part in self._parts.iterdir())

    def local_path(self, key: str) -> Path:
        """Where the object is, or would be, as a file."""
        return self.root / checked_key(key)

    # ---- reading

    def _seen(self, key: str, verb: str, look: Callable[[BinaryIO], _Seen]) -> _Seen | None:
        """What a look at the open object gives; it is absent only while the store itself is there."""
        if not is_key(key):
            return None
        with _told(f"{key} in the store {self.root} cannot be {verb}"):
            try:
                with (self.root / key).open("rb") as file:
                    return look(file)
            except _ABSENT:
                self._check_there()
                return None

    def _looked_at(self, key: str, file: BinaryIO) -> Stat:
        status = os.fstat(file.fileno())
        return _stat_of(key, status, self._about(key, file, status))

    def _copy(self, key: str, to: Path) -> None:
        """Into that file; refused when the bytes are no longer those of the note."""
        with (self.root / key).open("rb") as source, to.open("xb") as file:
            status = os.fstat(source.fileno())
            sha256 = _copied(source, file)
        note = self._noted(key)
        if note.get("file") == _identity(status) and note.get("sha256") != sha256:
            raise Broken(
                f"{key} in the store {self.root} has decayed on the disk: its bytes are not those that were written",
                code="download_differs",
            )

    def _check_there(self, error: Broken | None = None) -> None:
        if not self._hidden.is_dir():
            raise Hindered(f"the store {self.root} is gone; is its disk mounted?", code="store_away") from error

    # ---- writing

    @contextlib.contextmanager
    def _writing(self, key: str, content: bytes | Path) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._check_there()
            if error.errno in FULL:
                raise self._full(key, content) from error
            raise _failed(f"{key} cannot be written to the store {self.root}", error) from error

    def _full(self, key: str, content: bytes | Path) -> Hindered:
        size_bytes = content.stat().st_size if isinstance(content, Path) else len(content)
        figures = f"{key} needs {size_bytes:,} bytes and {shutil.disk_usage(self.root).free:,} are free"
        return Hindered(f"the store {self.root} is full: {figures}; make room or let store.url name another disk", code="disk_full")

    @contextlib.contextmanager
    def _part(self) -> Iterator[BinaryIO]:
        """A new file that nobody tidies away while it is open; gone afterwards, unless it was given a place."""
        path = self._parts / uuid.uuid4().hex
        with path.open("xb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                if os.fstat(file.fileno()).st_nlink:
                    yield file
                    return
            finally:
                path.unlink(missing_ok=True)
        # it was taken for an abandoned one in the moment before it was locked
        with self._part() as another:
            yield another

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else changes what keys lead to."""
        ends_at = time.monotonic() + LOCK_WAIT_S
        with (self._hidden / "lock").open("ab") as lock:
            while not _locked(lock):
                if time.monotonic() > ends_at:
                    raise Hindered(f"the store {self.root} is held by a process that does not go on", code="store_held")
                time.sleep(0.002)
            yield

    def _check_not_overtaken(self, key: str, etag: str, sha256: str) -> None:
        there = self.stat(key)
        if there is None and etag:
            raise Overtaken(f"{key} in the store {self.root} was deleted meanwhile")
        if there and there.etag != etag and there.sha256 != sha256:
            raise Overtaken(f"{key} in the store {self.root} was written by somebody else meanwhile")

    def _prune(self, *gone: Path) -> None:
        """Folders that these files leave empty go too."""
        for path in gone:
            with contextlib.suppress(OSError):
                for folder in path.relative_to(self.root).parents[:-1]:
                    (self.root / folder).rmdir()

    # ---- notes

    def _note_path(self, key: str) -> Path:
        return self._hidden / "notes" / f"{key}.json"

    def _note(self, key: str, note: dict[str, Any]) -> None:
        path = self._note_path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._part() as part:
            part.write(json.dumps(note).encode())
            part.flush()
            Path(part.name).replace(path)

    def _noted(self, key: str) -> dict[str, Any]:
        try:
            note = json.loads(self._note_path(key).read_bytes())
        except (OSError, ValueError):
            return {}
        return note if isinstance(note, dict) else {}

    def _about(self, key: str, file: BinaryIO, status: os.stat_result) -> dict[str, Any]:
        """The note of that open file, made anew from its content where it does not fit."""
        note = self._noted(key)
        if note.get("file") == _identity(status):
            return note
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # any open file will do
        about = {"mime_type": mime_type_of(key), "cache_control": "", **note, "sha256": sha256, "file": _identity(status)}
        if time.time_ns() - status.st_mtime_ns > RACY_NS:
            self._note_if_free(key, about)
        return about

    def _note_if_free(self, key: str, about: dict[str, Any]) -> None:
        """Notes spare reading, so nobody waits to write one, nor writes one of a file that is there no more."""
        with contextlib.suppress(OSError), (self._hidden / "lock").open("ab") as lock:
            if _locked(lock) and _identity((self.root / key).stat()) == about["file"]:
                self._note(key, about)


def _stat_of(key: str, status: os.stat_result, about: dict[str, Any]) -> Stat:
    return Stat(
        key=key, size_bytes=status.st_size, mime_type=about["mime_type"], cache_control=about["cache_control"],
        disposition=about.get("disposition", ""), etag=f'"{about["sha256"][:32]}"', sha256=about["sha256"],
        modified_at=datetime.fromtimestamp(status.st_mtime, UTC),
    )  # fmt: skip


def _identity(status: os.stat_result) -> list[int]:
    return [status.st_ino, status.st_size, status.st_mtime_ns]


def _filled(part: BinaryIO, content: bytes | Path) -> str:
    """The sha256 of what was written, which lies on the disk now."""
    if isinstance(content, bytes):
        sha256 = hashlib.sha256(content).hexdigest()
        part.write(content)
    else:
        with content.open("rb") as source:
            sha256 = _copied(source, part)
    part.flush()
    # nanoseconds of our own, which no other writer's coarse time will meet
    os.utime(part.fileno(), ns=(time.time_ns(), time.time_ns()))
    os.fsync(part.fileno())
    return sha256


def _copied(source: BinaryIO, to: BinaryIO) -> str:
    """The sha256 of what was copied."""
    digest = hashlib.sha256()
    while chunk := source.read(CHUNK_BYTES):
        digest.update(chunk)
        to.write(chunk)
    return digest.hexdigest()


def _failed(what: str, error: OSError) -> Broken:
    if isinstance(error, FileNotFoundError):
        return Broken(f"{what}: it is not there", code="missing")
    if error.errno in KEY_TAKEN:
        return Broken(f"{what}: {error.strerror}; look at the folder", code="store_failed")
    if error.errno in FULL:
        return Hindered(f"{what}: {error.strerror}; make room", code="disk_full")
    code = "store_denied" if error.errno in DENIED else "store_away"
    return Hindered(f"{what}: {error.strerror}; look at the folder and its rights", code=code)


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    """Whatever the file system says becomes one line."""
    try:
        yield
    except OSError as error:
        raise _failed(what, error) from error


def _locked(file: BinaryIO) -> bool:
    """Whether the file is ours now, until it is closed."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _removed_abandoned(part: Path, older_than_s: float) -> bool:
    """Whether it was the part of a writer that is gone: nobody holds its lock."""
    try:
        with part.open("r+b") as file:
            is_abandoned = _locked(file) and time.time() - os.fstat(file.fileno()).st_mtime >= older_than_s
            if is_abandoned:
                part.unlink()
            return is_abandoned
    except OSError:  # gone meanwhile, or of another user
        return False


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
