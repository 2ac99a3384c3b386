"""What the tests of the whole road share: the command line, short rooms, a running `aircheck up`."""

import contextlib
import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import rooms_of_ours
from fixtures_database import postgres_server, redis_server
from sqlalchemy.orm import Session

from feeds.catalogue import find_episode
from workers import ledger
from workers.database import open_database
from workers.hooks import sign

__all__ = ["postgres_server", "redis_server"]

SECRET = "a secret that only this test knows"


@dataclass(frozen=True)
class Said:
    """What a command said."""

    status: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


class Aircheck:
    """The command line, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment: dict[str, str] = {}

    def __call__(self, *words: object, status: int | None = 0) -> Said:
        done = subprocess.run(
            self.command(*words), cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=280, check=False
        )  # fmt: skip
        said = Said(done.returncode, done.stdout, done.stderr)
        assert status is None or said.status == status, said
        assert "Traceback" not in said.err, said.err
        return said

    @property
    def env(self) -> Mapping[str, str]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("AIRCHECK_")}
        return {**clean, "HF_HUB_OFFLINE": "1", **self.environment}

    @staticmethod
    def command(*words: object) -> list[str]:
        return [sys.executable, "-m", "workers.cli", *map(str, words)]

    @contextlib.contextmanager
    def reading(self) -> Iterator[Session]:
        """The installation's database: to ask it again and again costs less than a command each time."""
        url = self.environment.get("AIRCHECK_DATABASE_URL", f"sqlite:///{self.folder}/aircheck-data/aircheck.db")
        database = open_database(url)
        try:
            with database.read() as session:
                yield session
        finally:
            database.close()


@pytest.fixture
def aircheck(tmp_path: Path) -> Aircheck:
    """The command line in an empty folder, without a Whisper model to be had."""
    return in_folder(tmp_path / "here")


def in_folder(folder: Path) -> Aircheck:
    folder.mkdir()
    made = Aircheck(folder)
    made.environment["AIRCHECK_SPEECH__DOWNLOAD"] = "false"
    return made


@pytest.fixture(scope="session")
def produced(room: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What `produce` says of that room, done once and undisturbed; its files stay as they are."""
    return in_folder(tmp_path_factory.mktemp("produced") / "here")("produce", room, "--json").data


@pytest.fixture(scope="session")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty seconds of the sample room as a folder with room.json."""
    return rooms_of_ours.short_room(tmp_path_factory.mktemp("rooms") / "room")


@pytest.fixture(scope="session")
def brief_room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve seconds of it, for a recogniser that takes as long as the talk."""
    return rooms_of_ours.short_room(tmp_path_factory.mktemp("rooms") / "brief", length_s=12.0)


@pytest.fixture(scope="session")
def mix(room: Path) -> Path:
    """The same as one mixed MP3 without any manifest."""
    return rooms_of_ours.mixed(room, room.parent / "tuesday talk.mp3", "-b:a", "64k")


@dataclass(frozen=True)
class Up:
    """A running `aircheck up`."""

    url: str
    aircheck: Aircheck
    process: subprocess.Popen[bytes]

    def post(self, manifest: Mapping[str, Any], *, secret: str = SECRET) -> httpx.Response:
        """Post a room to the hook as a platform would."""
        body = json.dumps(manifest).encode()
        return httpx.post(f"{self.url}/hooks/rooms", content=body, headers=sign(secret, int(time.time()), body))

    def until(self, true: Callable[[], Any], within_s: float = 120.0) -> Any:
        """What `true()` returns as soon as it returns something."""
        ends_at = time.monotonic() + within_s
        while not (found := true()):
            assert self.process.poll() is None, "aircheck up has ended"
            assert time.monotonic() < ends_at, f"not within {within_s} s"
            time.sleep(0.2)
        return found

    def run_state(self, run: str) -> str:
        with self.aircheck.reading() as session:
            found = ledger.run(session, run)
        return found.state if found else ""

    def job_states(self, run: str) -> list[str]:
        with self.aircheck.reading() as session:
            found = ledger.run(session, run)
        return [job.state for job in found.jobs] if found else []

    def words_of(self, run: str) -> str:
        """The quality of the episode's words."""
        with self.aircheck.reading() as session:
            found = find_episode(session, run)
        return found.words.quality if found and found.words else ""


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Whisper model that says one known sentence, through the real faster-whisper."""
    if not importlib.util.find_spec("whisper"):
        pytest.skip("openai-whisper's vocabulary is not installed")
    from scripted_whisper import build  # heavy, and needed by few

    folder = tmp_path_factory.mktemp("models") / "scripted"
    build(folder, [(0.5, " The night train leaves at nine.", 3.0)])
    return folder


Start = Callable[..., contextlib.AbstractContextManager[Up]]


@pytest.fixture
def start(aircheck: Aircheck) -> Start:
    """`with start() as up:` runs `aircheck up` on a free port and ends it by its pid."""

    @contextlib.contextmanager
    def started(*, roots: Path | None = None, **environment: str) -> Iterator[Up]:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        aircheck.environment |= {
            "AIRCHECK_PUBLIC_URL": url, "AIRCHECK_HOOKS__SECRET": SECRET, "AIRCHECK_HOOKS__UNKNOWN_SHOW": "refuse",
            **({"AIRCHECK_HOOKS__ROOTS": str(roots)} if roots else {}), **environment,
        }  # fmt: skip
        with (aircheck.folder / "up.log").open("ab") as log:
            process = subprocess.Popen(
                Aircheck.command("up", "--port", port), cwd=aircheck.folder, env=aircheck.env, stdout=log, stderr=log
            )  # fmt: skip
        up = Up(url, aircheck, process)
        try:
            up.until(lambda: answers(f"{url}/healthz"), 30.0)
            yield up
        finally:
            process.terminate()
            process.wait(30)

    return started


def answers(url: str) -> bool:
    """Whether the address answers with 200."""
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(url).status_code == 200
    return False


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
