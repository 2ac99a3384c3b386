"""What operators graph: figures that are true at the moment they are asked for, in the form that Prometheus reads."""

import math
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes_house import a_house
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert, update

from feeds.catalogue import EpisodeRow, ShowRow, db_now
from pipeline.errors import Broken, Hindered, Refused
from workers import ledger
from workers.database import Database
from workers.doctor import CHECKS
from workers.duty import has_duty
from workers.house import House
from workers.intake import Accepted
from workers.ledger import AttemptRow, Claim, HandsRow, JobRow, NextJob, Progress, RecordingRow
from workers.ledger.figures import RUN_STATES
from workers.ledger.reasons import CAUSES
from workers.metrics import metrics

Send = Callable[..., Accepted]
Labels = frozenset[tuple[str, str]]


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    return a_house(database, tmp_path)


def asked(house: House) -> dict[tuple[str, Labels], float]:
    """Every sample, as Prometheus reads it."""
    families = text_string_to_metric_families(metrics(house).decode())
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def of(found: dict[tuple[str, Labels], float], name: str, **labels: str) -> float:
    return found[f"aircheck_{name}", frozenset(labels.items())]


def claimed(database: Database, queue: str = "audio") -> Claim:
    with database.begin() as session:
        claim = ledger.claim(session, queue, "somebody")
    assert claim
    return claim


def ends(database: Database, claim: Claim, error: BaseException | None = None, **how: Any) -> None:
    with database.begin() as session:
        if isinstance(error, Hindered):
            ledger.hinder(session, claim, error)
        elif error:
            ledger.fail(session, claim, error)
        else:
            ledger.finish(session, claim, **how)


def heard(database: Database, run: str, source_s: float) -> None:
    with database.begin() as session:
        mine = EpisodeRow.recording_id == run
        session.execute(update(EpisodeRow).where(mine).values(state="audible", sound={"source_s": source_s}))


def test_an_empty_house_says_so_and_every_family_explains_itself(house: House) -> None:
    text = metrics(house).decode()
    families = list(text_string_to_metric_families(text))
    assert all(family.documentation and family.name.startswith("aircheck_") for family in families)
    found = asked(house)
    assert all(of(found, "runs", state=state) == 0 for state in RUN_STATES)
    assert math.isinf(of(found, "sweep_age_seconds"))
    assert of(found, "scratch_free_bytes") > 0


def test_runs_are_counted_by_state_and_stage(database: Database, house: House, send: Send) -> None:
    for n in range(6):
        send(f"EG_{n}")
    send("EG_held", show="nowhere")
    ends(database, claimed(database))  # one is done
    ends(database, claimed(database), follow=(NextJob(kind="words"),))  # one waits for its words: work has begun
    ends(database, claimed(database), Refused("there is no audio in it"))
    working = claimed(database)
    with database.begin() as session:
        ledger.heartbeat(session, working, Progress(stage="encode", share=0.4))
        ledger.cancel(session, "EG_5")
    found = asked(house)
    counted = {state: of(found, "runs", state=state) for state in RUN_STATES}
    assert counted == {"held": 1, "waiting": 1, "working": 2, "done": 1, "failed": 1, "cancelled": 1}
    assert of(found, "runs_at_stage", kind="audio", stage="encode") == 1
    with database.read() as session:
        states = [run.state for run in ledger.runs(session)]
    assert counted == {state: states.count(state) for state in RUN_STATES}


def test_a_queue_tells_its_length_its_age_and_its_hands(database: Database, house: House, send: Send) -> None:
    for n in range(3):
        send(f"EG_{n}")
    claimed(database)
    with database.begin() as session:
        session.add(HandsRow(owner="somebody", queue="audio", count=4, until=4e9))
        session.add(HandsRow(owner="gone", queue="audio", count=8, until=1.0))
        session.execute(update(JobRow).where(JobRow.subject == "EG_2").values(next_at=db_now() - 90))
        ledger.pause(session, "words")
        has_duty(session, "sweep", "somebody", 15)
    found = asked(house)
    assert of(found, "queue_ready_jobs", queue="audio") == 2
    assert 89 < of(found, "queue_oldest_wait_seconds", queue="audio") < 200
    assert (of(found, "hands", queue="audio"), of(found, "hands_busy", queue="audio")) == (4, 1)
    assert (of(found, "queue_paused", queue="words"), of(found, "queue_paused", queue="audio")) == (1, 0)
    assert of(found, "jobs", kind="audio", queue="audio", state="running") == 1
    assert 0 <= of(found, "sweep_age_seconds") < 100


