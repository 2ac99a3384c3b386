"""`aircheck work` at several queues: one process for each, watched over by this one, as a service manager would.

A queue's process is the unit that may die: what ends it (a killer of memory hogs, a library) ends no other queue's work. It is
started again at once, and later and later when it does not live long. It holds one end of a pipe whose other end is ours: when we
are gone, however that came, it ends politely.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from workers.ending import told_to_end
from workers.logs import set_up
from workers.settings import load
from workers.wiring import open_house

log = structlog.get_logger(__name__)

LOOK_S = 0.2
# A process that has lived so long has earned to be started again at once.
GROWN_UP_S = 60.0
LONGEST_PAUSE_S = 30.0
# Processes end by themselves before this.
PATIENCE_S = 13.0


def supervise(queues: Sequence[str], options: Sequence[str] = ()) -> None:
    """Work at each queue in a process of its own until SIGTERM or Ctrl-C; it ends within 15 s, and all of them with it.

    Errors: those of `open_house`, before any process is started.
    """
    settings = load()
    set_up(secrets=settings.secrets)
    with open_house(settings):
        pass  # what cannot work at all is told once, and not by each of them again and again
    wards = [Ward(command=(*command_of(queue), *options), name=queue) for queue in queues]
    with told_to_end() as told:
        log.info("supervising", queues=list(queues))
        if not settings.redis_url:
            log.info("no_redis", why="bells do not ring from process to process", next="each looks for work every 5 s")
        try:
            while not told.wait(LOOK_S):
                for ward in wards:
                    ward.look_after()
        finally:
            end_all(wards)


def command_of(queue: str) -> tuple[str, ...]:
    """How the process of a queue is started."""
    return (sys.executable, "-m", "workers.cli", "work", "--queues", queue, "--leashed")


def pause_s(deaths: int) -> float:
    """Seconds before a process is started again that died young so often in a row."""
    return 0.0 if deaths == 0 else min(2.0 ** (deaths - 1), LONGEST_PAUSE_S)


@dataclass(kw_only=True)
class Ward:
    """One process that shall be there."""

    command: tuple[str, ...]
    name: str
    process: subprocess.Popen[bytes] | None = None
    deaths: int = field(default=0, init=False)
    _started_at: float = field(default=0.0, init=False)
    _starts_at: float = field(default=0.0, init=False)

    def look_after(self) -> None:
        """Start it where it is not there, and its time has come."""
        if self.process is None:
            if time.monotonic() >= self._starts_at:
                self._started_at = time.monotonic()
                self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE)
        elif (status := self.process.poll()) is not None:
            self._bury(status)

    def _bury(self, status: int) -> None:
        assert self.process and self.process.stdin
        self.process.stdin.close()
        lived_s = time.monotonic() - self._started_at
        self.deaths = 0 if lived_s >= GROWN_UP_S else self.deaths + 1
        wait_s = pause_s(self.deaths)
        self.process, self._starts_at = None, time.monotonic() + wait_s
        log.warning("worker_ended", queue=self.name, status=status, lived_s=round(lived_s, 1), next=f"again in {wait_s:.0f} s")


def end_all(wards: Sequence[Ward]) -> None:
    """Ask all to end, and make those that do not."""
    processes = [ward.process for ward in wards if ward.process]
    for process in processes:
        process.terminate()
    gives_up_at = time.monotonic() + PATIENCE_S
    for process in processes:
        try:
            process.wait(max(0.0, gives_up_at - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
