"""Rooms for the recogniser: voices of vowels or of flite on tracks, models that say what they are told, stores of slices."""

import shutil
import subprocess
import wave
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pytest
from scripted_whisper import Script, build

from pipeline.engines import RATE_HZ
from pipeline.models import Heard, MadeFile, Timeline, Track

Sound: TypeAlias = npt.NDArray[np.float32]
ModelOf: TypeAlias = Callable[..., str]

VOWELS = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480), (570, 840, 2410))
SYLLABLE = RATE_HZ // 5
# Pauses of two seconds, since Whisper's word times smear shorter ones; one full stop, since a script says each token once.
TALK = ((0.5, " Welcome to our live room about podcasts.", 4.0), (6.0, " Today we discuss music and machines", 10.0))


@cache
def babble(seconds: float, pitch_hz: float = 120.0, seed: int = 1) -> Sound:
    """A voice of vowels and hisses, five syllables a second and a breath after every dozen: any detector takes it for speech."""
    random = np.random.default_rng(seed)
    n = round(seconds * RATE_HZ)
    t = np.arange(n) / RATE_HZ
    syllables = n // SYLLABLE + 2
    at = np.arange(syllables) * SYLLABLE
    wander = np.interp(np.arange(n), at, random.normal(0, 0.05, syllables))
    pitch = pitch_hz * (1 + 0.12 * np.sin(2 * np.pi * 0.41 * t) + 0.05 * np.sin(2 * np.pi * 2.3 * t) + wander)
    said = np.array(VOWELS)[random.integers(0, len(VOWELS), syllables)] * random.uniform(0.9, 1.1, (syllables, 1))
    voice = _vowels(pitch, [np.interp(np.arange(n), at, said[:, k]) for k in range(3)])
    hiss = np.diff(random.normal(0, 1, n + 1))
    swell = 0.5 - 0.5 * np.cos(2 * np.pi * t * 5)
    out = (voice * swell**0.7 + hiss / np.abs(hiss).max() * 0.25 * (1 - swell) ** 3) * (t % 2.65 < 2.4)
    return (out / np.abs(out).max() / 2).astype(np.float32)


def _vowels(pitch_hz: npt.NDArray[np.float64], formants_hz: list[npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
    phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE_HZ
    out = np.zeros(len(pitch_hz))
    for harmonic in range(1, 30):
        shapes = zip(formants_hz, (1, 0.5, 0.25), (80, 100, 140), strict=True)
        out += sum(a / (1 + ((harmonic * pitch_hz - f) / width) ** 2) for f, a, width in shapes) * np.sin(harmonic * phase)
    return np.asarray(out / np.abs(out).max())


def silence(seconds: float) -> Sound:
    return np.zeros(round(seconds * RATE_HZ), np.float32)


def flite(text: str, voice: str = "slt") -> Sound:
    """The text spoken aloud; skips the test where there is no flite."""
    if shutil.which("flite") is None:
        pytest.skip("flite is not installed: apt-get install flite")
    said = subprocess.run(["flite", "-voice", voice, "-t", text, "-o", "/dev/stdout"], check=True, capture_output=True).stdout
    return np.frombuffer(said[44:], "<i2").astype(np.float32) / 32768


def wav(path: Path, sound: Sound) -> MadeFile:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
    return MadeFile.of(path)


@dataclass(frozen=True)
class Room:
    """What the stages before ours hand over: a timeline, and a 16 kHz file a track."""

    timeline: Timeline
    heard: Heard


def room(folder: Path, *, separate: bool = True, **voices: Sound) -> Room:
    """A room of these voices, each on its own track; `separate=False` calls the one track a mix."""
    folder.mkdir(parents=True, exist_ok=True)
    speech = tuple(wav(folder / f"{name}.wav", sound) for name, sound in voices.items())
    length_s = max(len(sound) for sound in voices.values()) / RATE_HZ
    tracks = tuple(
        Track(file=file, participant=name if separate else None, start_offset_s=0.0, duration_s=len(sound) / RATE_HZ, channels=1)
        for file, (name, sound) in zip(speech, voices.items(), strict=True)
    )
    heard = Heard(measures=speech[0], speech=speech, channels=1, decoded_s=length_s, integrated_lufs=None, true_peak_dbtp=None)
    return Room(timeline=Timeline(tracks=tracks, separate=separate, length_s=length_s), heard=heard)


@dataclass
class Slices:
    """A store of slices in memory that remembers what was put into it, and when."""

    kept: dict[str, bytes] = field(default_factory=dict)
    put_keys: list[str] = field(default_factory=list)

    def get(self, key: str) -> bytes | None:
        return self.kept.get(key)

    def put(self, key: str, content: bytes) -> None:
        self.kept[key] = content
        self.put_keys.append(key)


@dataclass(frozen=True)
class FolderSlices:
    """A store of slices that outlives its process."""

    folder: Path

    def get(self, key: str) -> bytes | None:
        path = self.folder / key
        return path.read_bytes() if path.is_file() else None

    def put(self, key: str, content: bytes) -> None:
        (self.folder / f".{key}").write_bytes(content)
        (self.folder / f".{key}").rename(self.folder / key)


@pytest.fixture(scope="session")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> ModelOf:
    """Folders of models that say what they are told, each built once."""

    @cache
    def model(script: Script = TALK, **how: object) -> str:
        return str(build(tmp_path_factory.mktemp("whisper") / "scripted", script, **how))  # type: ignore[arg-type]

    return model
