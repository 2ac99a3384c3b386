"""A command loads what it needs and no more: told by the modules of a fresh process, not by its time."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SOUND = ("av", "numpy", "faster_whisper", "pocketsphinx", "ffmpeg", "mutagen")
QUEUES = ("dramatiq", "redis")
WEB = ("fastapi", "uvicorn", "jinja2", "PIL", "httpx", "boto3")
LOADED = """
import json, sys
from workers.cli import main
try:
    main()
finally:
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One with a show, its database brought up to date."""
    folder = tmp_path_factory.mktemp("installation")
    loaded(folder, "show", "add", "tuesday")
    return folder


def loaded(folder: Path, *words: str) -> set[str]:
    """The libraries in the process of that command when it has ended."""
    process = subprocess.run(
        [sys.executable, "-c", LOADED, *words], cwd=folder, env={"AIRCHECK_DATA_DIR": str(folder), "PATH": ""},
        capture_output=True, text=True,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    return set(json.loads(process.stdout.splitlines()[-1]))


@pytest.mark.parametrize("command", ["runs --json", "show list --json", "episode list --json", "cancel --help", "config check"])
def test_a_command_that_looks_loads_only_the_database(installation: Path, command: str) -> None:
    assert loaded(installation, *command.split()) & {*SOUND, *QUEUES, *WEB, "alembic", "prometheus_client"} == set()


def test_a_command_that_publishes_decodes_nothing(installation: Path) -> None:
    assert loaded(installation, "show", "edit", "tuesday", "--title", "Tuesdays") & {"av", *QUEUES, "fastapi", "alembic"} == set()


def test_help_loads_nothing_of_ours_that_is_slow(installation: Path) -> None:
    assert loaded(installation, "--help") & {*SOUND, *QUEUES, *WEB, "alembic", "sqlalchemy", "structlog"} == set()


@pytest.mark.parametrize(
    ("process", "without"),
    [
        ("supervise", {*SOUND, *QUEUES, *WEB}),
        ("serving", {"av", "mutagen", "alembic"}),
        ("working", {"fastapi", "uvicorn", "boto3", "alembic"}),
    ],
)
def test_a_process_that_stays_loads_nothing_of_its_sisters(process: str, without: set[str]) -> None:
    loads = f"import sys, workers.{process}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", loads], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & without == set()
