"""Media is touched only in child processes with limits on time, memory, CPU and file size.

`Children.run(work, *inputs)` calls a module-level function in a fresh process and returns what it returned. Inputs and result
travel as JSON described by the function's own annotations, never as pickles: a child taken over by a hostile file can only lie.
The function's last parameter is `report`, which it may call with the share done (0 … 1) as often as it likes. The child's own side
is `pipeline/child_main.py`.
"""

import contextlib
import json
import math
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import IO, Any, TypeVar, cast, get_type_hints

from pydantic import TypeAdapter

from pipeline.errors import AircheckError, Broken, Hindered, Refused, Stopped, ToolFailed
from pipeline.limits import Limits, exhausted, out_of_time

T = TypeVar("T")
Report = Callable[[float], None]
Message = dict[str, Any]

GRACE_S = 5.0
LOOK_S = 0.2
CHUNK_BYTES = 1 << 16
# All that a child may say: progress and one answer; and how much of its complaints is kept.
MOST_BYTES = 64 << 20
TAIL_BYTES = 16 << 10
WORDS = 500
# Its matrices are small: several threads would only wait for one another, and answer differently by how many they are.
ALONE = {"OPENBLAS_NUM_THREADS": "1"}


def quiet(share: float) -> None:
    """A `Report` for nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Children:
    """Starts children one after another under the same limits; `stop` ends the running one politely, then by force."""

    limits: Limits = field(default_factory=Limits)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self, work: Callable[..., T], *inputs: object, report: Report = quiet) -> T:
        """What `work(*inputs, report=…)` returns in a child of its own.

        Errors: what the child raised (`Refused`, `Broken`, `Hindered`, `Stopped`), `Broken` with the limit's name when it used one
        up or gave a wrong answer, `ToolFailed` with the end of its stderr when it died, `Stopped` when `stop` was set.
        """
        name = work.__name__
        if self.stop.is_set():
            raise Stopped(f"{name} was not started: we are stopping")
        request = json.dumps({"limits": _dumped(self.limits), "inputs": [_dumped(i) for i in inputs]})
        command = f"{work.__module__}:{work.__qualname__}"
        with _started(command) as process, _Talk(process, request.encode() + b"\n") as talk:
            answer = self._answer(talk, name, report)
            if answer is None:
                raise _epitaph(name, self.limits, process, talk.tail, command)
        return cast(T, _loaded(work, answer))

    def _answer(self, talk: "_Talk", name: str, report: Report) -> Message | None:
        """The child's answer, or None when it ended without one."""
        ends_at = math.inf if self.limits.wall_s is None else time.monotonic() + self.limits.wall_s
        for message in talk.messages(name):
            if self.stop.is_set():
                raise Stopped(f"{name} was stopped")
            if time.monotonic() > ends_at:
                raise out_of_time(name, self.limits)
            if message is None:
                continue
            if "progress" not in message:
                return message
            report(_share(name, message["progress"]))
        return None


# ---- its process


