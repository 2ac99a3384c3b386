"""A process is told to end, by SIGTERM or Ctrl-C. From then on it has a quarter of a minute to live, whatever holds it up."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

log = structlog.get_logger(__name__)

# Jobs are given back within seconds; what still hangs then, such as an upload, is left to its lease.
LEAVE_S = 14.0
LOOK_S = 1.0


@contextmanager
def told_to_end(*, leashed: bool = False) -> Iterator[threading.Event]:
    """While inside, SIGTERM and Ctrl-C set the event and nothing else; in the main thread alone.

    On a leash, so does the end of whoever started this process: the other end of its input is theirs, and nothing is said on it.
    """
    told = threading.Event()

    def hear(*_: object) -> None:
        if not told.is_set():
            told.set()
            last_resort = threading.Timer(LEAVE_S, _end_at_once)
            last_resort.daemon = True
            last_resort.start()

    if leashed:
        threading.Thread(target=_listen, args=(hear,), name="leash", daemon=True).start()
    before = {sign: signal.signal(sign, hear) for sign in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield told
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)


def wait_until(told: threading.Event) -> None:
    """Return once we are told to end. For the main thread, which must move now and then to hear it.

    The system may hand a signal to any thread, above all in a process that wakes from a standstill; Python hears it in this alone.
    """
    while not told.wait(LOOK_S):
        pass


def _listen(hear: Callable[[], object]) -> None:
    while os.read(0, 1):
        pass
    hear()


def _end_at_once() -> None:
    log.error("ended_at_once", why=f"something hung for {LEAVE_S:.0f} s", next="its jobs run again elsewhere within a minute")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)
