"""How fast rooms are acknowledged: `python -m bench.doors [DATABASE_URL | --postgres]`, by default SQLite in a fresh folder.

Starts a real `aircheck serve`, posts 1,000 signed rooms to it, each on a connection of its own, and prints how long they waited for
their answer from the moment they ended: within 10 s, within 1 s, all at once. What the database holds afterwards says what was lost
or doubled. `--postgres` starts a PostgreSQL of its own, with every commit on the disk.
"""

import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from bench.burst import Answer, a_room, post_all, request_of
from bench.databases import database_named
from bench.trial.servers import free_port
from feeds.catalogue import EpisodeRow
from workers.database import open_database
from workers.ledger import JobRow, RecordingRow

ROOMS = 1000
SHOWS = 20
SECRET = "a secret that only this bench knows"
READY_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A running server, and what it keeps its rows in."""

    port: int
    process: subprocess.Popen[bytes]
    database_url: str
    root: str

    def request(self, recording_id: str, show: str) -> bytes:
        """A room of that show, signed now."""
        return request_of(a_room(recording_id, show, self.root), SECRET)


@contextlib.contextmanager
def serving(folder: Path, database_url: str = "", **environment: str) -> Iterator[Door]:
    """`aircheck serve` in that folder, until the block ends; it may be killed before."""
    database_url = database_url or f"sqlite:///{folder / 'data' / 'aircheck.db'}"
    port = free_port()
    said = {
        "DATA_DIR": str(folder / "data"), "DATABASE_URL": database_url, "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "HOOKS__SECRET": SECRET, "HOOKS__ROOTS": str(folder), "HOOKS__UNKNOWN_SHOW": "create", **environment,
    }  # fmt: skip
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AIRCHECK_")}
    clean |= {f"AIRCHECK_{name}": value for name, value in said.items()}
    command = [sys.executable, "-m", "workers.cli", "serve", "--port", str(port)]
    with (folder / "serve.log").open("ab") as log, subprocess.Popen(command, env=clean, stdout=log, stderr=log) as process:
        try:
            _wait_for(port, process)
            yield Door(port=port, process=process, database_url=database_url, root=str(folder))
        finally:
            process.terminate()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    gives_up_at = time.monotonic() + READY_S
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
            return
        if process.poll() is not None or time.monotonic() > gives_up_at:
            raise SystemExit(f"aircheck serve does not listen on port {port}; see serve.log")
        time.sleep(0.05)


# ---- what the database says afterwards


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How often each recording is there: its row, its episode, its audio job."""

    recordings: frozenset[str]
    episodes: dict[str, int]
    jobs: dict[str, int]

    def lost(self, runs: Sequence[str]) -> list[str]:
        """Those of the runs that miss a row, an episode or a job."""
        return [run for run in runs if run not in self.recordings or run not in self.episodes or run not in self.jobs]

    def doubled(self) -> list[str]:
        """Recordings with more than one episode or audio job."""
        return [run for counts in (self.episodes, self.jobs) for run, count in counts.items() if count > 1]


def kept_in(database_url: str) -> Kept:
    """What that database holds."""
    database = open_database(database_url)
    try:
        with database.read() as session:
            episodes = select(EpisodeRow.recording_id, func.count()).group_by(EpisodeRow.recording_id)
            jobs = select(JobRow.recording_id, func.count()).where(JobRow.kind == "audio").group_by(JobRow.recording_id)
            return Kept(
                recordings=frozenset(session.scalars(select(RecordingRow.id))),
                episodes={run: int(count) for run, count in session.execute(episodes)},
                jobs={run: count for run, count in session.execute(jobs) if run},
            )
    finally:
        database.close()


# ---- figures


def measure(door: Door, name: str, within_s: float) -> None:
    """Post so many rooms and print what they waited."""
    runs = [f"{name}-{n}" for n in range(ROOMS)]
    requests = [door.request(run, f"show-{n % SHOWS}") for n, run in enumerate(runs)]
    busy_s, server_s, began = time.process_time(), _cpu_s(door.process.pid), time.perf_counter()
    answers = post_all(door.port, requests, within_s=within_s)
    took_s, busy_s = time.perf_counter() - began, time.process_time() - busy_s
    server_s = _cpu_s(door.process.pid) - server_s
    acknowledged = [run for run, answer in zip(runs, answers, strict=True) if answer.is_acknowledged]
    kept = kept_in(door.database_url)
    others = sorted({answer.status for answer in answers if not answer.is_acknowledged})
    print(f"{ROOMS} rooms {f'within {within_s:.0f} s' if within_s else 'at once':<12} {told(answers)}")
    print(
        f"{'':<24} {len(acknowledged)} acknowledged, {len(kept.lost(acknowledged))} lost, {len(kept.doubled())} doubled"
        f"{f', other answers {others}' if others else ''}; all in {took_s:.2f} s; CPU per room: server"
        f" {server_s / ROOMS * 1000:.2f} ms, this client {busy_s / ROOMS * 1000:.2f} ms"
    )


def told(answers: Sequence[Answer]) -> str:
    """Median, 99th percentile and longest, in milliseconds."""
    waits = sorted(answer.waited_s for answer in answers)
    median, p99 = statistics.median(waits), waits[int(len(waits) * 0.99)]
    return f"median {median * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, longest {waits[-1] * 1000:.0f} ms"


def _cpu_s(pid: int) -> float:
    """User and system seconds of that process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main(*words: str) -> None:
    """Print every figure."""
    with database_named(words) as url, tempfile.TemporaryDirectory() as folder, serving(Path(folder), url) as door:
        warm = [door.request(f"warm-{time.time_ns()}-{n}", f"show-{n}") for n in range(SHOWS)]
        print(f"one room alone           {told(post_all(door.port, warm, within_s=4.0))}  (the first ones, with their shows)")
        for name, within_s in (("spread", 10.0), ("second", 1.0), ("burst", 0.0)):
            measure(door, f"{name}-{time.time_ns()}", within_s)


if __name__ == "__main__":
    main(*sys.argv[1:])
