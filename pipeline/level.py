"""The decision how loud everybody is: a gain for every voice and passage."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.models import Activity, Heard, MadeFile, Timeline, VoiceLevel

VERSION = 1
Mode = Literal["even", "natural", "broadcast", "original"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelPlan:
    """`target_lufs` None is -19 for one channel and -16 for two."""

    mode: Mode = "even"
    target_lufs: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Gains in dB per row of `Measures` and 100 ms lie in `curves` (.npz, `gain_db`)."""

    curves: MadeFile
    channels: int
    target_lufs: float
    ceiling_dbtp: float
    # None: silence
    expected_lufs: float | None
    voices: tuple[VoiceLevel, ...]
    activity: Activity


def level(timeline: Timeline, heard: Heard, plan: LevelPlan = LevelPlan(), *, scratch: Path) -> Levels:
    """Gains that bring every voice to the target; silence is never raised."""
    raise NotImplementedError
