"""Long made talks in which everything is known: who speaks when, how loud each voice is, where nobody's microphone is open.

    python -m bench.talk_rooms DIR [--minutes 60] [--tracks] [--levels=-35,-27,-21,-15] [--overlap 0.2] [--seed 3]

Voices are flite's, made higher or lower. In the mix each has its microphone's noise while it speaks; on its own track it has that
noise all the time, and the other voices quieter and some milliseconds late. Loudness is set with pyloudnorm, not with our meter.
Everything is worked out from a first sample and a count, so memory does not grow with the length.
"""

import argparse
import subprocess
import tempfile
import wave
import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.sounds import RATE_HZ, Sound, Turn, loudness

BLOCK = 10 * RATE_HZ
# Noise begins again after this long.
LOOP = 20 * RATE_HZ
JINGLE_S = 6.0
ROOM_NOISE_DBFS = -68.0
# Under the speaker's own loudness: noise in the mix while the microphone is open, noise on a track, other voices on a track.
OPEN_NOISE_DB, TRACK_NOISE_DB, BLEED_DB = -38.0, -42.0, -22.0
# A microphone opens so long before its voice and closes so long after it.
OPEN_S, OPENING_S = 0.1, 0.03
# Nobody's microphone is open for longer than this: a pause.
PAUSE_S = 1.0
LEVELS_LUFS = (-35.0, -31.0, -27.0, -24.0, -21.0, -18.0, -15.0, -12.0)
NAMES = ("anna", "ben", "cora", "dan", "eve", "finn", "gwen", "hugo")
# flite's voice, and how many cents it is made higher: four alone, or eight.
FOUR = (("slt", 0), ("rms", 0), ("awb", 0), ("kal16", 0))
EIGHT = (("slt", 0), ("awb", -200), ("rms", 0), ("slt", -200), ("kal16", 200), ("awb", 0), ("rms", 250), ("kal16", 0))
SENTENCES = (
    "Good evening and welcome, I am so glad that all of you found the time to be here tonight.",
    "Last winter we walked along the harbour and counted every lamp that was still burning.",
    "Wait, I think I was muted, can everybody hear me now, or shall I try another microphone?",
    "Nobody had asked the neighbours before, and that turned out to be the whole secret.",
    "It costs about thirty percent less, and the people who work there say they would never go back.",
    "May I disagree with that for a moment, since I grew up two streets away from the old mill?",
    "There is a question from the audience about the ferry, so let me read it out to you.",
    "My uncle used to say that a bad map is worse than no map at all, and he was a sailor.",
    "Yes, that is right.",
    "In nineteen sixty two the railway closed, and for eleven years nothing came through the valley.",
    "Let us hear one more story, and after that we will collect what everybody has learned.",
    "Well, I would begin with the smallest thing that could possibly help, and then look again.",
)

Samples = NDArray[np.float64]


@dataclass(kw_only=True)
class Voice:
    """Somebody in the room: all sentences as sound at the wanted loudness, and when each is said."""

    name: str
    lufs: float
    said: list[Sound]
    noise: Sound
    # samples until this voice is heard on the track of another
    late: dict[str, int]
    # first sample of everything said, in order, and which sentence that is
    starts: list[int] = field(default_factory=list)
    spoken: list[int] = field(default_factory=list)


