"""Programs at the other end of a pipe, inside limited children: they share the child's process group, and end with it."""

import fcntl
import queue
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO

from pipeline.errors import Broken, ToolFailed
from pipeline.limits import exhausted, of_this_process

# Chunks on their way to a program: it has work while we make the next.
AHEAD = 2
PIPE_BYTES = 1 << 20
SAID_LINES, LINE_BYTES = 40, 500


@contextmanager
def running(command: Sequence[str], who: str = "ffmpeg") -> Iterator[Callable[[bytes], None]]:
    """Yields what feeds the program's stdin; leaving waits for its end. ToolFailed as soon as that was a bad one."""
    with _program(command, who, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as program:
        chunks: queue.Queue[bytes] = queue.Queue(AHEAD)
        _thread(_feed, program.pipe, chunks)

        def feed(chunk: bytes) -> None:
            if program.process.poll() is not None:
                raise program.failure()
            chunks.put(chunk)

        yield feed
        chunks.put(b"")


@contextmanager
def output_of(command: Sequence[str], told: bytes, who: str) -> Iterator[Callable[[int], bytearray]]:
    """Yields what reads so many bytes of the program's stdout, `told` being its stdin; leaving waits for its end.

    ToolFailed when there are fewer.
    """
    with _program(command, who, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.process.stdin
        with suppress(BrokenPipeError), program.process.stdin as pipe:
            pipe.write(told)

        def read(size: int) -> bytearray:
            chunk = bytearray(size)
            if program.pipe.readinto(chunk) < size:  # type: ignore[attr-defined]
                program.process.wait()
                raise program.failure()
            return chunk

        yield read


def run(command: Sequence[str]) -> None:
    """Run to the end. ToolFailed when that is a bad one."""
    with running(command):
        pass


class _Program:
    """A process, what it says on stderr, and our end of its pipe."""

    def __init__(self, process: "subprocess.Popen[bytes]", command: Sequence[str], who: str) -> None:
        assert process.stderr
        pipe = process.stdout or process.stdin
        assert pipe
        self.process, self.command, self.who, self.pipe = process, command, who, pipe
        self.said: deque[str] = deque(maxlen=SAID_LINES)
        self.listener = _thread(_listen, process.stderr, self.said)

    def failure(self) -> Broken:
        """Why it ended."""
        self.listener.join()
        lines, code = list(self.said) or ["it said nothing"], self.process.returncode
        spent = exhausted(self.who, of_this_process(), status=code, said="\n".join(lines))
        what = f"{self.who} ended with status {code}: {lines[-1]}"
        return spent or ToolFailed(what, command=self.command, said="\n".join(lines))


@contextmanager
def _program(command: Sequence[str], who: str, *, stdin: int, stdout: int) -> Iterator[_Program]:
    process = subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE)
    program = _Program(process, command, who)
    _widen(program.pipe)
    try:
        yield program
        process.wait()
    finally:
        process.kill()
        process.wait()
        program.listener.join()
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()
    if process.returncode:
        raise program.failure()


def _widen(pipe: IO[bytes]) -> None:
    """Fewer wake-ups, where the system knows how."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def _thread(work: Callable[..., None], *arguments: object) -> threading.Thread:
    thread = threading.Thread(target=work, args=arguments, daemon=True)
    thread.start()
    return thread


def _listen(stream: IO[bytes], said: deque[str]) -> None:
    while line := stream.readline(LINE_BYTES):
        said.append(line.decode(errors="replace").rstrip())


def _feed(pipe: IO[bytes], chunks: "queue.Queue[bytes]") -> None:
    """Write until the empty chunk; when nobody reads any more, go on taking chunks so that nobody waits for us."""
    broken = False
    while chunk := chunks.get():
        if not broken:
            try:
                pipe.write(chunk)
            except OSError:
                broken = True
    with suppress(OSError):
        pipe.close()
