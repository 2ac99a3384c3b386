"""Programs that are fed through their stdin, inside limited children: they share the child's process group, and end with it."""

import queue
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO

from pipeline.errors import Broken, ToolFailed
from pipeline.limits import exhausted, of_this_process

# Chunks on their way to a program: it has work while we make the next.
AHEAD = 2
SAID_LINES, LINE_BYTES = 40, 500


@contextmanager
def running(command: Sequence[str], who: str = "ffmpeg") -> Iterator[Callable[[bytes], None]]:
    """Yields what feeds the program's stdin; leaving waits for its end. ToolFailed as soon as that was a bad one."""
    said: deque[str] = deque(maxlen=SAID_LINES)
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stdin and process.stderr
    chunks: queue.Queue[bytes] = queue.Queue(AHEAD)
    listener = _thread(_listen, process.stderr, said)
    _thread(_feed, process.stdin, chunks)

    def feed(chunk: bytes) -> None:
        if process.poll() is not None:
            listener.join()
            raise _failure(who, command, process.returncode, said)
        chunks.put(chunk)

    try:
        yield feed
        chunks.put(b"")
        process.wait()
    finally:
        process.kill()
        process.wait()
        listener.join()
        process.stderr.close()
    if process.returncode:
        raise _failure(who, command, process.returncode, said)


def _failure(who: str, command: Sequence[str], code: int, said: Iterable[str]) -> Broken:
    lines = list(said) or ["it said nothing"]
    spent = exhausted(who, of_this_process(), status=code, said="\n".join(lines))
    return spent or ToolFailed(f"{who} ended with status {code}: {lines[-1]}", command=command, said="\n".join(lines))


def run(command: Sequence[str]) -> None:
    """Run to the end. ToolFailed when that is a bad one."""
    with running(command):
        pass


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
