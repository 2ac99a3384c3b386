"""What a child process may use, and the errors of one that used it up.

`settle` puts a process and all it will start under the limits for good; `exhausted` tells from how a program ended which limit it
was, so that people read the name of a setting and not the number of a signal.
"""

import ctypes
import errno
import os
import platform
import resource
import signal
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import Broken, Hindered

# A process may put its own affairs in order for so many seconds after its processor time has run out.
LAST_WORDS_S = 5
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one child may use; None is no limit. One that `yields` runs only on processors that nobody else wants."""

    wall_s: float | None = 6 * 3600.0
    cpu_s: int | None = 24 * 3600
    memory_bytes: int | None = 4 << 30
    file_bytes: int | None = 16 << 30
    yields: bool = False


# ---- under them


def settle(limits: Limits) -> None:
    """Put this process and everything it starts under the limits; nothing of it can raise them or leave the process group."""
    _cap(resource.RLIMIT_CPU, limits.cpu_s, last_words=LAST_WORDS_S)
    _cap(resource.RLIMIT_AS, limits.memory_bytes)
    _cap(resource.RLIMIT_FSIZE, limits.file_bytes)
    _cap(resource.RLIMIT_CORE, 0)
    if sys.platform == "linux":
        if limits.yields:
            _give_way()
        _stay_in_group()
    elif limits.yields:
        os.nice(19)


def _cap(what: int, most: int | None, *, last_words: int = 0) -> None:
    if most is None:
        return
    hard = resource.getrlimit(what)[1]
    hard = most + last_words if hard == resource.RLIM_INFINITY else min(most + last_words, hard)
    resource.setrlimit(what, (min(most, hard), hard))


def _give_way() -> None:
    """Run only where a processor is idle; reads and writes go the same way, for the kernel follows the policy.

    Whoever is not to be delayed must be of the ordinary policy: beside idle work one of SCHED_BATCH took 1.8 to 2.2 × its time, an
    ordinary one 1.15 × (Linux 6.18, three encoders on two processors), since batch work does not break in on others when it wakes.
    """
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    os.nice(10)
    # Where sessions share processors as equals (autogroup), the session has to be nice as well: policies count within one. A tenth
    # of a busy machine is left to it, so that words end where audio never does.
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text("10")


def wake_when_alone() -> None:
    """When whoever started this process dies while it stands still, it goes on, so that it can see that and end (prctl(2))."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGCONT, 0, 0, 0)


_PR_SET_PDEATHSIG = 1
# prctl(2), seccomp(2): refuse setpgid and setsid, by the numbers of each machine.
_PR_SET_SECCOMP, _FILTER, _PR_SET_NO_NEW_PRIVS = 22, 2, 38
_LEAVING = {"x86_64": (0xC000003E, 109, 112), "aarch64": (0xC00000B7, 154, 157)}
_LOAD, _EQUAL, _ANSWER = 0x20, 0x15, 0x06
_ALLOW, _FORBID = 0x7FFF0000, 0x00050000 | errno.EPERM
_NUMBER_AT, _MACHINE_AT = 0, 4


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


def _stay_in_group() -> None:
    """Nobody in here may leave the process group by which it is ended, or gain rights; where the kernel can see to that."""
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if platform.machine() in _LEAVING:
        machine, setpgid, setsid = _LEAVING[platform.machine()]
        steps = (
            (_LOAD, 0, 0, _MACHINE_AT), (_EQUAL, 0, 4, machine), (_LOAD, 0, 0, _NUMBER_AT), (_EQUAL, 1, 0, setpgid),
            (_EQUAL, 0, 1, setsid), (_ANSWER, 0, 0, _FORBID), (_ANSWER, 0, 0, _ALLOW),
        )  # fmt: skip
        code = b"".join(struct.pack("=HBBI", *step) for step in steps)
        libc.prctl(_PR_SET_SECCOMP, _FILTER, ctypes.byref(_Program(len(steps), code)), 0, 0)


def of_this_process() -> Limits:
    """The limits that this process is under, as far as the system knows them."""
    cpu_s, memory_bytes, file_bytes = (_soft(what) for what in (resource.RLIMIT_CPU, resource.RLIMIT_AS, resource.RLIMIT_FSIZE))
    return Limits(wall_s=None, cpu_s=cpu_s, memory_bytes=memory_bytes, file_bytes=file_bytes)


def _soft(what: int) -> int | None:
    soft = resource.getrlimit(what)[0]
    return None if soft == resource.RLIM_INFINITY else soft


# ---- used up


# What C++, Python, its threads, the linker and ffmpeg say when there is no more memory.
_MEMORY = ("bad_alloc", "MemoryError", "can't start new thread", "failed to map segment", os.strerror(errno.ENOMEM))


def exhausted(who: str, limits: Limits, *, status: int = 0, said: str = "") -> Broken | None:
    """What a program's end was about: a limit of ours, or the disk; None where it was something else.

    `status` is negative for a signal, as `subprocess` has it; `said` is the program's own account, no text of anybody's room.
    """
    if status == -signal.SIGXCPU:
        return out_of_cpu(who, limits)
    if status == -signal.SIGXFSZ or os.strerror(errno.EFBIG) in said:
        return file_too_large(who, limits)
    if any(os.strerror(code) in said for code in FULL):
        return disk_full(who)
    if any(words in said for words in _MEMORY):
        return out_of_memory(who, limits)
    return None


def blamed(who: str, limits: Limits, error: BaseException) -> Broken | None:
    """The same for an exception, by what it came from."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, MemoryError) or (isinstance(cause, OSError) and cause.errno == errno.ENOMEM):
            return out_of_memory(who, limits)
        if isinstance(cause, OSError) and cause.errno == errno.EFBIG:
            return file_too_large(who, limits)
        if isinstance(cause, OSError) and cause.errno in FULL:
            return disk_full(who)
        cause = cause.__cause__ or cause.__context__
    return None


def out_of_time(who: str, limits: Limits) -> Broken:
    return Broken(f"{who} took longer than {_so_many(limits.wall_s, 's', 'wall_s')} and was ended", code="out_of_time")


def out_of_cpu(who: str, limits: Limits) -> Broken:
    return Broken(f"{who} used more processor time than {_so_many(limits.cpu_s, 's', 'cpu_s')} and was ended", code="out_of_cpu")


def out_of_memory(who: str, limits: Limits) -> Broken:
    return Broken(f"{who} needs more memory than {_so_many(limits.memory_bytes, 'bytes', 'memory_bytes')}", code="out_of_memory")


def file_too_large(who: str, limits: Limits) -> Broken:
    return Broken(f"{who} wrote a larger file than {_so_many(limits.file_bytes, 'bytes', 'file_bytes')}", code="file_too_large")


def disk_full(who: str) -> Hindered:
    return Hindered(f"{who} found no space left on the disk; make room where data_dir lies, then it goes on", code="disk_full")


def _so_many(most: float | None, unit: str, setting: str) -> str:
    return (
        f"the machine has (limits.{setting} is not set)" if most is None else f"the {most:,.0f} {unit} that limits.{setting} allows"
    )
