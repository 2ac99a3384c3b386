"""`aircheck work` and `aircheck up` as processes: killed, told to end, cancelled and paused while they work on a real room."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from fakes_work import until
from sqlalchemy import update

from workers import ledger
from workers.database import Database, open_database
from workers.intake import IntakeRules, accept
from workers.ledger import JobLook, JobRow
from workers.rooms import gather

ENDS_WITHIN_S = 15.0
# a process that starts on a busy machine, and a short room through the whole of its audio
START_S = 120.0


@contextlib.contextmanager
def running(aircheck: Any, *words: object) -> Iterator[subprocess.Popen[bytes]]:
    """A command that stays, its log in work.log, killed at the end."""
    with (aircheck.folder / "work.log").open("ab") as log:
        process = subprocess.Popen(aircheck.command(*words), cwd=aircheck.folder, env=aircheck.env, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def log_of(aircheck: Any) -> list[dict[str, Any]]:
    lines = (aircheck.folder / "work.log").read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def children_of(pid: int) -> list[int]:
    """The processes that a process has started, and what those have started."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(child) for child in task.read_text().split()]
    return found + [deeper for child in found for deeper in children_of(child)]


def queue_processes(pid: int) -> dict[str, int]:
    """The supervised processes by their queues."""
    found = {}
    for child in children_of(pid):
        with contextlib.suppress(OSError):
            if named := re.search(r"--queues\0(\w+)\0", Path(f"/proc/{child}/cmdline").read_text()):
                found[named[1]] = child
    return found


def seconds_until_gone(pids: list[int], within_s: float = ENDS_WITHIN_S + 5) -> float:
    began = time.monotonic()
    until(lambda: not any(is_there(pid) for pid in pids), within_s)
    return time.monotonic() - began


def is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.fixture
def small_disk(aircheck: Any) -> Iterator[Path]:
    """A disk of 64 MB that scratch lies on, and nothing else."""
    place = aircheck.folder / "small"
    place.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", place], capture_output=True).returncode
    ):
        pytest.skip("only root may mount a small disk")
    kept = aircheck.folder / "aircheck-data"
    kept.mkdir()
    aircheck.environment |= {
        "AIRCHECK_DATA_DIR": str(place), "AIRCHECK_DATABASE_URL": f"sqlite:///{kept}/aircheck.db",
        "AIRCHECK_STORE__URL": (kept / "public").as_uri(), "AIRCHECK_STORE__PRIVATE_URL": (kept / "private").as_uri(),
        "AIRCHECK_LIMITS__FREE_BYTES": "1000000",
    }  # fmt: skip
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


@pytest.fixture
def ledger_of(aircheck: Any) -> Iterator[Database]:
    """The installation's own database, with one show in it and nobody working."""
    aircheck("show", "add", "night-shift")
    database = open_database(f"sqlite:///{aircheck.folder}/aircheck-data/aircheck.db")
    yield database
    database.close()


@pytest.fixture
def run(ledger_of: Database, room: Path) -> str:
    """A room that has been accepted."""
    gathered = gather([room])
    rules = IntakeRules(default_show="night-shift")
    with ledger_of.durable() as session:
        taken = accept(session, gathered.recording, gathered.root, provider="test", event_id="EV_1", defaults=rules)
    return taken.run


def job_of(database: Database, run: str, kind: str = "audio") -> JobLook:
    with database.read() as session:
        found = ledger.run(session, run)
    assert found
    return next(job for job in found.jobs if job.kind == kind)


def held_at_media(database: Database, run: str, worker: subprocess.Popen[bytes], kind: str = "audio", stage: str = "") -> int:
    """Wait until the job's media process is there (in that stage), and make it stand still in the middle; its pid."""

    def media() -> list[int]:
        return [pid for pid in children_of(worker.pid) if b"pipeline.child" in command_line(pid) and has_begun(pid)]

    def at_it() -> bool:
        with database.read() as session:
            found = ledger.run(session, run)
        job = next((job for job in found.jobs if job.kind == kind), None) if found else None
        return job is not None and job.state == "running" and stage in ("", job.progress.stage)

    until(lambda: at_it() and media(), START_S)
    (child,) = media()[:1]
    os.kill(child, signal.SIGSTOP)
    return child


def has_begun(pid: int) -> bool:
    """Whether it has taken its limits upon itself: stopped before that, nobody wakes it when its worker is killed."""
    with contextlib.suppress(OSError):
        return "\nSeccomp:\t2" in Path(f"/proc/{pid}/status").read_text()
    return False


