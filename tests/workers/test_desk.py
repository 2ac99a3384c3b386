"""What the studio is told of a run."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from claiming import Send, claimed, finished
from fakes_feeds import a_sound, an_episode
from fakes_house import a_house
from sqlalchemy import update

from feeds.catalogue import EpisodeRow, json_of
from workers.database import Database
from workers.desk import Desk, state_of
from workers.ledger import JobLook, Progress, Run

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
BEGAN = NOW - timedelta(seconds=40)


def a_job(kind: str, state: str, **said: Any) -> JobLook:
    plain: dict[str, Any] = {
        "id": 1, "tries": 1, "progress": Progress(), "timings_s": {}, "error_code": "", "error": "", "created_at": BEGAN,
        "started_at": BEGAN, "finished_at": None, "next_at": BEGAN,
    }  # fmt: skip
    return JobLook(**{**plain, "kind": kind, "state": state, **said})


def a_run(state: str, *jobs: JobLook) -> Run:
    return Run(
        id="r", name="Tuesday", engine="file", session_id="s", show_slug="tuesday", episode_guid="g", state=state,  # type: ignore[arg-type]
        reason="", received_at=BEGAN, jobs=jobs,
    )  # fmt: skip


def test_a_room_that_has_just_ended_waits() -> None:
    told = state_of(a_run("waiting", a_job("audio", "ready", tries=0)), None, {}, NOW)

    assert (told.phase, told.stage, told.since) == ("waiting", "", BEGAN)


def test_stages_behind_a_running_job_are_told_with_their_seconds() -> None:
    progress = Progress(stage="encode", share=0.4, took_s={"fetch": 0.1, "listen": 9.5})

    told = state_of(a_run("working", a_job("audio", "running", progress=progress)), None, {}, NOW)

    assert (told.phase, told.stage, told.share_done) == ("running", "encode", 0.4)
    assert [(stage.name, stage.took_s) for stage in told.done] == [("fetch", 0.1), ("listen", 9.5)]


@pytest.mark.parametrize(("tries", "retryable"), [(1, False), (5, True)])
def test_a_failure_says_what_happened_what_is_safe_and_whether_trying_again_can_help(tries: int, retryable: bool) -> None:
    failed = a_job("audio", "failed", tries=tries, error="notes.mp3 holds no sound", progress=Progress(stage="probe", share=0.2))

    told = state_of(a_run("failed", failed), None, {}, NOW)

    assert told.failure
    assert (told.stage, told.failure.retryable) == ("probe", retryable)
    assert "notes.mp3 holds no sound" in told.failure.happened
    assert "kept" in told.failure.safe
    assert told.failure.next


def test_without_history_nobody_guesses_how_long_it_will_take() -> None:
    told = state_of(a_run("working", a_job("audio", "running")), None, {"audio": None}, NOW)

    assert told.eta_s is None


def test_a_change_that_failed_says_that_the_episode_plays_on() -> None:
    failed = a_job("audio", "failed", tries=5, error="nothing is left of it")

    told = state_of(a_run("failed", failed), an_episode(), {}, NOW)

    assert told.failure
    assert "change" in told.failure.happened and "plays as before" in told.failure.safe


def test_a_job_that_only_changed_a_title_tells_nothing_of_how_long_rooms_take(
    database: Database, tmp_path: Path, send: Send
) -> None:
    for n in range(6):
        send(f"EG_{n}")
        claim = claimed(database)
        finished(database, claim, timings={"listen": 6.2, "encode": 6.2} if n < 3 else {"stamp": 0.1, "upload": 0.1})
    send("EG_6")
    claimed(database)
    with database.begin() as session:
        session.execute(update(EpisodeRow).values(sound=json_of(a_sound())))

    told = Desk(house=a_house(database, tmp_path)).runs(["EG_6"])["EG_6"]

    assert told.usual_s == pytest.approx((12.4, 12.4))
