"""A talk as long as is wanted: three voices 22.5 LU apart for some minutes, again and again."""

import subprocess
from pathlib import Path

import numpy as np

from bench.sounds import RATE_HZ, Sound, Talk, loudness, talk, wav
from bench.spent import ffmpeg

VOICES = {"ann": -35.0, "bob": -24.0, "cleo": -12.5}
ROUND_S = 180.0


def once() -> Talk:
    """What is repeated."""
    rounds = max(round(ROUND_S / (len(VOICES) * 8.0)), 1)
    return talk(VOICES, rounds=rounds, turn_s=7.0, pause_s=1.0)


def recorded(folder: Path, length_s: float, separate: bool) -> list[Path]:
    """The talk as Ogg Opus: one file a voice, each hearing the others too, or one of everybody."""
    made = once()
    sounds = made.with_bleed() if separate else {"mix": made.mix}
    return [_repeated(wav(folder / f"{name}.wav", sound), length_s) for name, sound in sounds.items()]


def _repeated(source: Path, length_s: float) -> Path:
    first, target = source.with_suffix(".once.ogg"), source.with_suffix(".ogg")
    coded = ("-c:a", "libopus", "-b:a", "32k", "-application", "voip")
    subprocess.run(ffmpeg("-i", str(source), *coded, str(first)), check=True)
    subprocess.run(ffmpeg("-stream_loop", "-1", "-i", str(first), "-t", str(length_s), "-c", "copy", str(target)), check=True)
    return target


def by_voice(made: Talk, sound: Sound) -> dict[str, float]:
    """How loud each voice is in its turns, as far as the sound goes."""
    spoken: dict[str, list[Sound]] = {name: [] for name in made.tracks}
    for turn in made.turns:
        if turn.end_s < len(sound) / RATE_HZ:
            spoken[turn.who].append(sound[round(turn.start_s * RATE_HZ) : round(turn.end_s * RATE_HZ)])
    return {name: loudness(np.concatenate(parts)) for name, parts in spoken.items() if parts}
