"""Worker processes at once: a warm nursery forks each, so that a test pays for what a process does and not for how it starts."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

WORKER = Path(__file__).with_name("crashing_worker.py")
TESTS = WORKER.parent.parent


class Nursery:
    """The parent of worker processes; ended with `close`, and all its children with it."""

    def __init__(self, log: Path) -> None:
        paths = os.pathsep.join(map(str, (TESTS.parent, TESTS, WORKER.parent)))
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("AIRCHECK_", "AWS_"))}
        self._said = log.open("ab")
        self._process = subprocess.Popen(
            [sys.executable, str(WORKER)], env={**clean, "PYTHONPATH": paths}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self._said,
        )  # fmt: skip

    def here(self, work: str, environment: Mapping[str, str]) -> None:
        """Work in the nursery itself, which is warm from then on."""
        left = self._order(work=work, environment=dict(environment), here=True)["threads"]
        assert not left, f"threads are left: {left}"

    def fork(self, work: str, environment: Mapping[str, str]) -> int:
        """The pid of a process that does that work."""
        return int(self._order(work=work, environment=dict(environment))["pid"])

    def wait(self, pid: int) -> int:
        """The status with which it ended; below zero is a signal."""
        return int(self._order(wait=pid)["status"])

    def run(self, work: str, environment: Mapping[str, str]) -> int:
        """Fork and wait."""
        return self.wait(self.fork(work, environment))

    def close(self) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()
        self._said.close()

    def _order(self, **order: Any) -> dict[str, Any]:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"the nursery has ended; see {self._said.name}"
        return dict(json.loads(answer))