class TalkRoom:
    """A talk of voices at these loudnesses; who is in `every` speaks in each so manieth round only, or with 0 in none."""

    def __init__(
        self,
        levels: Sequence[float] = LEVELS_LUFS,
        minutes: float = 15.0,
        *,
        overlap: float = 0.0,
        bleed_db: float = BLEED_DB,
        every: Mapping[str, int] | None = None,
        seed: int = 7,
    ) -> None:
        self.samples, self.overlap, self.bleed_db, self.seed = round(minutes * 60 * RATE_HZ), overlap, bleed_db, seed
        self.every = every or {}
        self.jingle = jingle()
        self.hush = hush(self._rng("room")) * _factor(ROOM_NOISE_DBFS)
        cast = EIGHT if len(levels) > len(FOUR) else FOUR
        self.voices = [self._voice(*one) for one in zip(NAMES, levels, cast, strict=False)]
        # (voice, first sample, end, where its noise begins)
        self._turns = list(self._conversation())

    def _rng(self, what: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(what.encode())])

    def _voice(self, name: str, lufs: float, how: tuple[str, int]) -> Voice:
        said = [sentence(*how, text) for text in SENTENCES]
        louder = _factor(lufs - loudness(np.concatenate(said).astype(np.float32)))
        rng = self._rng(name)
        late = {other: int(rng.integers(150, 400)) for other in NAMES if other != name}
        return Voice(name=name, lufs=lufs, said=[(x * louder).astype(np.float32) for x in said], noise=hush(rng), late=late)

    def _conversation(self) -> Iterator[tuple[int, int, int, int]]:
        """Turns of one to four sentences, in rounds; after one in fourteen a long silence."""
        rng = self._rng("talk")
        now, round_, waiting = len(self.jingle) + RATE_HZ, 0, list[int]()
        while True:
            while not waiting:
                waiting = [int(n) for n in rng.permutation(len(self.voices)) if self._takes_part(int(n), round_)]
                round_ += 1
            who = waiting.pop(0)
            parts, end = self._sentences(rng, who, now)
            if end + RATE_HZ > self.samples:
                return
            for first, number in parts:
                self.voices[who].starts.append(first)
                self.voices[who].spoken.append(number)
            yield who, now, end, int(rng.integers(LOOP))
            if rng.random() < self.overlap:
                gap_s = -rng.uniform(0.2, 1.0)
            else:
                gap_s = rng.uniform(0.3, 1.6) if rng.random() < 0.93 else rng.uniform(5, 20)
            now = end + int(gap_s * RATE_HZ)

    def _takes_part(self, who: int, round_: int) -> bool:
        every = self.every.get(self.voices[who].name, 1)
        return bool(every) and round_ % every == every // 2

    def _sentences(self, rng: np.random.Generator, who: int, now: int) -> tuple[list[tuple[int, int]], int]:
        parts, end = list[tuple[int, int]](), now
        for number in rng.integers(len(SENTENCES), size=rng.integers(1, 5)):
            first = end + (int(rng.uniform(0.15, 0.7) * RATE_HZ) if parts else 0)
            parts.append((first, int(number)))
            end = first + len(self.voices[who].said[number])
        return parts, end

    # ---- what is true of it

    @property
    def turns(self) -> tuple[Turn, ...]:
        """Who spoke from when to when, whether or not somebody else did too."""
        return tuple(Turn(self.voices[who].name, start / RATE_HZ, end / RATE_HZ) for who, start, end, _ in self._turns)

    @property
    def alone(self) -> tuple[Turn, ...]:
        """The turns in which nobody else was heard."""
        near = [(None, *self.turns, None)[n : n + 3] for n in range(len(self.turns))]
        return tuple(
            turn
            for before, turn, after in near
            if turn and (not before or before.end_s < turn.start_s) and (not after or turn.end_s < after.start_s)
        )

    @property
    def pauses(self) -> tuple[tuple[float, float], ...]:
        """Seconds in which only the room's noise is heard."""
        opened = [turn.start_s - OPEN_S for turn in self.turns] + [self.samples / RATE_HZ]
        closed = [JINGLE_S, *(turn.end_s + OPEN_S for turn in self.turns)]
        return tuple((a, b) for a, b in zip(closed, opened, strict=True) if b - a > PAUSE_S)

    # ---- as sound, from a first sample on

    def said(self, who: int, first: int, count: int, late: int = 0) -> Samples:
        """One voice, and nothing else."""
        voice, out = self.voices[who], np.zeros(count)
        first -= late
        longest = max(map(len, voice.said))
        for n in range(bisect_left(voice.starts, first - longest), bisect_left(voice.starts, first + count)):
            at, sound = voice.starts[n] - first, voice.said[voice.spoken[n]]
            a, b = max(0, at), min(count, at + len(sound))
            if a < b:
                out[a:b] += sound[a - at : b - at]
        return out

    def mix(self, first: int, count: int) -> Samples:
        """Everybody through one microphone each, which is open while they speak, and a jingle before."""
        out = _looped(self.hush, first, count) + self._open_microphones(first, count)
        out[: max(len(self.jingle) - first, 0)] += self.jingle[first : first + count]
        return bent(out + sum(self.said(who, first, count) for who, _ in enumerate(self.voices)))

    def _open_microphones(self, first: int, count: int) -> Samples:
        out = np.zeros(count)
        for who, start, end, begins in self._turns:
            opened, closed = start - round(OPEN_S * RATE_HZ), end + round(OPEN_S * RATE_HZ)
            a, b = max(first, opened), min(first + count, closed)
            if a < b:
                at, voice = np.arange(a, b), self.voices[who]
                fade = np.clip(np.minimum(at - opened, closed - at) / (OPENING_S * RATE_HZ), 0, 1)
                noise = _looped(voice.noise, a - opened + begins, b - a)
                out[a - first : b - first] += fade * noise * _factor(voice.lufs + OPEN_NOISE_DB)
        return out

    def track(self, who: int, first: int, count: int) -> Samples:
        """One microphone from first sample to last, with the others in it."""
        return bent(self.said(who, first, count) + self.beside(who, first, count))

    def beside(self, who: int, first: int, count: int) -> Samples:
        """What a microphone hears that is not its own voice: noise and bleed."""
        me = self.voices[who]
        out = _looped(me.noise, first, count) * _factor(me.lufs + TRACK_NOISE_DB)
        for other, voice in enumerate(self.voices):
            if other != who:
                out += self.said(other, first, count, me.late[voice.name]) * _factor(me.lufs - voice.lufs + self.bleed_db)
        return out

    # ---- as files

    def blocks(self, render: Callable[[int, int], Samples]) -> Iterator[Sound]:
        """Ten seconds at a time of `mix`, or of `track` for somebody."""
        for first in range(0, self.samples, BLOCK):
            yield render(first, min(BLOCK, self.samples - first)).astype(np.float32)

    def whole(self, render: Callable[[int, int], Samples]) -> Sound:
        """All of it at once, for talks of minutes."""
        return np.concatenate(list(self.blocks(render)))

    def write_mix(self, folder: Path) -> Path:
        """mix.wav in that folder."""
        return _written(folder / "mix.wav", self.blocks(self.mix))

    def write_tracks(self, folder: Path) -> dict[str, Path]:
        """NAME.wav for everybody."""
        named = {voice.name: partial(self.track, n) for n, voice in enumerate(self.voices)}
        return {name: _written(folder / f"{name}.wav", self.blocks(render)) for name, render in named.items()}