def test_tries_and_failures_are_counted_for_ever(database: Database, house: House, send: Send) -> None:
    send("EG_1")
    ends(database, claimed(database), Refused("there is no audio in it", code="no_audio"))
    with database.begin() as session:
        ledger.retry(session, "EG_1")
    ends(database, claimed(database), Broken("ffmpeg ended with status 1", code="tool_failed"))
    found = asked(house)
    assert of(found, "attempts_total", kind="audio", outcome="failed") == 2
    assert of(found, "failures_total", kind="audio", code="no_audio") == 1
    assert of(found, "failures_total", kind="audio", code="tool_failed") == 1


def test_a_lease_that_ran_out_is_told_while_it_waits_and_afterwards(database: Database, house: House, send: Send) -> None:
    send("EG_1")
    claimed(database)
    with database.begin() as session:
        session.execute(update(JobRow).values(lease_until=db_now() - 1))
    assert of(asked(house), "jobs_abandoned", queue="audio") == 1
    claimed(database)
    found = asked(house)
    assert of(found, "jobs_abandoned", queue="audio") == 0
    assert of(found, "attempts_total", kind="audio", outcome="lost") == 1


def test_what_hinders_jobs_is_told_by_cause(database: Database, house: House, send: Send) -> None:
    send("EG_1")
    ends(database, claimed(database), Hindered("the store is away", code="store_away"))
    found = asked(house)
    assert of(found, "jobs_hindered", kind="audio", code="store_away") == 1
    assert of(found, "attempts_total", kind="audio", outcome="hindered") == 1


def test_work_is_told_with_the_audio_it_was_done_for(database: Database, house: House, send: Send) -> None:
    for n in range(2):
        send(f"EG_{n}")
        ends(database, claimed(database), timings={"encode": 6.0, "listen": 1.5})
        heard(database, f"EG_{n}", 1800.0)
    found = asked(house)
    assert of(found, "recent_work_seconds", kind="audio", stage="encode") == 12.0
    assert of(found, "recent_audio_minutes", kind="audio") == 60.0


def test_a_feed_that_lags_is_told_with_its_age(database: Database, house: House, send: Send) -> None:
    send("EG_1")
    with database.begin() as session:
        show_id = session.scalars(update(ShowRow).values(feed_rev=1, published_rev=1).returning(ShowRow.id)).one()
        ledger.feed_changed(session, show_id)
        session.execute(update(ShowRow).values(behind_since=db_now() - 120))
        ledger.feed_changed(session, show_id)  # a further change makes it no younger
    found = asked(house)
    assert of(found, "feeds_behind") == 1
    assert 119 < of(found, "feeds_behind_seconds") < 240
    with database.begin() as session:
        session.execute(update(ShowRow).values(published_rev=ShowRow.feed_rev))
    assert of(asked(house), "feeds_behind_seconds") == 0


def test_a_feed_that_was_written_meanwhile_lags_from_then_on(database: Database, house: House, send: Send) -> None:
    send("EG_1")
    with database.begin() as session:
        show_id = session.scalars(update(ShowRow).values(feed_rev=3).returning(ShowRow.id)).one()
        ledger.feed_changed(session, show_id)
        session.execute(update(ShowRow).values(behind_since=db_now() - 5000))
    ends(database, claimed(database, "publish"))
    assert of(asked(house), "feeds_behind_seconds") < 1000


def test_rooms_that_are_late_are_told_by_reason(database: Database, house: House, send: Send) -> None:
    send("EG_1")
    with database.begin() as session:
        session.execute(update(RecordingRow).values(received_at=db_now() - 9000))
    found = asked(house)
    assert of(found, "runs_overdue", reason="unmanned") == 1
    assert of(found, "runs_overdue", reason="failed") == 0


