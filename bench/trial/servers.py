"""Real servers on free loopback ports: Redis, PostgreSQL and S3, each ended by its own process object.

Each may be killed and started again on the same port. What Redis and S3 held is gone then; PostgreSQL keeps its data.
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self

import psycopg
import redis

READY_S = 60.0
# A server that is thrown away after the tests may lose everything.
CARELESS = ("fsync=off", "full_page_writes=off", "autovacuum=off", "wal_level=minimal", "max_wal_senders=0")
# No proxy, also where the environment names one: everything here is on loopback.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
S3_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}  # fmt: skip


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server(ABC):
    """One server process: started with the block and killed at its end, or by hand in between."""

    def __init__(self) -> None:
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def _launch(self) -> subprocess.Popen[bytes]:
        """Start the program."""

    @abstractmethod
    def _ask(self) -> object:
        """Ask the server something; raises while it does not answer."""

    def start(self) -> None:
        """Start, and return when it answers."""
        self.process = self._launch()
        until_ready(self._ask)

    def kill(self) -> None:
        """End it with kill -9, if it runs."""
        self.end(signal.SIGKILL)

    def end(self, sign: signal.Signals) -> None:
        """End it with that signal, if it runs."""
        if self.process:
            self.process.send_signal(sign)
            self.process.wait(READY_S)
            self.process = None

    @property
    def pid(self) -> int:
        """The process that was started; only while it runs."""
        assert self.process, "it does not run"
        return self.process.pid

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


class RedisServer(Server):
    """A Redis that keeps nothing between one start and the next."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def _launch(self) -> subprocess.Popen[bytes]:
        options = {"port": self.port, "bind": "127.0.0.1", "dir": self.folder, "save": "", "appendonly": "no"}
        words = [str(word) for key, value in options.items() for word in (f"--{key}", value)]
        return subprocess.Popen(["redis-server", *words], stdout=subprocess.DEVNULL)

    def _ask(self) -> object:
        with redis.Redis.from_url(self.url) as client:
            return client.ping()

    def flush(self) -> None:
        """Forget everything."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()


class PostgresServer(Server):
    """A PostgreSQL whose data lie below `folder`; `settings` are those of postgresql.conf."""

    def __init__(self, folder: Path, programs: Path, settings: Sequence[str] = ()) -> None:
        super().__init__()
        self.folder, self.programs, self.settings = folder, programs, settings
        self.user = _unprivileged_user()
        # without a database name
        self.address = f"postgresql+psycopg://aircheck@127.0.0.1:{self.port}/"

    def prepare(self) -> None:
        """Make its data folder, once."""
        if self.user:
            shutil.chown(self.folder, self.user)
        init: list[str | Path] = [
            self.programs / "initdb",
            "-D",
            self.folder / "data",
            "-A",
            "trust",
            "-U",
            "aircheck",
            "-E",
            "UTF8",
        ]
        if self._as_user([*init, "--no-locale", "-N"]).wait(READY_S):
            raise OSError(f"initdb failed: {(self.folder / 'log').read_text()}")

    def _launch(self) -> subprocess.Popen[bytes]:
        # Sixteen hosts have more than the hundred connections that it allows by itself.
        own = [f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}", "max_connections=400"]
        settings = [*own, *self.settings]
        words = [word for setting in settings for word in ("-c", setting)]
        return self._as_user([self.programs / "postgres", "-D", self.folder / "data", *words])

    def _as_user(self, command: Sequence[str | Path]) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(command, user=self.user, stdout=log, stderr=log, cwd=self.folder)

    def _ask(self) -> object:
        return self.run("SELECT 1")

    def run(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """The rows of one statement, outside of any transaction."""
        plain = self.address.replace("+psycopg", "")
        with psycopg.connect(plain + database, autocommit=True) as connection:
            answer = connection.execute(statement.encode())
            return answer.fetchall() if answer.description else []

    def kill(self) -> None:
        """At once, without tidying up; SIGKILL itself would leave its children to themselves."""
        self.end(signal.SIGQUIT)

    def restart(self) -> None:
        """As an operator does it: everybody is thrown out, then it is there again."""
        self.end(signal.SIGINT)
        self.start()


@contextlib.contextmanager
def postgres_server(programs: Path, settings: Sequence[str] = CARELESS) -> Iterator[PostgresServer]:
    """A fresh PostgreSQL in a folder of its own, removed with it."""
    folder = Path(tempfile.mkdtemp(prefix="aircheck-pg-"))
    try:
        server = PostgresServer(folder, programs, settings)
        server.prepare()
        with server:
            yield server
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def postgres(programs: Path) -> Iterator[str]:
    """The address of a fresh PostgreSQL without a database name, such as `postgresql+psycopg://aircheck@127.0.0.1:1234/`."""
    with postgres_server(programs) as server:
        yield server.address


def postgres_programs() -> Path | None:
    """The folder of PostgreSQL's own programs, or None where it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


def _unprivileged_user() -> str | None:
    """PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in known)


class S3Server(Server):
    """A service that speaks S3, with everything in memory; it believes any credentials."""

    def __init__(self) -> None:
        super().__init__()
        self.url = f"http://127.0.0.1:{self.port}"

    def _launch(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)

    def _ask(self) -> object:
        with DIRECT.open(f"{self.url}/moto-api/data.json", timeout=5) as answer:
            return answer.status

    def make_bucket(self, name: str) -> str:
        """The name of that bucket, which is there now."""
        with DIRECT.open(urllib.request.Request(f"{self.url}/{name}", method="PUT"), timeout=30):
            return name


def listens(port: int) -> bool:
    """Whether anybody answers at that port of this machine."""
    with socket.socket() as knock:
        return knock.connect_ex(("127.0.0.1", port)) == 0


def until_ready(ask: Callable[[], object]) -> None:
    """Return as soon as `ask` does not raise."""
    gives_up_at = time.monotonic() + READY_S
    while True:
        try:
            ask()
        except (redis.RedisError, psycopg.OperationalError, OSError):
            if time.monotonic() > gives_up_at:
                raise
            time.sleep(0.05)
        else:
            return
