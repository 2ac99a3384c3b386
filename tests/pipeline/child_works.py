"""What the children of test_child do; they find it on their path."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from pipeline.child import Report
from pipeline.errors import Broken, Refused, Stopped


@dataclass(frozen=True, kw_only=True)
class Wish:
    name: str
    folder: Path
    sizes: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Gift:
    wish: Wish
    total: float
    nothing: float | None = None


def give(wish: Wish, factor: float, report: Report) -> Gift:
    print("this is no answer")
    for share in (0.25, 0.5, 1.0):
        report(share)
    return Gift(wish=wish, total=sum(wish.sizes) * factor)


def fail(how: str, report: Report) -> int:
    raise {"refused": Refused, "broken": Broken, "stopped": Stopped}[how](f"{how} on purpose", code=f"{how}_code")


def trip(report: Report) -> int:
    sys.stderr.write("about to trip\n")
    return int("no number")


def hoard(report: Report) -> int:
    return len(bytearray(3 << 30))


def write_much(path: Path, report: Report) -> int:
    return path.write_bytes(bytes(50 << 20))


def open_missing(path: Path, report: Report) -> int:
    return len(path.read_bytes())


def spin(report: Report) -> int:
    while True:
        pass


def vanish(report: Report) -> int:
    os._exit(7)


def sleep_with_a_grandchild(mark: Path, report: Report) -> int:
    process = subprocess.Popen(["sleep", "60"])
    mark.write_text(f"{os.getpid()} {process.pid}")
    time.sleep(60)
    return 0


def priority(report: Report) -> int:
    return os.nice(0)
