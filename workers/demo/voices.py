"""flite speaks a sentence and says which sounds it made; sox shifts its pitch. Words and their seconds follow from the sounds."""

import subprocess
import wave
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.models import Word

Sound = NDArray[np.float64]
RATE_HZ = 48_000
PAUSE_S = 0.38  # between two sentences of one turn
FADE_S = 0.004


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """A flite voice: how much slower than flite likes it, and shifted by so many cents."""

    name: str
    stretch: float = 1.1
    cents: int = 0


def speak(voice: Voice, sentences: tuple[str, ...], scratch: Path) -> tuple[Sound, tuple[Word, ...]]:
    """The sentences one after another, and each word with its seconds from the beginning."""
    parts: list[Sound] = []
    words: list[Word] = []
    at_s = 0.0
    for sentence in sentences:
        sound, said = _sentence(voice, sentence, scratch)
        words += [Word(text=w.text, start_s=round(at_s + w.start_s, 3), end_s=round(at_s + w.end_s, 3)) for w in said]
        parts += [sound, np.zeros(round(PAUSE_S * RATE_HZ))]
        at_s = sum(map(len, parts)) / RATE_HZ
    return np.concatenate(parts[:-1]), tuple(words)


def _sentence(voice: Voice, text: str, scratch: Path) -> tuple[Sound, tuple[Word, ...]]:
    plain, shifted = scratch / "plain.wav", scratch / "shifted.wav"
    spans = _sounds(voice, text, plain)
    subprocess.run(
        ["sox", "-R", "-D", plain, "-r", str(RATE_HZ), shifted, *(["pitch", str(voice.cents)] if voice.cents else [])], check=True
    )
    words = _words(voice, text, spans)
    first_s, last_s = words[0].start_s, words[-1].end_s
    sound = _faded(load(shifted)[round(first_s * RATE_HZ) : round(last_s * RATE_HZ)])
    return sound, tuple(Word(text=w.text, start_s=w.start_s - first_s, end_s=w.end_s - first_s) for w in words)


def _sounds(voice: Voice, text: str, to: Path | str) -> list[tuple[float, float]]:
    """Start and end of every sound flite makes of the text, its pauses left out."""
    how = ["-voice", voice.name, "--setf", f"duration_stretch={voice.stretch}", "-psdur"]
    said = subprocess.run(["flite", *how, "-t", text, "-o", str(to)], check=True, capture_output=True, text=True).stdout.split()
    named = [sound.split(":") for sound in said]
    edges = [0.0, *(float(end) for _, end in named)]
    return [span for span, (name, _) in zip(pairwise(edges), named, strict=True) if name != "pau"]


@cache
def _sounds_alone(voice: Voice, word: str) -> int:
    return len(_sounds(voice, word, "none"))


def _words(voice: Voice, text: str, spans: list[tuple[float, float]]) -> list[Word]:
    """Each word gets as many of the sounds as it has when it is said alone; a sentence where that does not add up is refused."""
    words = [word.strip(".,!?") for word in text.split()]
    counts = [_sounds_alone(voice, word) for word in words]
    if sum(counts) != len(spans):
        raise ValueError(
            f"{voice.name} makes {len(spans)} sounds of {text!r}, and {sum(counts)} of its words: write it differently"
        )
    edges = list(accumulate(counts, initial=0))
    return [Word(text=w, start_s=spans[a][0], end_s=spans[b - 1][1]) for w, (a, b) in zip(words, pairwise(edges), strict=True)]


def _faded(sound: Sound) -> Sound:
    ramp = np.linspace(0, 1, round(FADE_S * RATE_HZ))
    sound = sound.copy()
    sound[: len(ramp)] *= ramp
    sound[-len(ramp) :] *= ramp[::-1]
    return sound


def load(path: Path) -> Sound:
    """A 16-bit mono WAV as numbers between -1 and 1."""
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768


def save(path: Path, sound: Sound) -> Path:
    """A 16-bit mono WAV; what is beyond -1 … 1 is clipped."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes((np.clip(sound, -1, 1) * 32767).round().astype("<i2").tobytes())
    return path
