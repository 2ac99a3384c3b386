"""What the children of test_child do; they find it on their path."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pipeline.child import Report
from pipeline.errors import Broken, Hindered, Refused, Stopped
from pipeline.piped import run

SHELL = ("/bin/sh", "-c")
# The pipe that answers go through: the first behind the usual three.
ANSWERS = 3


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
    kinds = {"refused": Refused, "broken": Broken, "hindered": Hindered, "stopped": Stopped}
    raise kinds[how](f"{how} on purpose", code=f"{how}_code")


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


def grab_in_c(report: Report) -> int:
    os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc\n")
    os.abort()


def write_much_in_a_program(path: Path, report: Report) -> int:
    run([*SHELL, f"exec head -c 50000000 /dev/zero > {path}"])
    return 0


def spin_in_a_program(report: Report) -> int:
    run([*SHELL, "while :; do :; done"])
    return 0


def spin_regardless(report: Report) -> int:
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    return spin(report)


def hang(report: Report) -> int:
    time.sleep(60)
    return 0


def hang_after_closing_its_answers(report: Report) -> int:
    os.close(ANSWERS)
    return hang(report)


def find_no_room(why: str, report: Report) -> int:
    code = getattr(errno, why)
    try:
        raise OSError(code, os.strerror(code))
    except OSError as error:
        raise ValueError("as a library may say it") from error


def leave_a_grandchild(mark: Path, report: Report) -> int:
    return subprocess.Popen(["sleep", "60"]).pid


def leave_a_grandchild_in_the_background(mark: Path, report: Report) -> int:
    subprocess.run([*SHELL, f"(trap '' TERM HUP; sleep 60) & echo $! > {mark}"], check=True)
    return int(mark.read_text())


def ignore_being_asked(mark: Path, report: Report) -> int:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    mark.write_text(f"{os.getpid()} {subprocess.Popen(['sleep', '60']).pid}")
    report(0.5)
    return hang(report)


def try_to_leave(how: str, report: Report) -> str:
    try:
        os.setsid() if how == "setsid" else os.setpgid(0, 0)
    except OSError as error:
        return os.strerror(error.errno)
    return "left"


def _say(words: bytes) -> int:
    os.write(ANSWERS, words)
    time.sleep(60)
    return 0


def say_garbage(report: Report) -> int:
    return _say(b"\xff\x00 no json\n")


def say_no_object(report: Report) -> int:
    return _say(b"[1, 2]\n")


def say_no_number(report: Report) -> int:
    return _say(b'{"progress": NaN}\n')


def say_a_deep_thing(report: Report) -> int:
    return _say(b"[" * 100_000 + b"\n")


def say_another_type(report: Report) -> int:
    return _say(b'{"result": {"path": "/etc/passwd"}}\n')


def flood_with_progress(report: Report) -> int:
    while True:
        report(0.5)


def flood_with_one_line(report: Report) -> int:
    while True:
        os.write(ANSWERS, b"x" * 60_000)


def complain_without_end(report: Report) -> int:
    said = 0
    while said < 200 << 20:
        said += os.write(2, b"x" * (1 << 20))
    return said


def _policy() -> int:
    return os.sched_getscheduler(threading.get_native_id())


def policies(report: Report) -> tuple[int, ...]:
    with ThreadPoolExecutor() as pool:
        thread = pool.submit(_policy).result()
    asked = [sys.executable, "-c", "import os; print(os.sched_getscheduler(0))"]
    return _policy(), thread, int(subprocess.run(asked, capture_output=True, check=True).stdout)


def busy_s(cpu: int, go: Path, report: Report) -> float:
    """Processor seconds in the time named in `go` of somebody who always wants that processor."""
    os.sched_setaffinity(0, {cpu})
    report(0.0)
    while not go.exists():
        time.sleep(0.01)
    ends_at, began_s = float(go.read_text()), time.process_time()
    while time.monotonic() < ends_at:
        pass
    return time.process_time() - began_s
