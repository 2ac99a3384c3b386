"""Hosts: real worker processes, each with its own scratch and, where the system lets us, a machine's name of its own.

A host on a machine of its own has its own UTS namespace: it calls itself by another name, so that nobody else can see whether its
process lives, and only the end of its lease tells.
"""

import functools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import Refused
from workers.ledger import QUEUES

ENDS_S = 60.0
OWN_NAME = 'hostname "$0" && exec "$@"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a host works."""

    # None: with the real bodies, as `aircheck work`
    speed: float | None = None
    words_speed: float | None = None
    lease_s: float | None = None
    queues: Sequence[str] = ()
    # a machine of its own instead of this one
    elsewhere: bool = False
    # so far its clock is ahead
    ahead_s: float = 0.0
    settings: Mapping[str, str] = field(default_factory=dict)


class Host:
    """One process group of workers; `environment` is everything it is told, its log lies beside its folder."""

    def __init__(self, name: str, folder: Path, plan: Plan, environment: Mapping[str, str]) -> None:
        self.name = name
        self.folder = folder
        self.plan = plan
        self.environment = {**environment, **(_clock(plan.ahead_s) if plan.ahead_s else {})}
        self.log = folder.with_suffix(".log")
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def scratch(self) -> Path:
        """Where its running jobs have their files."""
        return self.folder / "scratch"

    @property
    def pid(self) -> int:
        """Of the process that was started, and of its group."""
        assert self.process, f"{self.name} does not run"
        return self.process.pid

    @property
    def queues(self) -> set[str]:
        """Where it works."""
        return set(self.plan.queues or QUEUES)

    def has(self, pid: int) -> bool:
        """Whether that process is one of its own; a worker may be watched over by another."""
        try:
            return os.getpgid(pid) == self.pid
        except ProcessLookupError:
            return False

    def start(self) -> None:
        """Begin; it works a moment later."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command(), env=self.environment, cwd=self.folder, stdout=log, stderr=log, start_new_session=True
            )  # fmt: skip

    def kill(self) -> None:
        """As a power cut: the whole group, at once."""
        self._end(signal.SIGKILL)

    def stop(self) -> float:
        """Politely; seconds until it had ended."""
        began = time.monotonic()
        self._end(signal.SIGTERM)
        return time.monotonic() - began

    def freeze(self) -> None:
        """Stand still, as a machine that swaps or a virtual one that is moved."""
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on as if nothing had been."""
        os.killpg(self.pid, signal.SIGCONT)

    def is_running(self) -> bool:
        """Whether its process has not ended."""
        return self.process is not None and self.process.poll() is None

    def ask_to_stop(self) -> None:
        """Politely, without waiting for it."""
        self._signal(signal.SIGTERM)

    def _signal(self, sign: signal.Signals) -> None:
        if self.is_running():
            os.killpg(self.pid, sign)

    def _end(self, sign: signal.Signals) -> None:
        if self.process is None:
            return
        self._signal(sign)
        try:
            self.process.wait(ENDS_S)
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self.process = None

    def _command(self) -> list[str]:
        plan = self.plan
        if plan.speed is None:
            work = [sys.executable, "-m", "workers.cli", "work"]
        else:
            work = [sys.executable, "-m", "bench.trial.host", str(plan.speed)]
        told = {"--words-speed": plan.words_speed, "--lease": plan.lease_s, "--queues": ",".join(plan.queues) or None}
        work += [str(word) for name, value in told.items() if value is not None for word in (name, value)]
        return [*machine_of_its_own(), "sh", "-c", OWN_NAME, self.name, *work] if plan.elsewhere else work


def stop_all(hosts: Sequence[Host]) -> None:
    """Politely, all at once; each has ended when this returns."""
    for host in hosts:
        host.ask_to_stop()
    for host in hosts:
        host.stop()


@functools.cache
def machine_of_its_own() -> tuple[str, ...]:
    """The command before a command that gives it a machine's name of its own. Errors: `Refused` where that may not be."""
    for words in (("unshare", "--uts"), ("unshare", "--map-root-user", "--uts")):
        if shutil.which(words[0]) and subprocess.run([*words, "hostname", "try"], capture_output=True, check=False).returncode == 0:
            return words
    raise Refused("a host cannot have a name of its own here: unshare --uts is not allowed", code="no_namespaces")


def _clock(ahead_s: float) -> dict[str, str]:
    """The environment of a process whose clock is ahead, but not its stop watches."""
    library = fake_clock()
    if library is None:
        raise Refused("clocks cannot be turned here: libfaketime is not installed (Debian: faketime)", code="no_faketime")
    return {"LD_PRELOAD": str(library), "FAKETIME": f"{ahead_s:+.0f}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def fake_clock() -> Path | None:
    """The library that turns a process's clock, or None where it is not installed."""
    return next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)
