"""The audio path of a long talk beside its floor and beside the plain way, in one run on one machine.

    python bench/audio.py [--minutes 60] [--tracks] [--effort quality] [--plain]

The talk is made of three voices 22.5 LU apart. *Floor*: the bare encoders' user time, two decodes of the source and one of every
rendition. *Plain*: loudness measured and set by ffmpeg's loudnorm in two passes, then one ffmpeg for every format.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.arrange import arrange
from pipeline.child import Children
from pipeline.clean import CleanPlan, clean
from pipeline.decode import in_blocks
from pipeline.encode import encode
from pipeline.ffmpeg import find
from pipeline.formats import named
from pipeline.level import level
from pipeline.listen import listen
from pipeline.models import Fetched, MadeFile, Recording, Rendition, SourceFile
from pipeline.plan import EncodePlan
from pipeline.probe import probe
from pipeline.verify import verify

RATE_HZ = 48_000
VOICES = {"ann": -35.0, "bob": -24.0, "cleo": -12.5}
ROUND_S = 180.0


@dataclass
class Spent:
    """Seconds of wall clock and of processors, by what they were spent on."""

    wall_s: dict[str, float] = field(default_factory=dict)
    cpu_s: dict[str, float] = field(default_factory=dict)
    user_s: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def on(self, what: str) -> Iterator[None]:
        began, used = time.monotonic(), _used()
        yield
        self.wall_s[what] = time.monotonic() - began
        user_s, system_s = (now - then for now, then in zip(_used(), used, strict=True))
        self.cpu_s[what], self.user_s[what] = user_s + system_s, user_s

    def told(self, title: str) -> None:
        print(f"\n{title}")
        for what in self.wall_s:
            print(f"  {what:<28}{self.wall_s[what]:8.1f} s wall{self.cpu_s[what]:8.1f} s CPU")
        print(f"  {'together':<28}{sum(self.wall_s.values()):8.1f} s wall{sum(self.cpu_s.values()):8.1f} s CPU")


def _used() -> tuple[float, float]:
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime for use in both), sum(use.ru_stime for use in both)


def main() -> None:
    """Measure once and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--tracks", action="store_true", help="each voice on its own track instead of one mix")
    parser.add_argument("--effort", choices=("fast", "quality"), default="fast")
    parser.add_argument("--plain", action="store_true", help="the plain way too, which takes minutes")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="aircheck-bench-") as name:
        _compare(Path(name), wanted)


def _compare(folder: Path, wanted: argparse.Namespace) -> None:
    sources = _apart(_talk, folder, wanted.minutes * 60, wanted.tracks)
    ours, renditions, largest_mb = _apart(_ours, folder, sources, EncodePlan(effort=wanted.effort))
    ours.told(f"aircheck, {wanted.minutes:g} minutes, {len(sources)} file(s), {wanted.effort}")
    print(f"  largest process {largest_mb:.0f} MB")
    floor = _floor(folder, sources, renditions, wanted.effort)
    floor.told("floor")
    cpu_s = sum(ours.cpu_s.values())
    print(f"\nours / floor: {cpu_s / sum(floor.user_s.values()):.2f} × CPU")
    if wanted.plain:
        plain = _plain(folder, sources[0])
        plain.told("plain: loudnorm twice, then one ffmpeg a format")
        wall = sum(plain.wall_s.values()) / sum(ours.wall_s.values())
        print(f"\nplain / ours: {wall:.2f} × wall, {sum(plain.cpu_s.values()) / cpu_s:.2f} × CPU")
    _apart(_judge, renditions)