def command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize(
    ("command", "kind", "stage"),
    [
        pytest.param("up --port 0", "audio", "", id="up"),
        pytest.param("work --queues audio,publish", "audio", "", id="work"),
        pytest.param("work", "words", "transcribe", id="words", marks=pytest.mark.slow),
    ],
)
def test_told_to_end_it_gives_the_job_back_and_the_next_worker_goes_on(
    aircheck: Any, ledger_of: Database, run: str, command: str, kind: str, stage: str
) -> None:
    if kind == "words":
        pytest.importorskip("pocketsphinx", reason="the draft recogniser is not installed")
        aircheck.environment["AIRCHECK_SPEECH__ENGINE"] = "pocketsphinx"
    with running(aircheck, *command.split()) as process:
        media = held_at_media(ledger_of, run, process, kind, stage)
        everybody = children_of(process.pid)
        process.terminate()
        took_s = seconds_until_gone([process.pid, media, *everybody])
        assert process.wait(10) == 0
    print(f"{command}, {kind}: gone after {took_s:.1f} s")
    job = job_of(ledger_of, run, kind)
    assert (job.state, job.tries, job.outcome) == ("ready", 0, "given_back")

    with running(aircheck, "work", "--queues", kind):
        until(lambda: job_of(ledger_of, run, kind).state in ("running", "done"), START_S)
    *_, began = (line["timestamp"] for line in log_of(aircheck) if line["event"] == "working")
    with ledger_of.read() as session:
        again = ledger.attempts(session, job.id)[-1]
    waited_s = (again.started_at - datetime.fromisoformat(began)).total_seconds()
    print(f"{command}, {kind}: begun again {waited_s:.1f} s after the next worker was there")
    assert waited_s < 20


def test_a_cancelled_job_ends_its_media_process_and_can_be_tried_again(aircheck: Any, ledger_of: Database, run: str) -> None:
    with running(aircheck, "work", "--queues", "audio") as process:
        media = held_at_media(ledger_of, run, process)
        aircheck("cancel", run)
        took_s = seconds_until_gone([media])
        print(f"cancelled: its media process was gone after {took_s:.1f} s")
        assert job_of(ledger_of, run).state == "cancelled"
        aircheck("retry", run)
        until(lambda: job_of(ledger_of, run).state == "done", START_S)


def test_a_killed_queue_is_there_again_and_everybody_goes_with_the_supervisor(aircheck: Any, ledger_of: Database, run: str) -> None:
    with running(aircheck, "work", "--queues", "audio,publish") as process:
        held_at_media(ledger_of, run, process)
        before = queue_processes(process.pid)
        killed_at = time.monotonic()
        os.kill(before["audio"], signal.SIGKILL)
        until(lambda: queue_processes(process.pid).get("audio") not in (None, before["audio"]), START_S)
        print(f"killed: there again after {time.monotonic() - killed_at:.1f} s")
        until(lambda: job_of(ledger_of, run).state == "done", START_S)
        print(f"killed: its job was done after {time.monotonic() - killed_at:.1f} s")
        assert queue_processes(process.pid)["publish"] == before["publish"]
        assert job_of(ledger_of, run).tries == 2

        everybody = children_of(process.pid)
        process.kill()
        print(f"supervisor killed: the rest was gone after {seconds_until_gone(everybody, 60):.1f} s")


def test_what_cannot_work_at_all_is_told_once(aircheck: Any) -> None:
    aircheck.environment["AIRCHECK_DATABASE_URL"] = "postgresql+psycopg://aircheck@127.0.0.1:1/pods"
    said = aircheck("work", status=1)
    assert said.err.count("does not answer") == 1
    assert "worker_ended" not in said.out + said.err
    assert aircheck("work", "--queues", "audio,video", status=2).out == ""


def fill(disk: Path, free_bytes: int) -> Path:
    """Leave so many bytes free on that disk."""
    filler = disk / "filler"
    filler.write_bytes(bytes(shutil.disk_usage(disk).free - free_bytes))
    return filler


def look_again_now(database: Database) -> None:
    """What rests is due, as if its half minute had passed."""
    with database.begin() as session:
        session.execute(update(JobRow).where(JobRow.state == "ready").values(next_at=0.0))


@pytest.mark.parametrize(
    ("floor_bytes", "free_bytes", "said"),
    [
        pytest.param(1_000_000, 500_000, "shall stay free", id="before it begins", marks=pytest.mark.slow),
        pytest.param(0, 2_200_000, "no space left", id="in the middle"),
    ],
)
def test_a_full_disk_is_waited_for_and_the_job_goes_on_by_itself(
    aircheck: Any, small_disk: Path, request: pytest.FixtureRequest, floor_bytes: int, free_bytes: int, said: str
) -> None:
    aircheck.environment["AIRCHECK_LIMITS__FREE_BYTES"] = str(floor_bytes)
    database: Database = request.getfixturevalue("ledger_of")
    run: str = request.getfixturevalue("run")
    filler = fill(small_disk, free_bytes)
    with running(aircheck, "work", "--queues", "audio") as process:
        for _ in range(2):
            until(lambda: job_of(database, run).outcome == "hindered", START_S)
            job = job_of(database, run)
            assert (job.state, job.tries, job.error_code) == ("ready", 0, "disk_full")
            assert said in job.error and "make room" in job.error
            assert not list((small_disk / "scratch").iterdir())  # nothing of it takes up the room it waits for
            look_again_now(database)
            until(lambda seen=job.next_at: job_of(database, run).next_at > seen, START_S)
        assert "disk_full" in aircheck("runs", "show", run, "--json").out
        filler.unlink()
        look_again_now(database)
        until(lambda: job_of(database, run).state == "done", START_S)
        assert process.poll() is None
    with database.read() as session:
        assert [a.outcome for a in ledger.attempts(session, job.id)] == ["hindered", "done"]
