"""Which Whisper model is used, and what is said when there is none: always within five seconds, never a failed episode."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fakes_speech import ModelOf, Slices, babble, room

from pipeline.child import Children
from pipeline.engines.faster_whisper import find_model, reason_unavailable
from pipeline.plan import SpeechPlan
from pipeline.transcribe import reason_without_words, transcribe

ASK = """
import json, sys, time
from pipeline.transcribe import reason_without_words
from pipeline.plan import SpeechPlan
from pipeline.engines import faster_whisper
import faster_whisper as library, huggingface_hub
plan = SpeechPlan(**json.loads(sys.argv[1]))
began = time.monotonic()
why = reason_without_words(plan)
spent_s = time.monotonic() - began
model = None if why or sys.argv[2] == "ask" else faster_whisper.find_model(plan)
print(json.dumps({"why": why, "spent_s": spent_s, "model": model and {"name": model.name, "path": model.path}}))
"""


@contextmanager
def deaf_hub() -> Iterator[str]:
    """A model hub that takes calls and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def closed_hub() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


def asked(cache: Path, hub: str, *, find: bool = False, **plan: object) -> Any:
    """What a fresh process finds with that cache of models and that hub."""
    env = {**os.environ, "HF_HUB_CACHE": str(cache), "HF_HOME": str(cache), "HF_ENDPOINT": hub, "HF_HUB_DISABLE_TELEMETRY": "1"}
    command = [sys.executable, "-c", ASK, json.dumps(plan), "find" if find else "ask"]
    return json.loads(subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout)


def cached(cache: Path, model: str, name: str, *, weights: bool = True) -> None:
    """Lays a model into the hub's cache as a download leaves it, or one that broke off before its weights."""
    repository = cache / f"models--Systran--faster-whisper-{name}"
    snapshot = repository / "snapshots" / "0123abc"
    shutil.copytree(model, snapshot, ignore=None if weights else shutil.ignore_patterns("model.bin"))
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0123abc")


def test_a_hub_that_never_answers_is_given_up_within_five_seconds(tmp_path: Path) -> None:
    with deaf_hub() as hub:
        answer = asked(tmp_path, hub)
    assert answer["spent_s"] < 5
    assert "speech.model" in answer["why"] and "no answer" in answer["why"].replace("timed out", "no answer")


def test_no_network_and_no_model_says_how_to_get_one(tmp_path: Path) -> None:
    answer = asked(tmp_path, closed_hub())
    assert answer["spent_s"] < 5
    assert "'small' is not on this machine" in answer["why"] and "speech.model" in answer["why"]
    assert "\n" not in answer["why"]


def test_downloads_that_are_off_are_not_tried(tmp_path: Path) -> None:
    with deaf_hub() as hub:
        answer = asked(tmp_path, hub, download=False)
    assert answer["spent_s"] < 3
    assert "speech.download is off" in answer["why"]


def test_any_model_that_is_here_will_do_when_none_is_named(tmp_path: Path, whisper: ModelOf) -> None:
    cached(tmp_path, whisper(), "tiny")
    with deaf_hub() as hub:
        answer = asked(tmp_path, hub, find=True)
    assert answer["why"] == ""
    assert answer["model"]["name"] == "tiny"


def test_a_named_model_is_not_replaced_by_another(tmp_path: Path, whisper: ModelOf) -> None:
    cached(tmp_path, whisper(), "tiny")
    assert "'base' is not on this machine" in asked(tmp_path, closed_hub(), model="base")["why"]


def test_a_download_that_broke_off_is_no_model(tmp_path: Path, whisper: ModelOf) -> None:
    cached(tmp_path, whisper(), "small", weights=False)
    assert "not on this machine" in asked(tmp_path, closed_hub(), model="small")["why"]


def test_a_folder_without_a_model_and_an_unknown_name_are_told_apart(tmp_path: Path) -> None:
    assert f"no Whisper model in {tmp_path}" in reason_unavailable(SpeechPlan(model=str(tmp_path)))
    assert "no known Whisper model" in reason_unavailable(SpeechPlan(model="smal"))


def test_the_same_model_elsewhere_is_the_same_model(tmp_path: Path, whisper: ModelOf) -> None:
    copy = shutil.copytree(whisper(), tmp_path / "copy")
    here, there = find_model(SpeechPlan(model=whisper())), find_model(SpeechPlan(model=str(copy)))
    other = find_model(SpeechPlan(model=whisper(())))
    assert here.identity == there.identity != other.identity
    assert (here.name, there.name) == ("scripted", "copy")


@pytest.mark.parametrize("plan", [SpeechPlan(engine="none"), SpeechPlan(model="/nowhere/at/all")])
def test_an_episode_without_a_recogniser_stands_without_words(tmp_path: Path, plan: SpeechPlan) -> None:
    a_room = room(tmp_path, ana=babble(5))
    began = time.monotonic()
    transcript = transcribe(a_room.timeline, a_room.heard, plan, participants=(), children=Children(), slices=Slices())
    assert time.monotonic() - began < 5
    assert (transcript.engine, transcript.quality, transcript.segments) == ("none", "none", ())
    assert transcript.why == reason_without_words(plan) and "speech." in transcript.why
