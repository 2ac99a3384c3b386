"""The ways from one file of everybody to three files for listeners and one for a recogniser, each as people take it."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.ebur128 import read
from bench.ours import ours
from bench.spent import Spent, ffmpeg
from pipeline.decode import RATE_HZ
from pipeline.formats import Effort, named
from pipeline.plan import EncodePlan

FORMATS = EncodePlan().formats
TARGET_LUFS, PEAK_DBTP = -16.0, -2.0
# What anybody writes who knows the usual rates: the encoders' own defaults otherwise.
ENCODERS = {
    "mp3": ("-c:a", "libmp3lame", "-b:a", "64k"),
    "m4a": ("-c:a", "aac", "-b:a", "64k"),
    "opus": ("-c:a", "libopus", "-b:a", "32k", "-application", "voip"),
}
SPEECH = ("-ar", "16000", "-ac", "1", "-c:a", "pcm_s16le")


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a way spent, and the files it made, by format."""

    spent: Spent
    files: dict[str, Path]


Way = Callable[[Path, Sequence[Path]], Made]


def fast(folder: Path, sources: Sequence[Path]) -> Made:
    """Ours as it is by default."""
    return _ours(folder, sources, "fast")


def quality(folder: Path, sources: Sequence[Path]) -> Made:
    """Ours with all effort."""
    return _ours(folder, sources, "quality")


def _ours(folder: Path, sources: Sequence[Path], effort: Effort) -> Made:
    spent, renditions = ours(folder, sources, EncodePlan(effort=effort))
    return Made(spent=spent, files={one.format: one.file.path for one in renditions})


def normalize(folder: Path, sources: Sequence[Path]) -> Made:
    """ffmpeg-normalize with its podcast figures (EBU R128 in two passes), then one ffmpeg for every file."""
    os.environ["FFMPEG_PATH"] = ffmpeg()[0]
    spent, loud, files = Spent(), folder / "loud.wav", _files(folder)
    target = ["-t", str(TARGET_LUFS), "-tp", str(PEAK_DBTP), "-lrt", "7", "--dual-mono", "-ar", str(RATE_HZ)]
    with spent.on("ffmpeg-normalize"):
        _run([sys.executable, "-m", "ffmpeg_normalize", str(sources[0]), "-f", "-q", *target, "-c:a", "pcm_s16le", "-o", str(loud)])
    for name, path in files.items():
        with spent.on(f"encode {name}"):
            _run(ffmpeg("-i", str(loud), *ENCODERS[name], str(path)))
    with spent.on("16 kHz"):
        _run(ffmpeg("-i", str(loud), *SPEECH, str(folder / "speech.wav")))
    return Made(spent=spent, files=files)


def plain(folder: Path, sources: Sequence[Path]) -> Made:
    """Two ffmpegs: one that measures the whole and writes 16 kHz, one that sets one gain, limits samples and encodes all three."""
    spent, files, source = Spent(), _files(folder), ["-i", str(sources[0])]
    measuring = "[0:a]asplit[a][speech];[a]ebur128=peak=sample:framelog=quiet:dualmono=true[measured]"
    both = ["-map", "[measured]", "-f", "null", "-", "-map", "[speech]", *SPEECH, str(folder / "speech.wav")]
    with spent.on("measure, 16 kHz"):
        said = _run(ffmpeg("-v", "info", "-nostats", *source, "-filter_complex", measuring, *both))
    gain_db = TARGET_LUFS - (read(said).integrated_lufs or TARGET_LUFS)
    limit = f"alimiter=limit={10 ** (PEAK_DBTP / 20):.4f}:level=false:latency=true"
    setting = f"[0:a]volume={gain_db:.2f}dB,{limit},asplit={len(files)}" + "".join(f"[{name}]" for name in files)
    outputs = [part for name, path in files.items() for part in ("-map", f"[{name}]", *ENCODERS[name], str(path))]
    with spent.on("gain, limiter, three encoders"):
        _run(ffmpeg(*source, "-filter_complex", setting, *outputs))
    return Made(spent=spent, files=files)


def pydub(folder: Path, sources: Sequence[Path]) -> Made:
    """pydub's own normalize, which sets the largest sample and knows no loudness, and its three exports; no 16 kHz."""
    from pydub import AudioSegment
    from pydub.effects import normalize as set_peak

    AudioSegment.converter = ffmpeg()[0]
    spent, files = Spent(), _files(folder)
    with spent.on("load"):
        # Told the codec, it asks no ffprobe.
        room = AudioSegment.from_file(str(sources[0]), codec="opus")
    with spent.on("normalize"):
        room = set_peak(room)
    for name, path in files.items():
        with spent.on(f"export {name}"):
            room.export(str(path), format=named(name).recipe(1, "fast").container, parameters=list(ENCODERS[name]))
    return Made(spent=spent, files=files)


WAYS: dict[str, Way] = {"ours-fast": fast, "ours-quality": quality, "normalize": normalize, "plain": plain, "pydub": pydub}


def _files(folder: Path) -> dict[str, Path]:
    return {name: folder / f"episode{named(name).SUFFIX}" for name in FORMATS}


def _run(command: Sequence[str]) -> str:
    """What it said on stderr."""
    return subprocess.run(command, check=True, stderr=subprocess.PIPE, text=True).stderr
