"""What a piece of work cost: seconds of wall clock and of processors, by what they were spent on, and memory."""

import os
import resource
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Self

from pipeline.ffmpeg import find

LOOK_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Seconds; of processors in programs (`user`) and in the kernel for them (`system`)."""

    wall_s: float
    user_s: float
    system_s: float

    @property
    def cpu_s(self) -> float:
        return self.user_s + self.system_s

    def __sub__(self, other: Self) -> "Cost":
        return Cost(
            wall_s=self.wall_s - other.wall_s, user_s=self.user_s - other.user_s, system_s=self.system_s - other.system_s
        )  # fmt: skip


@dataclass
class Spent:
    """The costs of some work, by what they were spent on."""

    costs: dict[str, Cost] = field(default_factory=dict)

    @contextmanager
    def on(self, what: str) -> Iterator[None]:
        before = _now()
        yield
        self.costs[what] = _now() - before

    @property
    def total(self) -> Cost:
        """Of all of it."""
        costs = self.costs.values()
        return Cost(
            wall_s=sum(cost.wall_s for cost in costs), user_s=sum(cost.user_s for cost in costs),
            system_s=sum(cost.system_s for cost in costs),
        )  # fmt: skip

    def told(self, title: str) -> None:
        """Print it line by line."""
        print(f"\n{title}")
        for what, cost in {**self.costs, "together": self.total}.items():
            print(f"  {what:<28}{cost.wall_s:8.1f} s wall{cost.cpu_s:8.1f} s CPU")


def _now() -> Cost:
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return Cost(wall_s=time.monotonic(), user_s=sum(use.ru_utime for use in both), system_s=sum(use.ru_stime for use in both))


def cost_of(command: Sequence[str]) -> Cost:
    """What one program cost, whatever runs beside it. RuntimeError when it failed."""
    began, process = time.monotonic(), subprocess.Popen(command)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with status {process.returncode}")
    return Cost(wall_s=time.monotonic() - began, user_s=used.ru_utime, system_s=used.ru_stime)


def ffmpeg(*arguments: str) -> list[str]:
    """The command of a plain ffmpeg, the same that ours would take."""
    return [find(), "-nostdin", "-v", "error", "-y", *arguments]


# ---- in a process of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What was resident at most: of one process, and of all at the same moment, pages that they share counted for each."""

    largest_mb: float = 0.0
    together_mb: float = 0.0

    def with_look(self, sizes: Mapping[str, Sequence[float]]) -> "Memory":
        """The same after another look at (now, at most) of each process."""
        largest = max((most for _, most in sizes.values()), default=0.0)
        return Memory(
            largest_mb=max(self.largest_mb, largest), together_mb=max(self.together_mb, sum(now for now, _ in sizes.values()))
        )  # fmt: skip


def apart(work: Callable[..., Any], *inputs: object) -> Any:
    """What `work(*inputs)` returns in a process of its own, which nothing measured later has grown from."""
    return watched(work, *inputs)[0]


def watched(work: Callable[..., Any], *inputs: object) -> tuple[Any, Memory]:
    """The same, and how much memory that process and all it started took; looked at from outside, ten times a second."""
    memory = Memory()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        pid = processes.submit(os.getpid).result()
        going_on = processes.submit(work, *inputs)
        while not going_on.done():
            memory = memory.with_look(_sizes_mb(pid))
            wait([going_on], LOOK_S)
        return going_on.result(), memory


def _sizes_mb(pid: int) -> dict[str, tuple[float, float]]:
    """(now, at most) resident of a process and of everything it started, by number."""
    told = {path.name: _status(path) for path in Path("/proc").iterdir() if path.name.isdigit()}
    family = {str(pid)}
    while more := {name for name, one in told.items() if one.get("PPid") in family} - family:
        family |= more
    return {name: (_mb(told[name], "VmRSS"), _mb(told[name], "VmHWM")) for name in family if name in told}


def _status(process: Path) -> dict[str, str]:
    """The lines of /proc/PID/status; nothing of a process that has ended."""
    try:
        lines = (process / "status").read_text().splitlines()
    except OSError:
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _mb(status: Mapping[str, str], name: str) -> float:
    return int(status.get(name, "0 kB").split()[0]) / 1024
