"""Media is touched only in child processes with limits on time, memory, CPU and file size.

`Children.run(work, *inputs)` calls a module-level function in a fresh process and returns what it returned. Inputs and result
travel as JSON described by the function's own annotations, never as pickles: a child taken over by a hostile file can only lie.
The function's last parameter is `report`, which it may call with the share done (0 … 1) as often as it likes.
"""

import contextlib
import ctypes
import importlib
import json
import os
import resource
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any, TypeVar, cast, get_type_hints

from pydantic import TypeAdapter

from pipeline.errors import AircheckError, Broken, Refused, Stopped, ToolFailed

T = TypeVar("T")
Report = Callable[[float], None]

GRACE_S = 5.0
LOOK_S = 0.2
PR_SET_NO_NEW_PRIVS = 38


def quiet(share: float) -> None:
    """A `Report` for nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one child may use; None is no limit. `nice` lowers its priority."""

    wall_s: float | None = 6 * 3600.0
    cpu_s: int | None = 24 * 3600
    memory_bytes: int | None = 4 << 30
    file_bytes: int | None = 16 << 30
    nice: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Children:
    """Starts children one after another under the same limits; `stop` ends the running one politely, then by force."""

    limits: Limits = field(default_factory=Limits)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self, work: Callable[..., T], *inputs: object, report: Report = quiet) -> T:
        """What `work(*inputs, report=…)` returns in a child of its own.

        Errors: what the child raised (`Refused`, `Broken`, `Stopped`), `ToolFailed` with the end of its stderr when it died,
        `Broken` when it ran out of time, `Stopped` when `stop` was set.
        """
        if self.stop.is_set():
            raise Stopped(f"{work.__name__} was not started: we are stopping")
        request = json.dumps({"limits": _as_dict(self.limits), "inputs": [_dumped(i) for i in inputs]})
        name = f"{work.__module__}:{work.__qualname__}"
        with _started(name, request) as (process, said):
            answer = _answer(process, self._ends_at(), self.stop, report, work.__name__)
            if answer is None:
                code = process.wait()
                tail = "\n".join(said)
                raise ToolFailed(_epitaph(work.__name__, code, tail), command=(name,), said=tail)
        return cast(T, _loaded(work, answer))

    def _ends_at(self) -> float:
        return float("inf") if self.limits.wall_s is None else time.monotonic() + self.limits.wall_s


# ---- the parent's side


@contextlib.contextmanager
def _started(name: str, request: str) -> Iterator[tuple[subprocess.Popen[bytes], deque[str]]]:
    said: deque[str] = deque(maxlen=40)
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline.child", name],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert process.stdin and process.stdout and process.stderr
    listener = threading.Thread(target=_keep_tail, args=(process.stderr, said), daemon=True)
    listener.start()
    try:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(request.encode() + b"\n")
            process.stdin.flush()  # and stays open: its end tells the child that we are gone
        yield process, said
    finally:
        end_group(process)
        listener.join(GRACE_S)
        for pipe in (process.stdin, process.stdout, process.stderr):
            with contextlib.suppress(OSError):
                pipe.close()


def _keep_tail(stream: IO[bytes], said: deque[str]) -> None:
    for line in stream:
        said.append(line.decode(errors="replace").rstrip()[:500])


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Ask the process's whole group to end, then make it; harmless when it has ended."""
    for sign, patience_s in ((signal.SIGTERM, GRACE_S), (signal.SIGKILL, None)):
        if process.poll() is None or sign is signal.SIGKILL:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, sign)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(patience_s)


def _answer(
    process: subprocess.Popen[bytes], ends_at: float, stop: threading.Event, report: Report, name: str
) -> dict[str, Any] | None:
    """The child's last line, or None when it ended without one."""
    assert process.stdout
    pending = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if stop.is_set():
                raise Stopped(f"{name} was stopped")
            if time.monotonic() > ends_at:
                raise Broken(f"{name} ran out of its time limit and was ended; raise limits.* if the room is really that long")
            if not selector.select(LOOK_S):
                continue
            chunk = os.read(process.stdout.fileno(), 1 << 16)
            if not chunk:
                return None
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                message = json.loads(line)
                if "progress" not in message:
                    return cast(dict[str, Any], message)
                report(float(message["progress"]))


def _loaded(work: Callable[..., Any], answer: dict[str, Any]) -> Any:
    if "result" in answer:
        return TypeAdapter(get_type_hints(work)["return"]).validate_python(answer["result"])
    kinds: dict[str, type[AircheckError]] = {"refused": Refused, "stopped": Stopped}
    raise kinds.get(answer["kind"], Broken)(answer["message"], code=answer["code"])


def _epitaph(name: str, code: int, tail: str) -> str:
    why = f"was killed by signal {-code} (out of memory?)" if code < 0 else f"ended with status {code}"
    last = tail.rsplit("\n", 1)[-1]
    return f"{name} {why}{': ' + last if last else ''}"


def _as_dict(limits: Limits) -> Any:
    return TypeAdapter(Limits).dump_python(limits, mode="json")


def _dumped(value: object) -> Any:
    return TypeAdapter(type(value)).dump_python(value, mode="json")


# ---- the child's side


def _limit(limits: Limits) -> None:
    for what, much in (
        (resource.RLIMIT_AS, limits.memory_bytes), (resource.RLIMIT_CPU, limits.cpu_s), (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_CORE, 0),
    ):  # fmt: skip
        if much is not None:
            hard = resource.getrlimit(what)[1]
            resource.setrlimit(what, (much if hard == resource.RLIM_INFINITY else min(much, hard), hard))
    os.nice(limits.nice)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _die_with_parent() -> None:
    while os.read(0, 1 << 12):
        pass
    os.killpg(0, signal.SIGKILL)


def _tell(pipe: IO[str], **message: object) -> None:
    pipe.write(json.dumps(message) + "\n")
    pipe.flush()


def _serve(name: str, pipe: IO[str]) -> None:
    request = json.loads(sys.stdin.readline())
    threading.Thread(target=_die_with_parent, daemon=True).start()
    _limit(Limits(**request["limits"]))
    module, _, function = name.partition(":")
    work = getattr(importlib.import_module(module), function)
    hints = list(get_type_hints(work).items())
    inputs = [TypeAdapter(hint).validate_python(value) for (_, hint), value in zip(hints, request["inputs"], strict=False)]
    try:
        result = work(*inputs, report=lambda share: _tell(pipe, progress=share))
    except AircheckError as error:
        kind = "refused" if isinstance(error, Refused) else "stopped" if isinstance(error, Stopped) else "broken"
        _tell(pipe, kind=kind, code=error.code, message=str(error))
    except MemoryError:
        _tell(pipe, kind="broken", code="out_of_memory", message=f"{function} needs more than limits.memory_bytes allows")
    except OSError as error:
        _tell(pipe, kind="broken", code="os_error", message=f"{function}: {error.strerror}: {error.filename or ''}".rstrip(": "))
    else:
        _tell(pipe, result=TypeAdapter(get_type_hints(work)["return"]).dump_python(result, mode="json"))


if __name__ == "__main__":
    # Libraries may print; the answer has a pipe of its own and stdout goes where stderr goes.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    _serve(sys.argv[1], answers)
