"""The only place that builds and starts ffmpeg. No ffprobe is needed; where no new ffmpeg is installed, imageio-ffmpeg's serves.

ffmpeg is started inside limited children, in their process group, so that it ends with them.
"""

import queue
import re
import shutil
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import IO

import ffmpeg
import imageio_ffmpeg

from pipeline.errors import Broken, ToolFailed
from pipeline.limits import exhausted, of_this_process

OLDEST = 6
# Never asks, never reads what it was not given, never writes what differs from one run to the next.
GLOBAL = ("-nostdin", "-hide_banner", "-loglevel", "error", "-nostats", "-y")
# Blocks on their way to ffmpeg: it has work while we make the next.
AHEAD = 2
SAID_LINES, LINE_BYTES = 40, 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A file that ffmpeg shall write; `trim_db` is added just before its encoder."""

    path: Path
    codec: str
    container: str
    bitrate_kbps: int | None
    trim_db: float = 0.0
    options: Mapping[str, str] = field(default_factory=dict)


# ---- which ffmpeg


@lru_cache
def find(explicit: str = "") -> str:
    """The one named, else the one on PATH if it is new enough, else imageio-ffmpeg's. Broken when it does not run."""
    if explicit:
        version(explicit)
        return explicit
    installed = shutil.which("ffmpeg")
    if installed and _major(version(installed)) >= OLDEST:
        return installed
    return str(imageio_ffmpeg.get_ffmpeg_exe())


@lru_cache
def version(binary: str) -> str:
    """What it calls its own version, such as `n9.0.2`."""
    match = re.search(r"ffmpeg version (\S+)", _asked(binary, "-version"))
    if match is None:
        raise Broken(f"{binary} does not say that it is ffmpeg; name another one or leave the setting empty", code="no_ffmpeg")
    return match[1]


@lru_cache
def encoders(binary: str) -> frozenset[str]:
    """Names of the audio encoders it was built with."""
    return frozenset(re.findall(r"^ A\S{5} (\S+)", _asked(binary, "-encoders"), re.MULTILINE))


def _major(named: str) -> int:
    """6 of `6.1.1-3ubuntu5`, 9 of `n9.0.2`; a build named by a commit or a date is new."""
    match = re.match(r"n?(\d+)\.", named)
    return int(match[1]) if match else OLDEST


def _asked(binary: str, question: str) -> str:
    try:
        return subprocess.run([binary, "-hide_banner", question], capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise Broken(
            f"{binary} does not run ({error}); install ffmpeg {OLDEST} or newer, or leave the setting empty", code="no_ffmpeg"
        ) from error


# ---- what to do


def encoding(binary: str, outputs: Sequence[Output], *, rate_hz: int, channels: int) -> list[str]:
    """The command that reads float samples from stdin and writes every output at once."""
    options = {"format": "f32le", "ar": rate_hz, "ac": channels, "protocol_whitelist": "pipe", "format_whitelist": "f32le"}
    split = ffmpeg.input("pipe:0", **options).audio.filter_multi_output("asplit", len(outputs))
    written = [_written(split[n], output) for n, output in enumerate(outputs)]
    return _command(binary, ffmpeg.merge_outputs(*written) if len(written) > 1 else written[0])


def _written(sound: "ffmpeg.nodes.FilterableStream", output: Output) -> "ffmpeg.nodes.OutputStream":
    bitrate = {} if output.bitrate_kbps is None else {"b:a": f"{output.bitrate_kbps}k"}
    trimmed = sound.filter("volume", f"{output.trim_db:.4f}dB")
    return trimmed.output(
        f"file:{output.path}", **_PLAIN, **{"c:a": output.codec, **bitrate, **output.options, "f": output.container}
    )


_PLAIN = {"map_metadata": "-1", "fflags": "+bitexact", "flags:a": "+bitexact"}


def chaptered(binary: str, source: Path, description: Path, target: Path) -> list[str]:
    """The command that copies an MP4's audio and gives it the chapters of an FFMETADATA file, and no others."""
    sound = ffmpeg.input(f"file:{source}", format="mov", protocol_whitelist="file", format_whitelist="mov")
    words = ffmpeg.input(f"file:{description}", format="ffmetadata", protocol_whitelist="file")
    options = {"c": "copy", "map_metadata": "1", "map_chapters": "1", "fflags": "+bitexact", "f": "ipod", "movflags": "+faststart"}
    # The second input has no sound: it is mapped only so that it is opened.
    return _command(binary, ffmpeg.output(sound["a:0"], words["a?"], f"file:{target}", **options))


def _command(binary: str, graph: "ffmpeg.nodes.OutputStream") -> list[str]:
    return [binary, *GLOBAL, *ffmpeg.get_args(graph)]


# ---- doing it


@contextmanager
def running(command: Sequence[str]) -> Iterator[Callable[[bytes], None]]:
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
            raise _failure(command, process.returncode, said)
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
        raise _failure(command, process.returncode, said)


def _failure(command: Sequence[str], code: int, said: Iterable[str]) -> Broken:
    lines = list(said) or ["it said nothing"]
    spent = exhausted("ffmpeg", of_this_process(), status=code, said="\n".join(lines))
    return spent or ToolFailed(f"ffmpeg ended with status {code}: {lines[-1]}", command=command, said="\n".join(lines))


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
