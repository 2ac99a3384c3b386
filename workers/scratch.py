"""Scratch: a folder for each run on this machine's disk, held while somebody works in it, given back when nobody does.

A folder is held by a lock of the kernel's on the folder itself: it goes with the process that holds it, however that ends, and
keeps off every other process of this machine, whichever installation it belongs to. Where the file system knows no such locks
the ledger alone says who works; scratch belongs on a disk of the machine's own.
"""

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import Hindered

# What was moved out of the way to be removed; whoever was killed meanwhile leaves it to the next one who tidies.
GONE = ".gone-"


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """The folder is there, and nobody removes it while inside."""
    fd = _held(folder)
    try:
        yield
    finally:
        os.close(fd)


def remove(folder: Path) -> bool:
    """Remove the folder with all that is in it; False where somebody holds it."""
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return True
    except NotADirectoryError:
        folder.unlink(missing_ok=True)
        return True
    try:
        if not _locked(fd, fcntl.LOCK_EX | fcntl.LOCK_NB):
            return False
        _remove(folder)
    finally:
        os.close(fd)
    return True


def folders(scratch: Path) -> tuple[Path, ...]:
    """Everything that lies in scratch."""
    return tuple(scratch.iterdir()) if scratch.is_dir() else ()


def must_have_room(folder: Path, floor_bytes: int, needed_bytes: int = 0) -> None:
    """Errors: `Hindered` where fewer bytes are free than what is needed and what shall stay free."""
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < floor_bytes + needed_bytes:
        needed = f"the recording needs {needed_bytes:,} and " if needed_bytes else ""
        figures = f"{free_bytes:,} bytes are free; {needed}{floor_bytes:,} shall stay free (limits.free_bytes)"
        raise Hindered(f"too little room in {folder.parent}: {figures}; make room or move data_dir", code="disk_full")


def _held(folder: Path) -> int:
    """An open, locked folder; made again where it was removed while we waited for the lock."""
    while True:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except (FileExistsError, FileNotFoundError):  # removed in that very moment
            continue
        _locked(fd, fcntl.LOCK_SH)
        if _is_still(folder, fd):
            return fd
        os.close(fd)


def _is_still(folder: Path, fd: int) -> bool:
    try:
        return os.path.samestat(folder.stat(), os.fstat(fd))
    except FileNotFoundError:
        return False


def _locked(fd: int, how: int) -> bool:
    try:
        fcntl.flock(fd, how)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _remove(folder: Path) -> None:
    """Out of the way at once, so that who comes next begins anew while the rest is removed."""
    gone = folder if folder.name.startswith(GONE) else folder.with_name(f"{GONE}{uuid.uuid4().hex}")
    try:
        folder.rename(gone)
    except OSError:
        gone = folder
    shutil.rmtree(gone, ignore_errors=True)
