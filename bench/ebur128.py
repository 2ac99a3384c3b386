"""What ffmpeg's own meter reads of a file: EBU R128, which is not our meter."""

import re
import subprocess
from pathlib import Path

from pipeline.ffmpeg import find
from pipeline.models import Loudness

_READ = re.compile(r"Summary:.*?I:\s+(\S+) LUFS.*?LRA:\s+(\S+) LU\b.*?Peak:\s+(\S+) dBFS", re.DOTALL)
# What it reads of silence.
NOTHING_LUFS = -70.0


def ebur128(path: Path, *, dual_mono: bool = False) -> Loudness:
    """Loudness, its range and true peak of the first audio stream; with `dual_mono` one channel counts as two equal ones."""
    meter = f"ebur128=peak=true:framelog=quiet:dualmono={'true' if dual_mono else 'false'}"
    command = [find(), "-nostdin", "-hide_banner", "-nostats", "-i", str(path), "-map", "0:a:0", "-af", meter, "-f", "null", "-"]
    return read(subprocess.run(command, check=True, capture_output=True, text=True).stderr)


def read(said: str) -> Loudness:
    """The summary at the end of what it says. ValueError when there is none."""
    match = _READ.search(said)
    if match is None:
        raise ValueError(f"no summary of ebur128 in {said[-200:]!r}")
    loudness_lufs, range_lu, peak_dbtp = (float(figure) for figure in match.groups())
    silent = loudness_lufs <= NOTHING_LUFS
    return Loudness(
        integrated_lufs=None if silent else loudness_lufs, true_peak_dbtp=None if peak_dbtp == float("-inf") else peak_dbtp,
        loudness_range_lu=range_lu,
    )  # fmt: skip
