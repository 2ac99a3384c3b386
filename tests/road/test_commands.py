"""Every command tells how it is used, and says the same to people and to programs."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from workers import cli


def commands() -> list[tuple[str, ...]]:
    """Every command of the tool by its words."""
    if not cli.app.registered_commands:
        cli._register()
    alone = [(c.name or c.callback.__name__,) for c in cli.app.registered_commands]
    inside = [
        (g.name, c.name or c.callback.__name__) for g in cli.app.registered_groups for c in g.typer_instance.registered_commands
    ]
    return alone + inside


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_has_help_with_an_example(words: tuple[str, ...]) -> None:
    said = CliRunner().invoke(cli.app, [*words, "--help"]).output

    assert f"Example: aircheck {' '.join(words)}" in said


def test_help_of_the_tool_names_every_command(aircheck: Any) -> None:
    said = aircheck("--help").out

    for words in commands():
        assert words[0] in said


def test_help_loads_nothing_heavy() -> None:
    seen = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "workers.cli", "--help"], capture_output=True, text=True, check=True
    ).stderr  # fmt: skip

    loaded = {line.rpartition("|")[2].strip() for line in seen.splitlines()}  # those that others load stand indented
    assert {"typer", "workers.cli.shows"} <= loaded
    assert not loaded & {"sqlalchemy", "fastapi", "numpy", "boto3", "pydantic", "faster_whisper"}


def test_a_show_says_how_it_sounds(aircheck: Any) -> None:
    aircheck("show", "add", "tuesday", "--level", "natural", "--denoise", "--no-trim")
    said = aircheck("show", "edit", "tuesday", "--target-lufs", "-16", "--no-denoise").out
    assert "target_lufs" in said and "denoise" in said

    [show] = aircheck("show", "list", "--json").data["shows"]
    assert {key: value for key, value in show["audio"].items() if value is not None} == {
        "level": "natural", "denoise": False, "trim": False, "target_lufs": -16.0,
    }  # fmt: skip
    aircheck("show", "edit", "tuesday", "--plain-sound", "--shorten-pauses")
    [show] = aircheck("show", "list", "--json").data["shows"]
    assert {key for key, value in show["audio"].items() if value is not None} == {"shorten_pauses"}
    assert "natural" in aircheck("show", "edit", "tuesday", "--level", "loud", status=2).err


def test_a_show_is_added_listed_and_changed(aircheck: Any) -> None:
    aircheck("show", "add", "tuesday", "--title", "The Tuesday Room")
    aircheck("show", "edit", "tuesday", "--title", "Tuesdays", "--drafts", "public")

    [show] = aircheck("show", "list", "--json").data["shows"]
    assert show["title"] == "Tuesdays"
    assert "<title>Tuesdays</title>" in aircheck("feed", "tuesday").out
    assert "there is a show tuesday already" in aircheck("show", "add", "tuesday", status=3).err
    assert "cannot be a show's slug" in aircheck("show", "add", "studio", status=3).err
    assert "category" in aircheck("show", "add", "other", "--category", "Gossip", status=2).err


def test_episodes_are_listed_shown_and_downloaded(aircheck: Any, mix: Path, tmp_path: Path) -> None:
    made = aircheck("produce", mix, "--show", "tuesday", "--json").data
    state = Path(aircheck.folder) / "aircheck-out"
    aircheck.environment |= {
        "AIRCHECK_DATA_DIR": str(state / ".aircheck/run"), "AIRCHECK_STORE__URL": state.as_uri(),
    }  # fmt: skip

    [episode] = aircheck("episode", "list", "--json").data["episodes"]
    shown = aircheck("episode", "show", episode["slug"], "--json").data
    got = aircheck("episode", "download", episode["slug"], "--to", tmp_path / "files", "--json").data
    run = aircheck("runs", "show", episode["run"], "--json").data

    assert episode["guid"] == made["episode"]["guid"] == shown["guid"]
    assert {Path(path).name for path in got["paths"]} >= {"episode.mp3", "episode.m4a", "episode.opus", "index.html"}
    assert run["state"] == "done"
    assert set(made["timings_s"]) == set(run["timings_s"])
    assert "has failed" in aircheck("retry", episode["run"], status=3).err
    assert "there is no episode" in aircheck("episode", "show", "nothing", status=3).err


def test_doctor_examines_and_names_the_fix(aircheck: Any) -> None:
    findings = {f["name"]: f for f in aircheck("doctor", "--json", status=None).data["findings"]}

    assert findings["ffmpeg"]["verdict"] == "ok"
    assert all(f["fix"] for f in findings.values() if f["verdict"] == "bad")


def test_config_check_shows_every_setting_and_no_secret(aircheck: Any) -> None:
    aircheck.environment["AIRCHECK_HOOKS__SECRET"] = "do not print me"

    said = aircheck("config", "check")

    assert "audio.formats" in said.out
    assert "do not print me" not in said.out + said.err
