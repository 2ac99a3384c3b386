"""A run killed with -9 between two slices goes on where it was, and ends with the same bytes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from fakes_speech import FolderSlices, ModelOf, Room, babble, room, silence
from pydantic import TypeAdapter

from pipeline.child import Children
from pipeline.models import Transcript
from pipeline.plan import SpeechPlan
from pipeline.transcribe import transcribe

VOICES = ("ana", "bento", "carla")
RUN = """
import sys
from pathlib import Path
from pydantic import TypeAdapter
from fakes_speech import FolderSlices, Room
from pipeline.child import Children
from pipeline.transcribe import transcribe
from pipeline.plan import SpeechPlan
room = TypeAdapter(Room).validate_json(Path(sys.argv[1]).read_bytes())
slices = FolderSlices(Path(sys.argv[3]))
transcribe(room.timeline, room.heard, SpeechPlan(model=sys.argv[2]), participants=(), children=Children(), slices=slices)
"""


@pytest.fixture
def a_room(tmp_path: Path) -> Room:
    """Three voices, one after another: three slices."""
    turns = [np.concatenate([silence(20.0 * n), babble(18, 110.0 + 40 * n, n), silence(20.0 * (2 - n))]) for n in range(3)]
    return room(tmp_path / "room", **dict(zip(VOICES, turns, strict=True)))


def whole(a_room: Room, model: str, folder: Path) -> Transcript:
    folder.mkdir(exist_ok=True)
    return transcribe(
        a_room.timeline, a_room.heard, SpeechPlan(model=model), participants=(), children=Children(), slices=FolderSlices(folder)
    )


def kept(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}


def start_and_kill(a_room: Room, model: str, folder: Path) -> None:
    """Begins the same work in a process of its own, and kills that as soon as one slice is kept."""
    described = folder.parent / "room.json"
    described.write_bytes(TypeAdapter(Room).dump_json(a_room))
    search = os.pathsep.join(path for path in sys.path if path)
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, str(described), model, str(folder)], env={**os.environ, "PYTHONPATH": search}
    )
    while not kept(folder):
        assert process.poll() is None, "it ended without keeping a slice"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_a_killed_run_repeats_no_slice_that_was_done_and_ends_with_the_same_bytes(
    tmp_path: Path, a_room: Room, whisper: ModelOf
) -> None:
    broken, unbroken = tmp_path / "broken", tmp_path / "unbroken"
    broken.mkdir()
    start_and_kill(a_room, whisper(), broken)
    before = {name: (broken / name).stat().st_mtime_ns for name in kept(broken)}
    assert 1 <= len(before) < len(VOICES)
    resumed, straight = whole(a_room, whisper(), broken), whole(a_room, whisper(), unbroken)
    assert resumed == straight
    assert kept(broken) == kept(unbroken)
    assert {name: (broken / name).stat().st_mtime_ns for name in before} == before


def test_slices_are_kept_apart_by_model_and_by_hints(tmp_path: Path, a_room: Room, whisper: ModelOf) -> None:
    folder = tmp_path / "slices"
    whole(a_room, whisper(), folder)
    other = whisper(((0.5, " Something else is said.", 4.0),))
    assert {segment.text for segment in whole(a_room, other, folder).segments} == {"Something else is said."}
    assert len(kept(folder)) == 2 * len(VOICES)
    assert all(json.loads(content)["language"] == "en" for content in kept(folder).values())