def _apart(work: Callable[..., Any], *inputs: object) -> Any:
    """In a process of its own: a child's largest size counts from the size of who started it, so we stay small."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
        return apart.submit(work, *inputs).result()


def _sounds() -> Any:
    """The generators of sounds; heavy, so only where they are needed."""
    return import_module("bench.sounds")


def _made() -> Any:
    rounds = max(round(ROUND_S / (len(VOICES) * 8.0)), 1)
    return _sounds().talk(VOICES, rounds=rounds, turn_s=7.0, pause_s=1.0)


def _talk(folder: Path, length_s: float, separate: bool) -> list[Path]:
    """A talk of a few minutes, repeated as Opus until it is long enough."""
    made = _made()
    sounds = made.with_bleed() if separate else {"mix": made.mix}
    return [_repeated(_sounds().wav(folder / f"{name}.wav", sound), length_s) for name, sound in sounds.items()]


def _repeated(source: Path, length_s: float) -> Path:
    once, target = source.with_suffix(".once.ogg"), source.with_suffix(".ogg")
    _ffmpeg("-i", str(source), "-c:a", "libopus", "-b:a", "32k", "-application", "voip", str(once))
    _ffmpeg("-stream_loop", "-1", "-i", str(once), "-t", str(length_s), "-c", "copy", str(target))
    return target


def _ffmpeg(*arguments: str) -> None:
    subprocess.run([find(), "-nostdin", "-v", "error", "-y", *arguments], check=True)


def _ours(folder: Path, sources: list[Path], plan: EncodePlan) -> tuple[Spent, tuple[Rendition, ...], float]:
    """The stages as the story has them, and the megabytes of the largest process."""
    children, spent = Children(), Spent()
    tools: dict[str, Any] = {"children": children, "scratch": folder}
    recording = Recording(
        recording_id="b", engine="file", session_id="b", name="bench", started_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    fetched = tuple(_fetched(path, separate=len(sources) > 1) for path in sources)
    with spent.on("probe, arrange"):
        timeline = arrange(recording, probe(fetched, children=children), "notice")
    with spent.on("listen"):
        heard = listen(timeline, **tools)
    with spent.on("clean, level"):
        timeline = clean(timeline, heard, CleanPlan(trim=False))
        levels = level(timeline, heard, scratch=folder)
    with spent.on("encode"):
        made = encode(timeline, levels, plan, **tools)
    with spent.on("verify"):
        checked = verify(timeline, levels, plan, made, **tools)
    largest = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return spent, checked, largest / 1024


def _fetched(path: Path, *, separate: bool) -> Fetched:
    kind, participant = ("track", path.stem) if separate else ("mix", None)
    return Fetched(source=SourceFile(path=path.name, kind=kind, participant=participant), file=MadeFile.of(path))  # type: ignore[arg-type]


def _judge(renditions: tuple[Rendition, ...]) -> None:
    """Loudness and peak of every rendition, and how far its voices are apart, in its first minutes."""
    made = _made()
    print("\nbefore: voices" + "".join(f" {level:6.1f}" for level in _voices(made, made.mix).values()))
    for one in renditions:
        sound = np.concatenate([block for _, block in zip(range(18), in_blocks(one.file.path, one.channels), strict=False)], 1)[0]
        voices = _voices(made, sound)
        spread = max(voices.values()) - min(voices.values())
        levels = "".join(f" {level:6.1f}" for level in voices.values())
        print(f"{one.format:<6} {one.integrated_lufs} LUFS {one.true_peak_dbtp} dBTP, voices{levels}, {spread:.2f} LU apart")


def _voices(made: Any, sound: Any) -> dict[str, float]:
    spoken: dict[str, list[Any]] = {name: [] for name in made.tracks}
    for turn in made.turns:
        if turn.end_s < len(sound) / RATE_HZ:
            spoken[turn.who].append(sound[round(turn.start_s * RATE_HZ) : round(turn.end_s * RATE_HZ)])
    loudness = _sounds().loudness
    return {name: loudness(np.concatenate(parts)) for name, parts in spoken.items()}


def _floor(folder: Path, sources: list[Path], renditions: tuple[Rendition, ...], effort: str) -> Spent:
    """What nobody can leave out: each source decoded twice, each rendition decoded once, each encoder alone."""
    spent = Spent()
    master = folder / "master.wav"
    _ffmpeg("-i", str(renditions[0].file.path), str(master))
    for path in (*sources, *sources, *(one.file.path for one in renditions)):
        with spent.on(f"decode {path.suffix[1:]} {len(spent.wall_s)}"):
            subprocess.run([sys.executable, "-c", _DECODE, str(path)], check=True)
    with spent.on("start of the decoders"):
        for _ in (*sources, *sources, *renditions):
            subprocess.run([sys.executable, "-c", "import av"], check=True)
    started = "start of the decoders"
    spent.user_s[started], spent.cpu_s[started] = -spent.user_s[started], -spent.cpu_s[started]
    for one in renditions:
        recipe = named(one.format).recipe(one.channels, effort)  # type: ignore[arg-type]
        options = [part for key, value in {**recipe.options, **recipe.muxing}.items() for part in (f"-{key}", value)]
        with spent.on(f"encode {one.format}"):
            rate = ["-c:a", recipe.codec, "-b:a", f"{recipe.bitrate_kbps}k", *options, "-f", recipe.container]
            _ffmpeg("-i", str(master), *rate, str(folder / f"floor{named(one.format).SUFFIX}"))
    return spent


_DECODE = """
import sys, av
with av.open(sys.argv[1]) as file:
    stream = file.streams.audio[0]
    stream.codec_context.thread_type = "NONE"
    for packet in file.demux(stream):
        packet.decode()
"""


def _plain(folder: Path, source: Path) -> Spent:
    spent, loud = Spent(), folder / "plain.wav"
    loudnorm = "loudnorm=I=-16:TP=-2:LRA=7:dual_mono=true"
    with spent.on("loudnorm, measuring"):
        _ffmpeg("-i", str(source), "-af", loudnorm, "-f", "null", "-")
    with spent.on("loudnorm, setting"):
        _ffmpeg("-i", str(source), "-af", loudnorm, "-ar", str(RATE_HZ), str(loud))
    for suffix, codec, rate in (("mp3", "libmp3lame", "64k"), ("m4a", "aac", "64k"), ("opus", "libopus", "32k")):
        with spent.on(f"encode {suffix}"):
            _ffmpeg("-i", str(loud), "-c:a", codec, "-b:a", rate, str(folder / f"plain.{suffix}"))
    return spent


if __name__ == "__main__":
    main()
