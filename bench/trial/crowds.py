"""A ledger full of work: what one claim costs when very many jobs wait and run, which is where one database comes to its end."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from bench.trial.services import Wanted, services
from feeds.catalogue import add_show
from workers import ledger
from workers.database import Database, open_database
from workers.ledger import JobRow
from workers.ledger.claims import bury
from workers.migrations import migrate
from workers.sweep import due_by_queue

QUEUE = "audio"
CLAIMS = 60
AT_ONCE = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """How many jobs of one queue wait and run, of how many shows."""

    ready: int
    running: int
    shows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """What one of each costs among them, alone on its database."""

    crowd: Crowd
    # a claim and its commit, then its end and its commit
    claim_ms: float
    finish_ms: float
    heartbeat_ms: float
    # what the sweep looks at
    sweep_ms: float


def claimed(folder: Path, wanted: Wanted, crowd: Crowd) -> Claimed:
    """Claims in the crowd, one after another."""
    with services(wanted, folder) as there:
        database = open_database(there.settings["database_url"])
        try:
            migrate(database.engine)
            _fill(database, crowd)
            if there.postgres:
                there.postgres.run("ANALYZE", "pods")
            return _timed(database, crowd)
        finally:
            database.close()


def _fill(database: Database, crowd: Crowd) -> None:
    with database.begin() as session:
        shows = [add_show(session, f"show-{n}", "https://pods.example").id for n in range(crowd.shows)]
    ready = [_job(n, shows, state="ready", next_at=float(n)) for n in range(crowd.ready)]
    later = time.time() + 3600.0
    running = [
        _job(crowd.ready + n, shows, state="running", next_at=0.0, lease_until=later, owner="far/away/1/1", tries=1)
        for n in range(crowd.running)
    ]
    for jobs in (ready, running):
        for first in range(0, len(jobs), AT_ONCE):
            with database.begin() as session:
                session.execute(insert(JobRow), jobs[first : first + AT_ONCE])


def _job(number: int, shows: Sequence[str], **more: Any) -> dict[str, Any]:
    show_id = shows[number % len(shows)]
    return {"kind": "audio", "queue": QUEUE, "subject": f"room-{number}", "show_id": show_id, **more}


def _timed(database: Database, crowd: Crowd) -> Claimed:
    claims, claim_s, finish_s, beat_s = [], 0.0, 0.0, 0.0
    for _ in range(CLAIMS):
        began = time.perf_counter()
        with database.begin() as session:
            claim = ledger.claim(session, QUEUE, "bench")
        claim_s += time.perf_counter() - began
        assert claim
        claims.append(claim)
    for claim in claims:
        began = time.perf_counter()
        with database.begin() as session:
            assert ledger.heartbeat(session, claim, ledger.Progress(stage="encode", share=0.5))
        beat = time.perf_counter()
        with database.begin() as session:
            ledger.finish(session, claim)
        finish_s += time.perf_counter() - beat
        beat_s += beat - began
    milli = 1000.0 / CLAIMS
    return Claimed(
        crowd=crowd, claim_ms=claim_s * milli, heartbeat_ms=beat_s * milli, finish_ms=finish_s * milli,
        sweep_ms=1000.0 * _swept_s(database),
    )  # fmt: skip


def _swept_s(database: Database) -> float:
    began = time.perf_counter()
    with database.begin() as session:
        bury(session)
    with database.read() as session:
        due_by_queue(session)
    return time.perf_counter() - began
