"""Where a worker process may die: named points before and after every commit, every write into a store, every bell and every ack.

`Points` is called with the name of each point as it is passed. What it does there, the environment says:

    CRASH_AT    the point at which the process ends itself with kill -9
    CRASH_NTH   at its n-th passing (1)
    FREEZE_AT   the point at which it stands still until it is woken
    STOP_AT     the point at which it is asked to stop politely
    REACHED     a file that notes every point when it is first passed
"""

import os
import resource
import signal
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

COMMITS = ("intake", "claim audio", "claim words", "claim feed", "heartbeat", "finish audio", "finish words", "finish feed",
           "fail audio", "give back audio", "sweep", "bury")  # fmt: skip
PUTS = ("public audio", "public cover", "public document", "public page", "public asset", "public feed", "private audio",
        "private measures", "private words", "private slice", "private note")  # fmt: skip
# Where half a write is worth telling from none: of each kind of content one.
HALVES = ("public audio", "public page", "public feed", "private words", "private note")
DELETES = ("public feed", "public document")
BELLS = ("ring", "ack")

POINTS: Sequence[str] = (
    *(f"{when} commit of {what}" for what in COMMITS for when in ("before", "after")),
    *(f"{when} put of {what}" for what in PUTS for when in ("before", "half", "after") if when != "half" or what in HALVES),
    *(f"{when} delete of {what}" for what in DELETES for when in ("before", "after")),
    *(f"{when} {what}" for what in BELLS for when in ("before", "after")),
)


class Points:
    """Passed by name; counts, notes, and does at each what the environment says."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._crash_at = environment.get("CRASH_AT", "")
        self._nth = int(environment.get("CRASH_NTH") or 1)
        self._freeze_at = environment.get("FREEZE_AT", "")
        self._stop_at = environment.get("STOP_AT", "")
        self._reached = Path(environment["REACHED"]) if environment.get("REACHED") else None
        self._passed: Counter[str] = Counter()
        self._lock = threading.Lock()
        # how this process is asked to stop
        self.stop: Callable[[], object] = lambda: None
        # held while it stands still, so that no other thread of it is in the middle of writing
        self.turn: AbstractContextManager[object] = nullcontext()

    def __call__(self, point: str) -> None:
        """Pass that point, or not."""
        if self._is_due(point, self._crash_at):
            os.kill(os.getpid(), signal.SIGKILL)
        if point == self._freeze_at:
            self._freeze_at = ""
            with self.turn:
                os.kill(os.getpid(), signal.SIGSTOP)
        if point == self._stop_at:
            self._stop_at = ""
            self.stop()

    def dies_in(self, point: str) -> bool:
        """Whether the process is to die at that point, which is in the middle of something."""
        return self._is_due(point, self._crash_at)

    def _is_due(self, point: str, where: str) -> bool:
        with self._lock:
            self._passed[point] += 1
            if self._reached and self._passed[point] == 1:
                with self._reached.open("a") as file:
                    file.write(f"{point}\n")
            return point == where and self._passed[point] == self._nth


def no_file_beyond(size_bytes: int) -> None:
    """From now on no file may grow larger: whoever writes on is killed, whichever file it is."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, resource.RLIM_INFINITY))


def may_die_writing() -> None:
    """Called once by the main thread: a write beyond the limit kills, where Python would only raise."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)


if __name__ == "__main__":
    print("\n".join(POINTS))