@pytest.mark.parametrize("redis_url", ["redis"], indirect=True)
def test_the_clocks_of_redis_and_the_database_are_compared_with_ours(database: Database, tmp_path: Path, redis_url: str) -> None:
    found = asked(a_house(database, tmp_path, redis_url=redis_url))
    assert of(found, "redis_up") == 1
    assert abs(of(found, "clock_skew_seconds", of="redis")) < 5
    assert abs(of(found, "clock_skew_seconds", of="database")) < 5


def test_a_redis_that_is_away_is_a_figure_too(database: Database, tmp_path: Path) -> None:
    assert of(asked(a_house(database, tmp_path, redis_url="redis://127.0.0.1:1/0")), "redis_up") == 0


def filled(database: Database, rooms: int) -> None:
    """A house that has made so many episodes."""
    manifest = {"name": "tuesday", "participants": [{"identity": "a" * 20}] * 6}
    sound = {"source_s": 3600.0, "activity": [-20] * 2000}
    with database.begin() as session:
        show_id = session.scalars(update(ShowRow).values(feed_rev=1, published_rev=1).returning(ShowRow.id)).one()
        ids = [f"EG_{n}" for n in range(rooms)]
        recordings = [
            {"id": i, "engine": "livekit", "session_id": i, "manifest": manifest, "root": "/", "show_id": show_id} for i in ids
        ]
        session.execute(insert(RecordingRow), recordings)
        episodes = [
            {
                "guid": i, "show_id": show_id, "recording_id": i, "slug": i[:10], "state": "complete", "title": i,
                "started_at": "2026-11-20T07:36:57+00:00", "sound": sound,
            }
            for i in ids
        ]  # fmt: skip
        session.execute(insert(EpisodeRow), episodes)
        jobs = [
            {"kind": kind, "queue": kind, "subject": i, "recording_id": i, "show_id": show_id, "state": "done", "finished_at": n,
             "timings": {"encode": 20.0, "listen": 9.0}, "fence": 1}
            for n, i in enumerate(ids) for kind in ("audio", "words")
        ]  # fmt: skip
        session.execute(insert(JobRow), jobs)
        attempts = [
            {"job_id": n + 1, "fence": 1, "kind": ("audio", "words")[n % 2], "owner": "somebody", "outcome": "done"}
            for n in range(2 * rooms)
        ]
        session.execute(insert(AttemptRow), attempts)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_many_finished_runs_cost_little(database: Database, house: House, show: object) -> None:
    filled(database, 5000)
    began = time.monotonic()
    found = asked(house)
    assert time.monotonic() - began < 2.0  # a twentieth of that on an idle machine
    assert of(found, "runs", state="done") == 5000
    assert of(found, "recent_audio_minutes", kind="audio") == 6000
    assert of(found, "attempts_total", kind="words", outcome="done") == 5000


# ---- what the documents say


OPERATING = (Path(__file__).parents[2] / "docs/operating.md").read_text()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("redis_url", ["redis"], indirect=True)
def test_every_figure_that_the_documents_name_is_there(database: Database, tmp_path: Path, redis_url: str) -> None:
    text = metrics(a_house(database, tmp_path, redis_url=redis_url)).decode()
    families = {family.name for family in text_string_to_metric_families(text)}
    named = {name.removesuffix("_total") for name in re.findall(r"\baircheck_[a-z_]+", OPERATING)}
    assert named and named <= families


def test_the_documents_tell_every_reason_and_every_check() -> None:
    reasons = OPERATING.partition("## Late rooms")[2].partition("## What to graph")[0]
    assert set(re.findall(r"^\| ([a-z]+) \|", reasons, re.MULTILINE)) - {"reason"} == set(CAUSES)
    checks = OPERATING.partition("## What `doctor` finds")[2]
    assert {f"`{name}`" for name in CHECKS} <= set(re.findall(r"`[a-z._]+`", checks))
