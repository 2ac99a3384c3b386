"""`aircheck runs`: what people at a terminal, in a pipe and in a program are told of their rooms."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fakes_work import until
from sqlalchemy import update
from typer.testing import CliRunner, Result

from feeds.catalogue import EpisodeRow, db_now
from feeds.web.work import RunState
from pipeline.errors import Broken, Hindered, Refused
from workers import cli, ledger
from workers.cli.telling import COLUMNS, left, row, short
from workers.database import Database
from workers.intake import Accepted
from workers.ledger import Claim, HandsRow, NextJob, Progress, RecordingRow
from workers.owner import host_and_pid, me

Send = Callable[..., Accepted]

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def command(database_url: str, tmp_path: Path) -> tuple[list[str], dict[str, str]]:
    """The command line and the environment that lead to the test's database."""
    environment = {**os.environ, "AIRCHECK_DATABASE_URL": database_url, "AIRCHECK_DATA_DIR": str(tmp_path), "COLUMNS": "200"}
    return [sys.executable, "-m", "workers.cli"], environment


@pytest.fixture
def aircheck(command: tuple[list[str], dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The command line in this process, which is quicker than one of its own."""
    if not cli.app.registered_commands:
        cli._register()
    monkeypatch.setattr("workers.logs.set_up", lambda **_said: None)
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(cli.app, words, env=command[1])


def claimed(database: Database, owner: str = "host-a/place/4711/1") -> Claim:
    with database.begin() as session:
        claim = ledger.claim(session, "audio", owner)
        assert claim
        ledger.heartbeat(session, claim, Progress(stage="encode", share=0.4))
    return claim


def a_life(database: Database, send: Send) -> None:
    """EG_1 failed once, was hindered, and is done; EG_2 is at work; EG_3 failed for good; EG_4 waits."""
    for n in (1, 2, 3, 4):
        send(f"EG_{n}", title=f"Room {n}")
    with database.begin() as session:
        session.add(HandsRow(owner="somebody", queue="audio", count=1, until=4e9))
    endings: list[Any] = [
        Broken("ffmpeg ended with status 1", code="tool_failed"),
        Hindered("the store is away", code="store_away"),
        None,
    ]
    for ending in endings:
        claim = claimed(database)
        with database.begin() as session:
            if isinstance(ending, Hindered):
                ledger.hinder(session, claim, ending)
            elif ending:
                ledger.fail(session, claim, ending)
            else:
                ledger.finish(session, claim, timings={"encode": 12.0})
                session.execute(
                    update(EpisodeRow).where(EpisodeRow.recording_id == "EG_1").values(state="audible", published_at=db_now())
                )
            session.execute(
                update(ledger.JobRow).where(ledger.JobRow.state == "ready", ledger.JobRow.subject == "EG_1").values(next_at=1.0)
            )
    third = None
    for _ in range(2):
        claim = claimed(database)
        third = claim if claim.subject == "EG_3" else third
    assert third
    with database.begin() as session:
        ledger.fail(session, third, Refused("there is no audio in it", code="no_audio"))


def test_each_room_is_a_line(database: Database, send: Send, aircheck: Any) -> None:
    a_life(database, send)
    lines = {cells[0]: cells for line in aircheck("runs").stdout.splitlines() if (cells := line.split("\t"))}
    assert all(len(cells) == len(COLUMNS) for cells in lines.values())
    assert (lines["EG_1"][2], lines["EG_1"][5]) == ("done", "took 12 s")
    assert (lines["EG_2"][2], lines["EG_2"][3]) == ("working", "audio encode 40%")
    assert (lines["EG_3"][2], lines["EG_3"][8]) == ("failed", "There is no audio in it.")
    assert lines["EG_4"][2] == "waiting" and lines["EG_4"][5].startswith("waits ") and lines["EG_4"][8] == ""


def test_only_what_failed_or_is_late(database: Database, send: Send, aircheck: Any) -> None:
    a_life(database, send)
    with database.begin() as session:
        session.execute(update(RecordingRow).where(RecordingRow.id != "EG_2").values(received_at=db_now() - 9000))
    failed = json.loads(aircheck("runs", "--failed", "--json").stdout)["runs"]
    late = json.loads(aircheck("runs", "--overdue", "--json").stdout)["runs"]
    assert [run["id"] for run in failed] == ["EG_3"]
    assert {run["id"]: run["standing"]["cause"] for run in late} == {"EG_3": "failed", "EG_4": "waiting"}


def test_the_story_of_a_run_tells_every_try(database: Database, send: Send, aircheck: Any) -> None:
    a_life(database, send)
    told = aircheck("runs", "show", "EG_1").stdout
    tries = [line.split() for line in told.splitlines() if "host-a 4711" in line]
    assert [words[2] for words in tries] == ["failed", "hindered", "done"]
    assert "tool_failed: ffmpeg ended with status 1" in told and "store_away: the store is away" in told
    assert "encode 12.0 s" in told
    assert "/tuesday/feed.xml" in told and "/studio/episodes/" in told


def test_the_story_of_a_run_says_what_it_waits_for_and_what_to_do(database: Database, send: Send, aircheck: Any) -> None:
    send("EG_1")
    claim = claimed(database)
    with database.begin() as session:
        session.add(HandsRow(owner="somebody", queue="audio", count=1, until=4e9))
        ledger.hinder(session, claim, Hindered("the store is away", code="store_away"))
    told = aircheck("runs", "show", "EG_1").stdout
    assert "The store is away." in told and "it is tried again at " in told


def test_a_program_is_told_all_of_it(database: Database, send: Send, aircheck: Any) -> None:
    a_life(database, send)
    whole = json.loads(aircheck("runs", "show", "EG_1", "--json").stdout)
    [job] = whole["jobs"]
    assert [(a["outcome"], a["host"], a["pid"]) for a in job["attempts"]] == [
        ("failed", "host-a", "4711"), ("hindered", "host-a", "4711"), ("done", "host-a", "4711"),
    ]  # fmt: skip
    assert whole["addresses"]["page"].endswith("/index.html") and whole["standing"] is None
    assert json.loads(aircheck("runs", "show", "EG_3", "--json").stdout)["standing"]["cause"] == "failed"


def test_an_unknown_run_names_the_nearest(database: Database, send: Send, aircheck: Any) -> None:
    send("EG_k3v7q2")
    said = aircheck("runs", "show", "EG_k3v7q1")
    assert isinstance(said.exception, Refused)
    assert str(said.exception) == "there is no run EG_k3v7q1; is it EG_k3v7q2? see: aircheck runs"


def test_what_failed_can_be_put_aside(database: Database, send: Send, aircheck: Any) -> None:
    a_life(database, send)
    assert "EG_3 is cancelled" in aircheck("cancel", "EG_3").stdout
    assert "nothing of EG_3 was left" in aircheck("cancel", "EG_3").stdout
    assert "EG_3 will be tried again" in aircheck("retry", "EG_3").stdout


def test_a_table_is_not_json(aircheck: Any, database: Database) -> None:
    assert aircheck("runs", "--watch", "--json").exit_code == 2


# ---- following


def test_in_a_pipe_a_line_comes_whenever_a_run_gets_somewhere(
    database: Database, send: Send, command: tuple[list[str], dict[str, str]], tmp_path: Path
) -> None:
    words, environment = command
    send("EG_1")
    lines: list[str] = []
    with subprocess.Popen(
        [*words, "runs", "--watch"], env=environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as watching:
        assert watching.stdout
        lines.append(watching.stdout.readline())
        claim = claimed(database)
        lines.append(watching.stdout.readline())
        with database.begin() as session:
            ledger.finish(session, claim, follow=(NextJob(kind="words"),))
        lines.append(watching.stdout.readline())
        watching.send_signal(signal.SIGINT)
        assert watching.wait(120) == 0
    assert [line.split("\t")[3] for line in lines] == ["audio", "audio encode 40%", "words"]


@pytest.fixture
def terminal(
    command: tuple[list[str], dict[str, str]], tmp_path: Path
) -> Iterator[tuple[subprocess.Popen[bytes], Callable[[], str]]]:
    """`aircheck runs --watch` on a terminal, and what it has shown so far."""
    words, environment = command
    try:
        ours, theirs = pty.openpty()
    except OSError as error:
        pytest.skip(f"this machine gives no terminals: {error}")
    shown = bytearray()
    watching = subprocess.Popen(
        [*words, "runs", "--watch"], env=environment, cwd=tmp_path, stdout=theirs, stderr=theirs, stdin=theirs
    )

    def screen() -> str:
        while select.select([ours], [], [], 0)[0]:
            shown.extend(os.read(ours, 1 << 16))
        return shown.decode(errors="replace")

    try:
        yield watching, screen
    finally:
        watching.kill()
        watching.wait()
        os.close(theirs)
        os.close(ours)


def test_on_a_terminal_the_table_follows(database: Database, send: Send, terminal: Any) -> None:
    watching, screen = terminal
    send("EG_1", title="The Tuesday room")
    until(lambda: "The Tuesday room" in screen() and "waiting" in screen(), within_s=60)
    claimed(database)
    until(lambda: "audio encode 40%" in screen(), within_s=60)
    watching.send_signal(signal.SIGINT)
    assert watching.wait(120) == 0
    assert "Traceback" not in screen()


# ---- words


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59, "59 s"), (119, "119 s"), (150, "2 min"), (7500, "2 h 5 min"), (4 * 86400, "4 d")]
)
def test_lengths_are_short(seconds: float, words: str, database_url: str) -> None:
    assert short(seconds) == words


def test_what_is_left_is_told_as_far_as_anybody_knows(database_url: str) -> None:
    now = datetime.now(UTC)
    state = RunState(recording_id="x", phase="running", since=now, eta_s=(61.0, 200.0))
    assert (left(state), left(None)) == ("61 s to 3 min", "")


def test_a_running_job_tells_how_long_it_has_been_at_work(database: Database, send: Send) -> None:
    send("EG_1")
    claimed(database)
    with database.read() as session:
        run = ledger.run(session, "EG_1")
    assert run and run.jobs[0].started_at
    assert row(run, None, None, run.jobs[0].started_at + timedelta(seconds=150))[5] == "2 min"


def test_an_owner_is_a_machine_and_a_process(database_url: str) -> None:
    host, pid = host_and_pid(me())
    assert host and pid == str(os.getpid())
    assert host_and_pid("somebody") == ("somebody", "")
