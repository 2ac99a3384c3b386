"""Sounds of which everything is known: who speaks when and how loud. Loudness is set with pyloudnorm, which is not our meter."""

import subprocess
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import ffmpeg

RATE_HZ = 48_000
Sound = NDArray[np.float32]


def loudness(sound: Sound) -> float:
    """What another meter reads, of (samples) or (channels, samples)."""
    return float(_meter().integrated_loudness(np.atleast_2d(sound).T.astype(np.float64)))


@lru_cache
def _meter() -> Any:
    # Loads scipy, of which nobody who only makes sounds has need: benches measure their own memory.
    from pyloudnorm import Meter

    return Meter(RATE_HZ)


def noise(seconds: float, dbfs: float, seed: int = 0) -> Sound:
    """Steady white noise."""
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(round(seconds * RATE_HZ)) * 10 ** (dbfs / 20)).astype(np.float32)


def silence(seconds: float) -> Sound:
    return np.zeros(round(seconds * RATE_HZ), np.float32)


def tone(seconds: float, dbfs: float, hz: float = 1000.0) -> Sound:
    return (10 ** (dbfs / 20) * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)).astype(np.float32)


def speech(seconds: float, lufs: float, seed: int = 0) -> Sound:
    """Noise with the colour and the rhythm of a voice: syllables, words, short breaths."""
    rng = np.random.default_rng(seed)
    length = round(seconds * RATE_HZ)
    spectrum = np.fft.rfft(rng.standard_normal(length))
    hz = np.fft.rfftfreq(length, 1 / RATE_HZ)
    spectrum *= (hz > 120) * (hz < 6000) / np.maximum(hz, 400.0)
    at = np.arange(length) / RATE_HZ
    rhythm_hz, late = rng.uniform(4, 6), rng.uniform(0, 1)
    strengths = rng.uniform(0.3, 1.0, round(seconds * 6) + 2)
    syllables = strengths[(at * rhythm_hz + late).astype(int)] * np.abs(np.sin(np.pi * (at * rhythm_hz + late)))
    breathing = (at % 2.4) < 2.1
    sound = np.fft.irfft(spectrum, length) * syllables * breathing
    sound /= np.abs(sound).max()
    return (sound * 10 ** ((lufs - loudness(sound)) / 20)).astype(np.float32)


@dataclass(frozen=True)
class Turn:
    who: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Talk:
    """A made room: each voice alone on its track, and all of them in one mix."""

    tracks: dict[str, Sound]
    turns: tuple[Turn, ...]

    @property
    def mix(self) -> Sound:
        return np.sum(list(self.tracks.values()), axis=0, dtype=np.float32)

    def with_bleed(self, db: float = -22.0, late: int = 240) -> dict[str, Sound]:
        """The tracks as microphones in one room hear them: the others too, quieter and later."""
        out = {}
        for name, own in self.tracks.items():
            others = sum((t * (_rms(own) / _rms(t)) for n, t in self.tracks.items() if n != name), start=np.zeros_like(own))
            out[name] = (own + 10 ** (db / 20) * np.roll(others, late)).astype(np.float32)
        return out


def _rms(sound: Sound) -> float:
    loud = sound[np.abs(sound) > 0]
    return float(np.sqrt(np.mean(np.square(loud)))) or 1.0


def talk(
    levels: dict[str, float], rounds: int = 3, turn_s: float = 6.0, pause_s: float = 0.6, ends_s: float = 0.0, hush: float = -75.0
) -> Talk:
    """Voices that speak in turn, each at its own loudness, over the hush of its microphone."""
    length_s = 2 * ends_s + rounds * len(levels) * (turn_s + pause_s)
    tracks = {name: noise(length_s, hush, seed=90 + n) for n, name in enumerate(levels)}
    turns, at_s = [], ends_s
    for round_ in range(rounds):
        for n, (name, lufs) in enumerate(levels.items()):
            words = speech(turn_s, lufs, seed=10 * round_ + n)
            first = round(at_s * RATE_HZ)
            tracks[name][first : first + len(words)] += words
            turns.append(Turn(name, at_s, at_s + turn_s))
            at_s += turn_s + pause_s
    return Talk(tracks=tracks, turns=tuple(turns))


# ---- files


def wav(path: Path, sound: Sound, rate_hz: int = RATE_HZ) -> Path:
    """A 16-bit WAV; over 0 dBFS it clips."""
    samples = np.clip(np.rint(np.atleast_2d(sound).T * 32767), -32768, 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(samples.tobytes())
    return path


def encoded(path: Path, sound: Sound, *options: str) -> Path:
    """Any other format, by its name or by options."""
    channels = np.atleast_2d(sound).shape[0]
    return run_ffmpeg(
        "-f", "f32le", "-ar", str(RATE_HZ), "-ac", str(channels), "-i", "-", *options, str(path), stdin=np.atleast_2d(sound).T
    )


def run_ffmpeg(*arguments: str, stdin: NDArray[np.float32] | None = None) -> Path:
    content = None if stdin is None else np.ascontiguousarray(stdin, np.float32).tobytes()
    subprocess.run([ffmpeg.find(), "-v", "error", "-y", *arguments], input=content, check=True, timeout=60)
    return Path(arguments[-1])


def joined(path: Path, parts: Sequence[Path]) -> Path:
    """Files one behind another, byte by byte."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path
