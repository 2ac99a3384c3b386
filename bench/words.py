"""What hearing words in slices costs beside faster-whisper given the whole file, with the same model: time, memory, and the words.

    python bench/words.py MODEL SPEECH.wav [COPIES]

MODEL is a folder or the name of a model on this machine; SPEECH is 16 kHz mono s16, repeated COPIES times (10) to make it long.
Each side runs in a process of its own. Exit status 1 when the slices cost more than 5 % more, or 1 GB above the loaded model.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.child import Children
from pipeline.engines import RATE_HZ
from pipeline.engines import faster_whisper as engine
from pipeline.limits import Limits
from pipeline.models import Heard, MadeFile, Timeline, Track
from pipeline.plan import SpeechPlan
from pipeline.transcribe import transcribe

MOST_COST = 1.05
MOST_EXTRA_MB = 1000.0


class Memory(dict[str, bytes]):
    """A store of slices that forgets."""

    def put(self, key: str, content: bytes) -> None:
        self[key] = content


def bare(model: str, path: Path) -> int:
    """How many words faster-whisper hears in the whole file at once, as its README shows it, with word times."""
    from faster_whisper import WhisperModel

    with wave.open(str(path), "rb") as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
    whisper = WhisperModel(model, device="auto", compute_type="auto", cpu_threads=engine.cpu_threads(), local_files_only=True)
    segments, _ = whisper.transcribe(samples, vad_filter=True, word_timestamps=True)
    return sum(len(segment.words or ()) for segment in segments)


def sliced(model: str, path: Path) -> int:
    """How many words our stage hears in the same file."""
    with wave.open(str(path), "rb") as file:
        length_s = file.getnframes() / RATE_HZ
    made = MadeFile.of(path)
    track = Track(file=made, participant=None, start_offset_s=0.0, duration_s=length_s, channels=1)
    heard = Heard(measures=made, speech=(made,), channels=1, decoded_s=length_s, integrated_lufs=None, true_peak_dbtp=None)
    transcript = transcribe(
        Timeline(tracks=(track,), separate=False, length_s=length_s), heard, SpeechPlan(model=model),
        participants=(), children=Children(limits=Limits(memory_bytes=None)), slices=Memory(),
    )  # fmt: skip
    return sum(len(segment.words) for segment in transcript.segments)


def loaded(model: str, path: Path) -> int:  # noqa: ARG001  the same call for all three
    """The model alone: what memory is counted from."""
    plan = SpeechPlan(model=model)
    engine.open_recogniser(engine.find_model(plan), engine.options_of(plan, ()))
    return 0


WAYS: dict[str, Callable[[str, Path], int]] = {"loaded": loaded, "bare": bare, "sliced": sliced}


def measured(way: str, model: str, path: Path) -> dict[str, Any]:
    """Wall and CPU seconds, peak memory of its largest process, and the words, of one way in a process of its own."""
    command = [sys.executable, __file__, "--way", way, model, str(path)]
    return dict(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout))


def report_way(way: str, model: str, path: Path) -> None:
    began = time.monotonic()
    words = WAYS[way](model, path)
    wall_s = time.monotonic() - began
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu_s = sum(u.ru_utime + u.ru_stime for u in used)
    print(json.dumps({"words": words, "wall_s": wall_s, "cpu_s": cpu_s, "peak_mb": max(u.ru_maxrss for u in used) / 1024}))


def repeated(path: Path, copies: int, to: Path) -> Path:
    with wave.open(str(path), "rb") as file, wave.open(str(to), "wb") as out:
        out.setparams(file.getparams())
        sound = file.readframes(file.getnframes())
        for _ in range(copies):
            out.writeframes(sound)
    return to


def main(model: str, speech: str, copies: str = "10") -> int:
    with tempfile.TemporaryDirectory() as folder:
        path = repeated(Path(speech), int(copies), Path(folder) / "speech.wav")
        found = {way: measured(way, model, path) for way in WAYS}
    print(f"{'':8} {'words':>7} {'wall s':>8} {'CPU s':>8} {'peak MB':>8}")
    for way, m in found.items():
        print(f"{way:8} {m['words']:7} {m['wall_s']:8.1f} {m['cpu_s']:8.1f} {m['peak_mb']:8.0f}")
    cost = found["sliced"]["cpu_s"] / found["bare"]["cpu_s"]
    extra_mb = found["sliced"]["peak_mb"] - found["loaded"]["peak_mb"]
    print(f"slices cost {cost:.2f} x, and {extra_mb:.0f} MB above the loaded model")
    return int(cost > MOST_COST or extra_mb > MOST_EXTRA_MB)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--way"]:
        report_way(sys.argv[2], sys.argv[3], Path(sys.argv[4]))
    elif len(sys.argv) in (3, 4):
        sys.exit(main(*sys.argv[1:]))
    else:
        sys.exit(__doc__)
