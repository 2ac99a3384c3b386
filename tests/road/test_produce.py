"""`aircheck produce`: one recording in, one episode out, whatever happens in between."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pyloudnorm
import pytest
import rooms_of_ours

NAMED = {
    "episode": {"guid", "title", "show"},
    "renditions": {
        "path", "url", "mime_type", "size_bytes", "duration_s", "sha256", "channels", "integrated_lufs", "true_peak_dbtp",
    },
    "documents": {"kind", "path", "url", "mime_type", "size_bytes"},
    "chapters": {"start_s", "end_s", "title", "source", "url"},
    "cuts": {"start_s", "end_s", "why"},
    "warnings": {"at_s", "lost_s", "why"},
    "transcript": {"engine", "quality", "why"},
    "feed": {"path", "url"},
}  # fmt: skip


def digests(folder: Path) -> dict[str, str]:
    """Every public file below the folder with its sha256; a feed without the moment at which it was first published."""
    files = [path for path in folder.rglob("*") if path.is_file() and ".aircheck" not in path.parts]
    return {str(path.relative_to(folder)): hashlib.sha256(undated(path.read_bytes())).hexdigest() for path in files}


def decoded(path: Path, folder: Path) -> Any:
    """The samples of an audio file, by ffmpeg."""
    rooms_of_ours.ffmpeg("-i", path, "-f", "f64le", "-ac", "1", "-ar", "48000", folder / "samples")
    return np.fromfile(folder / "samples", np.float64)


def undated(content: bytes) -> bytes:
    """The same without a feed's lastBuildDate."""
    return re.sub(rb"<lastBuildDate>[^<]*</lastBuildDate>", b"", content)


def test_a_bare_mix_becomes_an_episode_with_all_that_the_contract_names(aircheck: Any, mix: Path) -> None:
    made = aircheck("produce", mix, "--show", "tuesday", "--title", "Two trains", "--json").data

    assert set(made) == {*NAMED, "sound", "target_lufs", "source_s", "page", "timings_s"}
    assert made["sound"]["schema"] == "sound-report/1"
    assert made["sound"]["after"]["integrated_lufs"] == made["renditions"][0]["integrated_lufs"]
    for name, keys in NAMED.items():
        for one in made[name] if isinstance(made[name], list) else [made[name]]:
            assert set(one) == keys, name
    assert made["episode"]["title"] == "Two trains"
    assert made["episode"]["show"] == "tuesday"
    assert [Path(r["path"]).name for r in made["renditions"]] == ["episode.mp3", "episode.m4a", "episode.opus"]
    assert made["transcript"]["quality"] == "none"
    assert "model" in made["transcript"]["why"]


def test_every_file_is_what_its_report_says(produced: Any) -> None:
    made = produced
    for rendition in made["renditions"]:
        content = Path(rendition["path"]).read_bytes()
        assert len(content) == rendition["size_bytes"]
        assert hashlib.sha256(content).hexdigest() == rendition["sha256"]
        assert abs(rendition["integrated_lufs"] - made["target_lufs"]) <= 0.3
        assert rendition["true_peak_dbtp"] <= -1.0
    cut_s = sum(cut["end_s"] - cut["start_s"] for cut in made["cuts"])
    assert made["renditions"][0]["duration_s"] == pytest.approx(made["source_s"] - cut_s, abs=0.1)
    feed = ElementTree.parse(made["feed"]["path"])
    enclosure = feed.find("channel/item/enclosure")
    assert enclosure is not None
    assert int(enclosure.get("length", "")) == made["renditions"][0]["size_bytes"]
    assert Path(made["feed"]["path"]).parent.joinpath("index.html").exists()


def test_tracks_named_on_the_command_line_are_one_room(aircheck: Any, room: Path) -> None:
    tracks = sorted((room / "tracks").iterdir())

    made = aircheck("produce", *tracks, "--title", "Tracks", "--json").data

    assert len(tracks) >= 2
    assert made["source_s"] == pytest.approx(40.0, abs=1.0)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "opus", "m4a", "mp4", "webm", "mka", "aac", "ts"])
def test_any_kind_of_file_is_taken(aircheck: Any, brief_room: Path, tmp_path: Path, suffix: str) -> None:
    source = rooms_of_ours.mixed(brief_room, tmp_path / f"talk.{suffix}", *(["-c:a", "libopus"] if suffix == "webm" else []))
    aircheck.environment["AIRCHECK_AUDIO__FORMATS"] = "mp3"

    made = aircheck("produce", source, "--json").data

    assert made["renditions"][0]["duration_s"] > 9


def test_a_second_run_does_nothing_again_and_says_so(aircheck: Any, mix: Path) -> None:
    first = aircheck("produce", mix, "--json")
    before = {path: path.stat().st_mtime_ns for path in Path(aircheck.folder).rglob("*.*") if path.suffix in {".mp3", ".xml"}}

    second = aircheck("produce", mix, "--json")

    assert second.data == first.data
    assert "nothing to do" in second.err
    assert before == {path: path.stat().st_mtime_ns for path in before}


@pytest.mark.parametrize("stage", ["listen", "encode", "stamp", "publish"])
def test_killed_in_the_middle_it_goes_on_and_gives_the_same_bytes(
    aircheck: Any, room: Path, produced: Any, tmp_path: Path, stage: str
) -> None:
    killed = tmp_path / "killed"

    process = subprocess.Popen(
        aircheck.command("produce", room, "--out", killed), cwd=aircheck.folder, env=aircheck.env, stderr=subprocess.PIPE, text=True
    )  # fmt: skip
    assert process.stderr
    for line in process.stderr:
        if line.startswith(stage):
            break
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stderr.close()
    aircheck("produce", room, "--out", killed)

    assert digests(killed) == digests(Path(produced["feed"]["path"]).parents[1])


def test_the_source_is_left_as_it_was(aircheck: Any, mix: Path, tmp_path: Path) -> None:
    source = Path(shutil.copy2(mix, tmp_path / mix.name))
    before = (source.read_bytes(), source.stat().st_mtime_ns)

    aircheck("produce", source)

    assert (source.read_bytes(), source.stat().st_mtime_ns) == before


def test_nothing_is_left_in_scratch_by_what_is_done_or_refused(aircheck: Any, mix: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.mp3").write_text("no sound")

    aircheck("produce", mix, "--out", "out")
    aircheck("produce", tmp_path / "notes.mp3", "--out", "out", status=3)

    assert not list((Path(aircheck.folder) / "out/.aircheck/run/scratch").iterdir())


def test_every_rendition_measures_the_same_with_another_meter(produced: Any, tmp_path: Path) -> None:
    for rendition in produced["renditions"]:
        heard_lufs = pyloudnorm.Meter(48_000).integrated_loudness(decoded(rendition["path"], tmp_path))

        assert heard_lufs == pytest.approx(rendition["integrated_lufs"], abs=0.1), rendition["path"]


def test_stages_are_told_on_stderr_and_data_on_stdout_alone(aircheck: Any, mix: Path) -> None:
    said = aircheck("produce", mix, "--json")

    told = [line.split(":")[0] for line in said.err.splitlines()]
    for stage in ("fetch", "probe", "listen", "level", "encode", "verify", "stamp", "upload", "transcribe", "publish"):
        assert stage in told
    assert said.out.startswith("{")
