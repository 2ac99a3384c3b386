"""Speech of people as it lies in a folder, and rooms made of it: who says what when, and what each microphone hears."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.sounds import RATE_HZ, Sound, Talk, Turn, loudness, noise, silence, tone
from pipeline.decode import in_blocks

# The same clip is said again until it is this long: a measure of intelligibility needs seconds.
LEAST_S, PAUSE_S = 5.0, 1.2
ENDS_S = 1.0
# Two channels that have less than this in common are two people.
ALIKE = 0.5
ROOM_NOISE_DBFS = -70.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Microphone:
    """What it adds, in dB under the voice in front of it: hiss, mains hum, and other voices (tracks only)."""

    hiss_db: float
    hum_db: float | None = None
    bleed_db: float = -22.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Each voice alone and clean on the room's clock, and the same as microphones hear it."""

    clean: Mapping[str, Sound]
    heard: Talk
    bleed_db: float

    def tracks(self) -> dict[str, Sound]:
        """What each microphone hears when all hear all: the others that much quieter than its own voice, and later."""
        return {name: own + self._bleed(n, name) for n, (name, own) in enumerate(self.heard.tracks.items())}

    def as_it_came(self, tracks: Mapping[str, Sound]) -> Sound:
        """In every turn the track of who speaks."""
        out = np.zeros_like(self.heard.mix)
        for turn in self.heard.turns:
            first, end = round(turn.start_s * RATE_HZ), round(turn.end_s * RATE_HZ)
            out[first:end] = tracks[turn.who][first:end]
        return out

    def _bleed(self, n: int, name: str) -> Sound:
        own_dbfs = power_db(self.clean[name])
        others = [
            np.roll(sound, 150 + 37 * (n + m)) * 10 ** ((own_dbfs - power_db(sound) + self.bleed_db) / 20)
            for m, (other, sound) in enumerate(self.clean.items())
            if other != name
        ]
        return np.sum(others, axis=0, dtype=np.float32)

    def parts(self, who: str, sound: Sound) -> Sound:
        """What of a sound on the room's clock lies where that voice speaks."""
        turns = (turn for turn in self.heard.turns if turn.who == who)
        return np.concatenate([sound[round(turn.start_s * RATE_HZ) : round(turn.end_s * RATE_HZ)] for turn in turns])


def voices(folder: Path) -> dict[str, Sound]:
    """Every WAV and FLAC of the folder, at 48 kHz; one of two people gives two voices."""
    return {name: voice for path in sorted(folder.iterdir()) if path.suffix in {".wav", ".flac"} for name, voice in _people(path)}


def _people(path: Path) -> Iterator[tuple[str, Sound]]:
    left, right = np.concatenate(list(in_blocks(path, 2)), 1)
    if np.corrcoef(left, right)[0, 1] >= ALIKE:
        yield path.stem, (left + right) / 2
    else:
        yield f"{path.stem}-left", left
        yield f"{path.stem}-right", right


def conversation(
    people: Mapping[str, Sound], levels_lufs: Sequence[float], microphone: Microphone, *, gated: bool
) -> Conversation:  # fmt: skip
    """All of them in turn, each as loud as its place in the list says; `gated` microphones are open only while somebody speaks."""
    said = {
        name: _at(_long(voice), levels_lufs[n % len(levels_lufs)]) for n, (name, voice) in enumerate(people.items())
    }  # fmt: skip
    starts_s, at_s = {}, ENDS_S
    for name, voice in said.items():
        starts_s[name] = at_s
        at_s += len(voice) / RATE_HZ + PAUSE_S
    turns = tuple(Turn(name, start_s, start_s + len(said[name]) / RATE_HZ) for name, start_s in starts_s.items())
    clean = {turn.who: _placed(said[turn.who], turn.start_s, at_s + ENDS_S) for turn in turns}
    heard = {}
    for n, turn in enumerate(turns):
        open_s = (turn.start_s, turn.end_s) if gated else (0.0, at_s + ENDS_S)
        added = _added(power_db(clean[turn.who]), open_s[1] - open_s[0], microphone, seed=n)
        heard[turn.who] = clean[turn.who] + _placed(added, open_s[0], at_s + ENDS_S) + _hush(at_s + ENDS_S, len(turns), n)
    return Conversation(clean=clean, heard=Talk(tracks=heard, turns=turns), bleed_db=microphone.bleed_db)


def power_db(sound: Sound) -> float:
    """Of what is not silent in it."""
    return 10 * float(np.log10(np.mean(np.square(sound[sound != 0]))))


def _long(voice: Sound) -> Sound:
    return np.tile(np.concatenate([voice, silence(0.3)]), int(np.ceil(LEAST_S * RATE_HZ / len(voice))))


def _at(voice: Sound, lufs: float) -> Sound:
    return np.asarray(voice * 10 ** ((lufs - loudness(voice)) / 20), np.float32)


def _placed(voice: Sound, start_s: float, length_s: float) -> Sound:
    out = silence(length_s)
    first = round(start_s * RATE_HZ)
    out[first : first + len(voice)] = voice
    return out


def _added(voice_db: float, seconds: float, microphone: Microphone, seed: int) -> Sound:
    """What a microphone adds to a voice of that power while it is open."""
    added = noise(seconds, voice_db + microphone.hiss_db, seed)
    if microphone.hum_db is not None:
        added += sum(tone(seconds, voice_db + microphone.hum_db - 4 * n, 50.0 * (n + 1)) for n in range(4))
    return added


def _hush(seconds: float, microphones: int, seed: int) -> Sound:
    """The room's own, a part of it in every microphone."""
    return noise(seconds, ROOM_NOISE_DBFS - 10 * float(np.log10(microphones)), seed + 100)
