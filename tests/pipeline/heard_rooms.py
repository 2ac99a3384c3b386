"""Rooms that were listened to already, for the tests of what follows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from fakes_children import Here, fetched, recording

from bench.sounds import RATE_HZ, Sound, Talk, loudness, wav
from pipeline.arrange import arrange
from pipeline.clock import TimeMap
from pipeline.decode import in_blocks
from pipeline.level import Levels
from pipeline.listen import listen
from pipeline.models import Heard, Timeline
from pipeline.probe import probe
from pipeline.render import limited, mixed
from pipeline.treatment import found_needed


@dataclass(frozen=True)
class Room:
    """A timeline, what was heard on it, and where to work."""

    timeline: Timeline
    heard: Heard
    scratch: Path


def heard_mix(folder: Path, sound: Sound) -> Room:
    return _heard(folder, [wav(folder / "mix.wav", sound)], "mix")


def heard_tracks(folder: Path, tracks: dict[str, Sound]) -> Room:
    return _heard(folder, [wav(folder / f"{name}.wav", sound) for name, sound in tracks.items()], "track")


def _heard(folder: Path, paths: Sequence[Path], kind: str) -> Room:
    files = tuple(fetched(p, kind=kind, participant=p.stem if kind == "track" else None) for p in paths)
    timeline = arrange(recording(), probe(files, children=Here()), "notice")
    heard = listen(timeline, children=Here(), scratch=folder)
    return Room(timeline=found_needed(timeline, heard), heard=heard, scratch=folder)


def levelled(room: Room, levels: Levels) -> Sound:
    """The room after its gains, before limiter and encoders."""
    with np.load(levels.curves.path) as arrays:
        gains = arrays["gain_db"]
    return np.concatenate([sound for _, sound in mixed(room.timeline, gains, levels.channels, room.scratch)], 1)


def limited_too(room: Room, levels: Levels) -> Sound:
    """The same behind the limiter: what encoders are given."""
    return np.concatenate(list(limited([levelled(room, levels)], levels.channels, levels.ceiling_dbtp)), 1)


def decoded(path: Path, channels: int = 1) -> Sound:
    return np.concatenate(list(in_blocks(path, channels)), 1)


def by_voice(talk: Talk, sound: Sound, timeline: Timeline | None = None) -> dict[str, float]:
    """Loudness of each voice where it alone speaks, by the other meter."""
    at = TimeMap.of(timeline).episode_s if timeline else float
    mono = np.atleast_2d(sound)[0]
    turns = [(t.who, mono[round(at(t.start_s) * RATE_HZ) : round(at(t.end_s) * RATE_HZ)]) for t in talk.turns]
    return {name: loudness(np.concatenate([part for who, part in turns if who == name])) for name in talk.tracks}


def spread(levels: dict[str, float]) -> float:
    return max(levels.values()) - min(levels.values())
