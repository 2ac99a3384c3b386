"""The sample room as the tests see it: its papers, and its tracks decoded."""

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

ROOM = Path(__file__).parents[2] / "workers/demo/sample"
MANIFEST: dict[str, Any] = json.loads((ROOM / "room.json").read_text())
TRUTH: dict[str, Any] = json.loads((ROOM / "truth.json").read_text())
FILES: dict[str, dict[str, Any]] = {file["participant"]: file for file in MANIFEST["files"]}


@cache
def decoded(identity: str, rate_hz: int) -> NDArray[np.float32]:
    """That speaker's track, mono."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(ROOM / FILES[identity]["path"])]
    command += ["-ac", "1", "-ar", str(rate_hz), "-f", "f32le", "-"]
    return np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, "<f4")


def turns_of(identity: str) -> list[dict[str, Any]]:
    return [turn for turn in TRUTH["turns"] if turn["speaker"] == identity]


def sound_of(turn: dict[str, Any], rate_hz: int) -> NDArray[np.float32]:
    """A turn as its speaker's track has it."""
    offset_s = FILES[turn["speaker"]]["start_offset"]
    return decoded(turn["speaker"], rate_hz)[
        round((turn["start_s"] - offset_s) * rate_hz) : round((turn["end_s"] - offset_s) * rate_hz)
    ]
