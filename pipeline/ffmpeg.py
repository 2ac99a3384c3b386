"""The only place that builds ffmpeg's commands. No ffprobe is needed; where no new ffmpeg is installed, imageio-ffmpeg's serves."""

import re
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

import ffmpeg
import imageio_ffmpeg

from pipeline.errors import Broken
from pipeline.formats import Output

OLDEST = 6
# Never asks, never reads what it was not given, never writes what differs from one run to the next.
GLOBAL = ("-nostdin", "-hide_banner", "-loglevel", "error", "-nostats", "-y")
# Sound goes from thread to thread in packets; with four thousand bytes each they cost a quarter of what MP3 does (ours, 9.0.2).
PACKET_BYTES = 1 << 20


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


def encoding(binary: str, output: Output, *, rate_hz: int, channels: int) -> list[str]:
    """The command that reads a WAV of any length from stdin and writes the output."""
    options = {"format": "wav", "ignore_length": 1, "max_size": PACKET_BYTES}
    sound = ffmpeg.input("pipe:0", **options, protocol_whitelist="pipe", format_whitelist="wav").audio
    recipe = output.recipe
    how = {"c:a": recipe.codec, **recipe.options, **recipe.muxing, "f": recipe.container, "ar": rate_hz, "ac": channels}
    if recipe.bitrate_kbps is not None:
        how["b:a"] = f"{recipe.bitrate_kbps}k"
    if recipe.sample_format:
        how["sample_fmt"] = recipe.sample_format
    trimmed = sound.filter("volume", f"{recipe.trim_db:.4f}dB")
    return _command(binary, trimmed.output(f"file:{output.path}", **_PLAIN, **how))


_PLAIN = {"map_metadata": "-1", "fflags": "+bitexact", "flags:a": "+bitexact"}


def chaptered(binary: str, source: Path, description: Path, target: Path, language: str) -> list[str]:
    """The command that copies an MP4's audio and gives it the chapters of an FFMETADATA file and no others, and its language."""
    sound = ffmpeg.input(f"file:{source}", format="mov", protocol_whitelist="file", format_whitelist="mov")
    words = ffmpeg.input(f"file:{description}", format="ffmetadata", protocol_whitelist="file")
    options = {"c": "copy", "map_metadata": "1", "map_chapters": "1", "fflags": "+bitexact", "f": "ipod", "movflags": "+faststart"}
    options["metadata:s:a:0"] = f"language={language}"
    # The second input has no sound: it is mapped only so that it is opened.
    return _command(binary, ffmpeg.output(sound["a:0"], words["a?"], f"file:{target}", **options))


def _command(binary: str, graph: "ffmpeg.nodes.OutputStream") -> list[str]:
    return [binary, *GLOBAL, *ffmpeg.get_args(graph)]
