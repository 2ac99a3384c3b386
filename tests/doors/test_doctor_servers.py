"""The doctor at the servers around us: PostgreSQL, Redis, SMTP, an S3 that says nothing; and at those who work."""

import re
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest
import redis
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from fakes_rooms import a_room
from fixtures_database import RULES, empty_sqlite, new_postgres_database, postgres_server, redis_server
from sqlalchemy import update

from bench.trial.servers import RedisServer, free_port
from feeds.catalogue import add_show, db_now
from pipeline.formats import Recipe
from workers import doctor, ledger
from workers.database import Database, open_database
from workers.doctor import Finding, doors, examine, findings, keeping, ringing
from workers.duty import has_duty
from workers.intake import accept
from workers.ledger import HandsRow, JobRow, LeaseRow, RecordingRow
from workers.migrations import revert
from workers.settings import Settings

__all__ = ["empty_sqlite", "postgres_server", "redis_server"]

Say: TypeAlias = Callable[..., Settings]


@pytest.fixture(autouse=True)
def no_speech(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRCHECK_SPEECH__ENGINE", "none")


def found(settings: Settings) -> dict[str, Finding]:
    return {finding.name: finding for finding in examine(settings)}


def only(name: str, settings: Settings) -> dict[str, Finding]:
    """That check alone."""
    return {finding.name: finding for finding in doctor.CHECKS[name](settings)}


# ---- the database


@pytest.fixture
def sqlite(empty_sqlite: Path, settings: Say) -> tuple[Settings, Path]:
    return settings(database_url=f"sqlite:///{empty_sqlite}"), empty_sqlite


def test_a_database_tells_what_it_is(sqlite: tuple[Settings, Path]) -> None:
    [finding] = only("database", sqlite[0]).values()
    assert finding.verdict == "ok" and "SQLite 3." in finding.said and "revision 000" in finding.said


def test_a_database_that_is_not_there_yet_is_not_made_by_looking(settings: Say, tmp_path: Path) -> None:
    said = only("database", settings(database_url=f"sqlite:///{tmp_path}/new/a.db"))
    assert said["database"].verdict == "ok" and not (tmp_path / "new").exists()


def test_a_file_on_another_machines_disk_is_bad(sqlite: tuple[Settings, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    here = keeping._file_system_of(sqlite[1])
    assert here and here not in keeping.FOREIGN
    monkeypatch.setattr(keeping, "FOREIGN", (here,))
    assert only("database", sqlite[0])["database.disk"].verdict == "bad"


def test_a_postgresql_tells_its_version_and_its_free_connections(settings: Say, postgres_server: str) -> None:
    address = new_postgres_database(postgres_server, "doctor")
    said = only("database", settings(database_url=address))
    assert said["database"].verdict == "ok" and "PostgreSQL " in said["database"].said
    assert "connections free" in said["database"].said


def test_a_database_that_is_behind_or_cannot_be_written_is_told(settings: Say, postgres_server: str) -> None:
    address = new_postgres_database(postgres_server, "doctor_reads")
    opened = open_database(address)
    revert(opened.engine, "0001")
    opened.close()
    said = only("database", settings(database_url=f"{address}?options=-cdefault_transaction_read_only%3Don"))
    assert said["database.revision"].verdict == "warn" and "0001 is there" in said["database.revision"].said
    assert said["database.write"].verdict == "bad" and "read-only" in said["database.write"].said


def test_a_postgresql_that_is_not_there_is_told_at_once(settings: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    said = only("database", settings(database_url="postgresql+psycopg://me:hush@127.0.0.1:1/pods"))
    assert said["database"].verdict == "bad" and "nothing answers at 127.0.0.1:1" in said["database"].said
    assert "hush" not in repr(said)


# ---- Redis


def test_a_redis_tells_its_version_and_how_it_keeps_what_it_holds(settings: Say, redis_server: RedisServer) -> None:
    configured = settings(redis_url=redis_server.url)
    said = only("redis", configured)
    assert said["redis"].said.startswith("Redis ") and said["redis.kept"].fix == "appendonly yes, appendfsync everysec"
    with redis.Redis.from_url(redis_server.url) as client:
        before = client.config_get("maxmemory-policy")["maxmemory-policy"]
        client.config_set("maxmemory", "100mb")
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            assert "throws bells away (allkeys-lru)" in only("redis", configured)["redis.memory"].said
        finally:
            client.config_set("maxmemory", "0")
            client.config_set("maxmemory-policy", before)


# ---- who says nothing


@pytest.fixture
def mute() -> Iterator[str]:
    """A server that accepts and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_who_says_nothing_holds_up_nobody_for_long(settings: Say, mute: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (ringing, doors, findings):
        monkeypatch.setattr(module, "ANSWER_S", 0.3)
    monkeypatch.setattr(doctor, "LONGEST_S", 6.0)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    host, _, port = mute.partition(":")
    configured = settings(
        redis_url=f"redis://{mute}/0", mail__host=host, mail__port=port, store__url="s3://pods", store__endpoint_url=f"http://{mute}",
        database_url=f"postgresql+psycopg://{mute}/pods",
    )  # fmt: skip
    began = time.monotonic()
    said = found(configured)
    assert time.monotonic() - began < 30
    assert {said[name].verdict for name in ("redis", "mail", "database", "store.url")} == {"bad"}
    assert "gave no answer within" in said["store.url"].said
    assert said["python"].verdict == "ok"


# ---- mail


def test_mail_that_answers_is_well(settings: Say) -> None:
    port = free_port()
    office = Controller(Sink(), hostname="127.0.0.1", port=port, ready_timeout=20)
    office.start()
    try:
        say = {"mail__host": "127.0.0.1", "mail__port": str(port)}
        assert only("mail", settings(**say))["mail"].fix == "mail.operator = your address"
        assert only("mail", settings(**say, mail__operator="ops@example.org"))["mail"].verdict == "ok"
    finally:
        office.stop()


def test_mail_that_reaches_nobody_is_told(settings: Say) -> None:
    assert only("mail", settings())["mail"].verdict == "ok"
    assert only("mail", settings(mail__operator="ops@example.org"))["mail"].verdict == "warn"
    assert only("mail", settings(mail__host="127.0.0.1", mail__port="1"))["mail"].verdict == "bad"


# ---- sound


def test_an_encoder_that_is_not_there_is_bad_where_episodes_want_it(settings: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = Recipe(codec="libgone", container="opus", bitrate_kbps=48)
    monkeypatch.setattr("pipeline.formats.opus.recipe", lambda _channels, _effort: gone)
    finding = only("ffmpeg", settings())["ffmpeg"]
    assert finding.verdict == "bad"
    assert re.search(r"cannot write opus \(the writer of silence.opus ended with status 1: .*libgone", finding.said)
    assert only("ffmpeg", settings(audio__formats="mp3"))["ffmpeg"].verdict == "warn"


def test_decoders_are_looked_for_by_name(settings: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    assert only("decoders", settings())["decoders"].verdict == "ok"
    monkeypatch.setattr("workers.doctor.sound.NEEDED", ("aac", "nocodec"))
    assert "reads no nocodec" in only("decoders", settings())["decoders"].said


# ---- who works


@pytest.fixture
def floor(empty_sqlite: Path, tmp_path: Path, settings: Say) -> Iterator[tuple[Settings, Database]]:
    path = tmp_path / "floor.db"
    path.write_bytes(empty_sqlite.read_bytes())
    opened = open_database(f"sqlite:///{path}")
    with opened.begin() as session:
        add_show(session, "tuesday", "https://pods.example")
    yield settings(database_url=f"sqlite:///{path}"), opened
    opened.close()


def test_an_empty_floor_worries_and_one_where_jobs_wait_is_bad(floor: tuple[Settings, Database]) -> None:
    configured, database = floor
    assert {f.verdict for f in doctor.CHECKS["workers"](configured)} == {"warn"}
    with database.begin() as session:
        accept(session, a_room(), "/", provider="livekit", event_id="EV_1", defaults=RULES)
        session.execute(update(JobRow).values(next_at=db_now() - 600))
    said = [f for f in doctor.CHECKS["workers"](configured) if "audio" in f.said]
    assert [(f.verdict, "jobs have waited 6" in f.said) for f in said] == [("bad", True)]


def test_hands_at_every_queue_and_a_fresh_sweep_are_well(floor: tuple[Settings, Database]) -> None:
    configured, database = floor
    with database.begin() as session:
        for queue in ledger.QUEUES:
            session.add(HandsRow(owner="somebody", queue=queue, count=2, until=4e9))
        has_duty(session, "sweep", "somebody", 15)
    assert [(f.verdict, f.said) for f in doctor.CHECKS["workers"](configured)] == [("ok", "2 at audio, 2 at words, 2 at publish")]
    with database.begin() as session:
        session.execute(update(LeaseRow).values(renewed_at=db_now() - 600))
        ledger.pause(session, "words")
    said = only("workers", configured)
    assert said["sweep"].verdict == "bad" and "the newest sweep was 6" in said["sweep"].said
    assert any("words is paused" in f.said for f in doctor.CHECKS["workers"](configured))


def test_rooms_that_are_late_are_bad(floor: tuple[Settings, Database]) -> None:
    configured, database = floor
    assert only("rooms", configured)["rooms"].verdict == "ok"
    with database.begin() as session:
        accept(session, a_room(), "/", provider="livekit", event_id="EV_1", defaults=RULES)
        session.execute(update(RecordingRow).values(received_at=db_now() - 9000))
    finding = only("rooms", configured)["rooms"]
    assert finding.verdict == "bad" and finding.said.endswith("cannot be heard yet: 1 unmanned")