@contextlib.contextmanager
def _started(command: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline.child_main", command],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, bufsize=0,
        env={**os.environ, **ALONE},
    )  # fmt: skip
    try:
        yield process
    finally:
        _end_group(process)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Ask the child to end, then make its whole group."""
    if not _ends_within(process, 0):
        _signal(process, signal.SIGTERM)
        _ends_within(process, GRACE_S)
    # Its number stays the group's until somebody waits for it: nobody else can be hit.
    _signal(process, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_S)


def _signal(process: subprocess.Popen[bytes], sign: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, sign)


def _ends_within(process: subprocess.Popen[bytes], patience_s: float) -> bool:
    """Whether it ends in that time; it is not waited for, so that its number stays its own."""
    ends_at = time.monotonic() + patience_s
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if time.monotonic() > ends_at:
            return False
        time.sleep(0.01)
    return True


def _epitaph(name: str, limits: Limits, process: subprocess.Popen[bytes], tail: bytes, command: str) -> Broken:
    """Why it ended without an answer."""
    if not _ends_within(process, GRACE_S):
        return Broken(f"{name} goes on without being able to answer, and was ended", code="bad_answer")
    found = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert found
    by_signal = found.si_code != os.CLD_EXITED
    said = tail.decode(errors="replace").strip()
    last = said.rpartition("\n")[2][:WORDS]
    if spent := exhausted(name, limits, status=-found.si_status if by_signal else found.si_status, said=last):
        return spent
    why = f"was killed by signal {found.si_status} (out of memory?)" if by_signal else f"ended with status {found.si_status}"
    return ToolFailed(f"{name} {why}{': ' + last if last else ''}", command=(command,), said=said)


# ---- what is said


class _Talk:
    """What goes through a child's three pipes; nothing it does with them can hold us or fill our memory."""

    def __init__(self, process: subprocess.Popen[bytes], request: bytes) -> None:
        assert process.stdin and process.stdout and process.stderr
        self.request, self.answers, self.complaints = process.stdin, process.stdout, process.stderr
        self.unsent = memoryview(request)
        self.tail = b""
        self._pending = bytearray()
        self._heard_bytes = 0
        self._selector = selectors.DefaultSelector()
        for pipe in self._pipes:
            os.set_blocking(pipe.fileno(), False)
            self._selector.register(pipe, selectors.EVENT_WRITE if pipe is self.request else selectors.EVENT_READ)

    @property
    def _pipes(self) -> tuple[IO[bytes], ...]:
        return self.request, self.answers, self.complaints

    def __enter__(self) -> "_Talk":
        return self

    def __exit__(self, *_: object) -> None:
        self._selector.close()
        for pipe in self._pipes:
            pipe.close()

    def messages(self, name: str) -> Iterator[Message | None]:
        """Each message as it comes, and None now and then so that somebody can look at the clock; until no more can come."""
        listening = True
        while listening:
            yield None
            for key, _ in self._selector.select(LOOK_S):
                if key.fileobj is self.request:
                    self._send()
                elif key.fileobj is self.complaints:
                    self._complained()
                elif chunk := _read(self.answers):
                    yield from map(partial(_parsed, name), self._lines(chunk, name))
                else:
                    listening = False
        self._complained()

    def _send(self) -> None:
        """Hand over what fits of the request; the pipe stays open: its end tells the child that we are gone."""
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            self.unsent = self.unsent[os.write(self.request.fileno(), self.unsent[:CHUNK_BYTES]) :]
            if self.unsent:
                return
        self._selector.unregister(self.request)

    def _complained(self) -> None:
        if chunk := _read(self.complaints):
            self.tail = (self.tail + chunk)[-TAIL_BYTES:]
        elif chunk is not None and self.complaints in self._selector.get_map():
            self._selector.unregister(self.complaints)

    def _lines(self, chunk: bytes, name: str) -> list[bytearray]:
        self._heard_bytes += len(chunk)
        if self._heard_bytes > MOST_BYTES:
            raise Broken(f"{name} answers with more than {MOST_BYTES:,} bytes", code="bad_answer")
        if b"\n" not in chunk:
            self._pending += chunk
            return []
        *lines, self._pending = (self._pending + chunk).split(b"\n")
        return lines


def _read(pipe: IO[bytes]) -> bytes | None:
    """What has come; empty at the end, None when there is nothing yet."""
    try:
        return os.read(pipe.fileno(), CHUNK_BYTES)
    except BlockingIOError:
        return None


def _parsed(name: str, line: bytearray) -> Message:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise _wrong(name, bytes(line[:80]))
    return message


def _share(name: str, said: object) -> float:
    if isinstance(said, (int, float)) and math.isfinite(said):
        return min(max(float(said), 0.0), 1.0)
    raise _wrong(name, said)


def _loaded(work: Callable[..., Any], answer: Message) -> Any:
    if "result" not in answer:
        raise _raised(work.__name__, answer)
    try:
        return TypeAdapter(get_type_hints(work)["return"]).validate_python(answer["result"])
    except (ValueError, RecursionError) as error:
        raise _wrong(work.__name__, answer["result"]) from error


KINDS: dict[str, type[AircheckError]] = {"refused": Refused, "stopped": Stopped, "hindered": Hindered, "broken": Broken}


def kind_of(error: AircheckError) -> str:
    """The kind of error as the two sides of a child call it."""
    return next(kind for kind, known in KINDS.items() if isinstance(error, known))


def _raised(name: str, answer: Message) -> AircheckError:
    kind, code, message = (str(answer.get(part, ""))[:WORDS] for part in ("kind", "code", "message"))
    return KINDS[kind](message, code=code) if kind in KINDS else _wrong(name, answer)


def _wrong(name: str, said: object) -> Broken:
    return Broken(f"{name} gave an answer that is none: {str(said)[:80]!r}", code="bad_answer")


def _dumped(value: object) -> Any:
    return TypeAdapter(type(value)).dump_python(value, mode="json")