def bent(sound: Samples) -> Samples:
    """What a microphone does: straight up to 0.8, then bent so that nothing passes 0.97."""
    return np.where(np.abs(sound) > 0.8, np.sign(sound) * (0.8 + 0.17 * np.tanh((np.abs(sound) - 0.8) / 0.17)), sound)


def hush(rng: np.random.Generator) -> Sound:
    """Noise coloured like a quiet room, 1.0 rms, without a seam where it begins again."""
    tilt = 1 / np.abs(1 - 0.97 * np.exp(-2j * np.pi * np.arange(LOOP // 2 + 1) / LOOP))
    made = np.fft.irfft(np.fft.rfft(rng.standard_normal(LOOP)) * tilt, LOOP)
    return np.asarray(made / np.sqrt(np.mean(made**2)), np.float32)


def jingle() -> Samples:
    """A chord struck twice a second."""
    t = np.arange(round(JINGLE_S * RATE_HZ)) / RATE_HZ
    chord = np.sum([np.sin(2 * np.pi * hz * t) for hz in (262, 330, 392, 523)], axis=0)
    return np.asarray(0.08 * np.exp(-3 * (2 * t % 1)) * chord)


@cache
def sentence(voice: str, cents: int, text: str) -> Samples:
    """What flite makes of it at 48 kHz, without the silence around it."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "said.wav"
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", path], check=True, stdout=subprocess.DEVNULL)
        with wave.open(str(path)) as file:
            rate_hz = file.getframerate() * 2 ** (cents / 1200)
            plain = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
    # A length that the transform is quick with.
    plain = np.pad(plain, (1000, 1000 + -(len(plain) + 2000) % 4096))
    longer = round(len(plain) * RATE_HZ / rate_hz)
    sound = np.fft.irfft(np.fft.rfft(plain), longer) * longer / len(plain)
    loud = np.flatnonzero(np.abs(sound) > 0.01 * np.abs(sound).max())
    return np.asarray(sound[loud[0] : loud[-1] + 1])


def _factor(db: float) -> float:
    return float(10 ** (db / 20))


def _looped(noise: Sound, first: int, count: int) -> Samples:
    return np.asarray(noise[np.arange(first, first + count) % LOOP], np.float64)


def _written(path: Path, blocks: Iterator[Sound]) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        for block in blocks:
            file.writeframes((block * 32767).round().astype("<i2").tobytes())
    return path


def asked(parser: argparse.ArgumentParser, minutes: float) -> None:
    """The options that say what a room is like."""
    parser.add_argument("--minutes", type=float, default=minutes)
    parser.add_argument("--levels", type=lambda text: [float(n) for n in text.split(",")], default=None)
    parser.add_argument("--overlap", type=float, default=0.0, help="share of turns that begin before the last one ends")
    parser.add_argument("--seed", type=int, default=7)


def main() -> None:
    """Write a room's files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tracks", action="store_true")
    asked(parser, 60.0)
    wanted = parser.parse_args()
    room = TalkRoom(wanted.levels or LEVELS_LUFS, wanted.minutes, overlap=wanted.overlap, seed=wanted.seed)
    wanted.folder.mkdir(parents=True, exist_ok=True)
    paths = [room.write_mix(wanted.folder), *(room.write_tracks(wanted.folder).values() if wanted.tracks else ())]
    print(f"{len(room.turns)} turns in {wanted.minutes:g} minutes: {', '.join(str(path) for path in paths)}")


if __name__ == "__main__":
    main()
