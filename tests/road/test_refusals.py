"""What cannot become an episode: one clear line, the right status, nothing half-published, the source untouched."""

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rooms_of_ours

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d4944415478da63fcffff3f030005fe02fea735811d0000000049454e44ae426082"
)


def empty(path: Path, _mix: Path) -> Path:
    path = path / "empty.wav"
    path.touch()
    return path


def text(path: Path, _mix: Path) -> Path:
    path = path / "notes.mp3"
    path.write_text("These are the notes of our meeting.\n" * 50)
    return path


def picture(path: Path, _mix: Path) -> Path:
    path = path / "picture.mp3"
    path.write_bytes(PNG)
    return path


def silent_film(path: Path, _mix: Path) -> Path:
    path = path / "film.mp4"
    rooms_of_ours.ffmpeg("-f", "lavfi", "-i", "color=s=64x64:d=3", "-c:v", "mpeg4", path)
    return path


def header_only(path: Path, _mix: Path) -> Path:
    path = path / "header.wav"
    path.write_bytes(
        b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 48000, 96000, 2, 16) + b"data\0\0\0\0"
    )
    return path


def headless_mp4(path: Path, mix: Path) -> Path:
    path = path / "cut.m4a"
    rooms_of_ours.ffmpeg("-i", mix, "-c:a", "aac", path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def error_page(path: Path, _mix: Path) -> Path:
    path = path / "talk.ogg"
    path.write_text("<!DOCTYPE html><html><body><h1>403 Forbidden</h1></body></html>")
    return path


def silence(path: Path, _mix: Path) -> Path:
    path = path / "silence.ogg"
    rooms_of_ours.ffmpeg("-f", "lavfi", "-i", "anullsrc=r=48000:cl=mono", "-t", "20", "-c:a", "libopus", path)
    return path


@pytest.mark.parametrize("make", [empty, text, picture, silent_film, header_only, headless_mp4, error_page, silence])
def test_what_has_no_sound_is_refused_in_one_line(
    aircheck: Any, mix: Path, tmp_path: Path, make: Callable[[Path, Path], Path]
) -> None:
    source = make(tmp_path, mix)
    before = source.read_bytes()

    said = aircheck("produce", source, "--json", status=3)

    told = [line for line in said.err.splitlines() if line.startswith("aircheck: ")]
    assert len(told) == 1, said.err
    assert said.data["error"]["message"] == told[0].removeprefix("aircheck: ")
    assert said.data["error"]["code"] not in ("", "refused", "failed")
    assert not list(Path(aircheck.folder).rglob("*.mp3"))
    assert not any(b"<item>" in feed.read_bytes() for feed in Path(aircheck.folder).rglob("feed.xml"))
    assert source.read_bytes() == before


def test_a_truncated_ogg_is_published_with_what_is_there(aircheck: Any, mix: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole.ogg"
    rooms_of_ours.ffmpeg("-i", mix, "-c:a", "libopus", whole)
    cut = tmp_path / "cut.ogg"
    content = whole.read_bytes()
    cut.write_bytes(content[: len(content) * 6 // 10])

    made = aircheck("produce", cut, "--json").data

    assert 10 < made["source_s"] < 35


def test_a_folder_that_cannot_be_written_to_is_one_line(aircheck: Any, mix: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("a file where a folder should be")

    said = aircheck("produce", mix, "--out", blocked / "out", "--json", status=None)

    assert said.status in (1, 3)
    assert len([line for line in said.err.splitlines() if line.startswith("aircheck: ")]) == 1
    assert str(blocked) in said.data["error"]["message"]


def test_a_full_disk_is_told_with_figures_and_leaves_nothing(aircheck: Any, mix: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0 or os.system(f"mkdir {tmp_path}/small && mount -t tmpfs -o size=900k none {tmp_path}/small") != 0:
        pytest.skip("a full disk needs root and mount")
    try:
        said = aircheck("produce", mix, "--out", tmp_path / "small" / "out", "--json", status=1)
        assert "free" in said.data["error"]["message"] or "full" in said.data["error"]["message"], said
        assert not list((tmp_path / "small").rglob("episode.mp3"))
    finally:
        os.system(f"umount {tmp_path}/small")


def test_a_wrong_setting_names_the_nearest_right_one(aircheck: Any) -> None:
    (Path(aircheck.folder) / "aircheck.toml").write_text("[audio]\ntarget_luf = -16\n")

    said = aircheck("config", "check", status=3)

    assert "audio.target_luf" in said.err
    assert "did you mean audio.target_lufs" in said.err


def test_no_such_file_is_refused(aircheck: Any) -> None:
    assert "nowhere.mp3" in aircheck("produce", "nowhere.mp3", status=3).err


def test_wrong_use_has_a_status_of_its_own(aircheck: Any) -> None:
    aircheck("produce", status=2)
    aircheck("work", "--queues", "music", status=2)


def test_a_room_that_breaks_its_promise_is_refused(aircheck: Any, room: Path, tmp_path: Path) -> None:
    manifest = json.loads((room / "room.json").read_text())
    manifest["files"][0]["path"] = "../../etc/passwd"
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "room.json").write_text(json.dumps(manifest))

    assert "path" in aircheck("produce", tmp_path / "bad", status=3).err
