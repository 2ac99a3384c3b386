"""The documents' examples work as they are printed."""

import importlib
import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import imageio_ffmpeg
import pytest
from repository import ROOT, texts

from pipeline import formats
from pipeline.models import Segment
from pipeline.telling import Script
from workers import hooks
from workers.manifest import parse

NAME = r"aircheck ((?:show|episode) [a-z]+|[a-z]+)"
COMMAND = re.compile(rf"(?:^|`|&& ){NAME}", re.MULTILINE)


def code_in(document: str, language: str) -> str:
    found = re.findall(rf"```{language}\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)
    assert len(found) == 1
    return found[0]


@pytest.fixture
def on_shelf(tmp_path, monkeypatch):
    """Puts a file on a shelf for the length of a test, and gives the module."""

    def put(shelf: str, name: str, text: str):
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.setattr(importlib.import_module(shelf), "__path__", [str(tmp_path)])
        monkeypatch.delitem(sys.modules, f"{shelf}.{name}", raising=False)
        return importlib.import_module(f"{shelf}.{name}")

    return put


def commands() -> list[str]:
    documents = [text for path, text in texts().items() if path == "README.md" or path.startswith("docs/")]
    return sorted({name for text in documents for name in COMMAND.findall(text)})


@pytest.mark.parametrize("command", commands())
def test_every_command_that_a_document_names_exists(command):
    said = subprocess.run(
        [Path(sys.executable).with_name("aircheck"), *command.split(), "--help"], cwd=ROOT, capture_output=True, text=True
    )
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith(f"Usage: aircheck {command} ")


def test_the_format_in_the_document_is_a_format(on_shelf, tmp_path):
    mp2 = on_shelf("pipeline.formats", "mp2", code_in("docs/adding-a-format.md", "python"))
    assert formats.named("mp2") is mp2
    recipe = mp2.recipe(1, "fast")
    target = tmp_path / f"sound{mp2.SUFFIX}"
    tone = ["-f", "lavfi", "-i", "sine=440:duration=1:sample_rate=48000"]
    how = ["-c:a", recipe.codec, "-b:a", f"{recipe.bitrate_kbps}k", "-f", recipe.container]
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *tone, *how, str(target)], check=True)
    assert target.stat().st_size == pytest.approx(16_000, rel=0.05)


def test_the_document_in_the_document_is_a_document(on_shelf):
    lrc = on_shelf("feeds.documents", "transcript_lrc", code_in("docs/adding-a-document.md", "python"))
    said = (
        Segment(speaker="Ana", start_s=69.249, end_s=71, text="Good [00:00.00] evening"),
        Segment(speaker=None, start_s=119.996, end_s=121, text="two\nlines"),
    )
    script = Script(title="", language="en", duration_s=130, engine="", quality="full", segments=said, chapters=())
    assert lrc.render(script).decode() == "[01:09.25]Ana: Good (00:00.00) evening\n[02:00.00]two lines\n"


def test_the_room_in_the_document_is_a_room():
    warnings: list[str] = []
    room = json.loads(code_in("docs/rooms.md", "json"))
    room["files"][0]["sha256"] = "0" * 64
    recording = parse(room, warn=warnings.append)
    assert warnings == []
    assert (recording.show, recording.started_at) == ("tuesday", datetime(2026, 11, 20, 19, tzinfo=UTC))
    assert [event.url for event in recording.events] == ["https://example.org/sleeping-cars"]


def test_the_signature_in_the_document_is_the_one_the_door_wants():
    scope: dict = {}
    exec(code_in("docs/rooms.md", "python"), scope)
    told = scope["headers"]("secret", b"{}")
    assert told == hooks.sign("secret", int(told["X-Aircheck-Timestamp"]), b"{}")
