import os
import stat
import time

import pytest

from pipeline import ffmpeg
from pipeline.errors import Broken, ToolFailed
from pipeline.ffmpeg import encoders, encoding, find, version
from pipeline.formats import Output, named
from pipeline.piped import run, running
from pipeline.shelf import names


def program(path, script: str):
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def forgetful():
    """What was found before is forgotten before and after."""
    ffmpeg.find.cache_clear()
    yield
    ffmpeg.find.cache_clear()


def test_the_ffmpeg_that_is_found_runs_and_can_encode_every_format():
    binary = find()
    assert version(binary)
    assert {named(name).recipe(1, "fast").codec for name in names("pipeline.formats")} <= encoders(binary)


@pytest.mark.parametrize(
    ("said", "taken"),
    [("5.1.9-0+deb12u1", False), ("6.1.1-3ubuntu5", True), ("n7.1", True), ("N-118-gabc", True)],
    ids=["old", "new enough", "newer", "built from source"],
)
def test_an_old_ffmpeg_on_the_path_is_passed_over(tmp_path, monkeypatch, forgetful, said, taken):
    installed = program(tmp_path / "ffmpeg", f"echo 'ffmpeg version {said} Copyright'")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert (find() == str(installed)) == taken


def test_one_that_is_named_is_taken_or_reported(tmp_path):
    mine = program(tmp_path / "mine", "echo 'ffmpeg version 6.0 Copyright'")
    assert find(str(mine)) == str(mine)
    for wrong in (tmp_path / "missing", program(tmp_path / "other", "echo hello"), program(tmp_path / "ends", "exit 3")):
        with pytest.raises(Broken) as broken:
            find(str(wrong))
        assert broken.value.code == "no_ffmpeg" and str(wrong) in str(broken.value)


def test_a_bad_end_carries_the_command_and_what_was_said():
    with pytest.raises(ToolFailed, match="ffmpeg ended with status 3: no such encoder") as failure:
        run(["sh", "-c", "echo first >&2; echo no such encoder >&2; exit 3"])
    assert failure.value.command[0] == "sh" and failure.value.said == "first\nno such encoder"


def feed_without_end(command):
    with running(command) as feed:
        while True:
            feed(bytes(1 << 20))


def test_who_feeds_a_program_that_has_ended_is_told_at_once():
    began = time.monotonic()
    with pytest.raises(ToolFailed, match="status 9: full disk"):
        feed_without_end(["sh", "-c", "echo full disk >&2; exit 9"])
    assert time.monotonic() - began < 10


def test_a_program_does_not_outlive_an_error_on_our_side(tmp_path):
    mark = tmp_path / "mark"
    with pytest.raises(ZeroDivisionError), running(["sh", "-c", f"sleep 2; touch {mark}"]):
        raise ZeroDivisionError
    time.sleep(2.5)
    assert not mark.exists()


def test_ffmpeg_may_read_only_what_it_is_given_and_asks_nothing(tmp_path):
    output = Output(path=tmp_path / "a;b'c:[x].mp3", recipe=named("mp3").recipe(1, "fast"))
    command = encoding("ffmpeg", output, rate_hz=48_000, channels=1)
    assert "-nostdin" in command
    assert command[command.index("-protocol_whitelist") + 1] == "pipe"
    assert command[command.index("-format_whitelist") + 1] == "wav"
    assert command[-1] == f"file:{output.path}"
    assert "+bitexact" in command
