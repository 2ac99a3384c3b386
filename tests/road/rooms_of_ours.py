"""Short rooms of true speech, cut out of the sample room that ships with Aircheck."""

import json
import subprocess
from pathlib import Path
from typing import Any

import imageio_ffmpeg

SAMPLE = Path(__file__).parents[2] / "workers" / "demo" / "sample"
FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()


def ffmpeg(*words: object) -> None:
    """Run ffmpeg, one thread, the same bytes each time."""
    said = subprocess.run(
        [FFMPEG, "-nostdin", "-y", "-v", "error", *map(str, words[:-1]), "-fflags", "+bitexact", str(words[-1])],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr


def short_room(folder: Path, *, from_s: float = 85.0, length_s: float = 40.0, recording_id: str = "REC_short") -> Path:
    """A folder with room.json and the tracks of everybody who is there in that stretch of the sample."""
    manifest: dict[str, Any] = json.loads((SAMPLE / "room.json").read_text())
    (folder / "tracks").mkdir(parents=True)
    manifest["files"] = [cut for file in manifest["files"] if (cut := _cut(folder, file, from_s, from_s + length_s))]
    manifest["events"] = [
        {**event, "t": event["t"] - from_s} for event in manifest["events"] if from_s <= event["t"] < from_s + length_s
    ]
    here = {file["participant"] for file in manifest["files"]}
    manifest["participants"] = [{**p, "joined_at": 0.0, "left_at": None} for p in manifest["participants"] if p["identity"] in here]
    manifest |= {"recording_id": recording_id, "source": {"engine": "sample", "session_id": recording_id}}
    manifest["room"] |= {"sid": recording_id, "started_at": "2026-11-19T22:00:00.000Z", "ended_at": "2026-11-19T22:00:40.000Z"}
    (folder / "room.json").write_text(json.dumps(manifest))
    return folder


def mixed(room: Path, to: Path, *options: object) -> Path:
    """All tracks of a room in one file, as a recorder's mix; the suffix says which kind."""
    files = json.loads((room / "room.json").read_text())["files"]
    inputs = [word for file in files for word in ("-i", room / file["path"])]
    delayed = "".join(f"[{n}]adelay={round(file['start_offset'] * 1000)}:all=1[d{n}];" for n, file in enumerate(files))
    names = "".join(f"[d{n}]" for n in range(len(files)))
    ffmpeg(*inputs, "-filter_complex", f"{delayed}{names}amix=inputs={len(files)}:normalize=0", *options, to)
    return to


def _cut(folder: Path, file: dict[str, Any], from_s: float, to_s: float) -> dict[str, Any] | None:
    begins, ends = max(from_s, file["start_offset"]), min(to_s, file["start_offset"] + file["duration"])
    if ends - begins < 1.0:
        return None
    source, cut = SAMPLE / file["path"], folder / file["path"]
    ffmpeg("-ss", begins - file["start_offset"], "-t", ends - begins, "-i", source, "-c:a", "libopus", "-b:a", "32k", cut)
    kept = {key: file[key] for key in ("path", "kind", "participant", "track_id") if key in file}
    return {**kept, "start_offset": begins - from_s, "duration": ends - begins}
