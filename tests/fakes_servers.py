"""Real servers for tests: Redis and PostgreSQL on free loopback ports, ended by their pid."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import redis

READY_S = 20.0
# A server that is thrown away after the tests may lose everything.
CARELESS = ("fsync=off", "full_page_writes=off", "autovacuum=off", "wal_level=minimal", "max_wal_senders=0")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RedisServer:
    """A Redis that can be killed and started again on the same port, with nothing kept between."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = {"port": self.port, "bind": "127.0.0.1", "dir": self.folder, "save": "", "appendonly": "no"}
        words = [str(word) for key, value in options.items() for word in (f"--{key}", value)]
        self._process = subprocess.Popen(["redis-server", *words], stdout=subprocess.DEVNULL)
        until_ready(self.flush)

    def flush(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()


def postgres_programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


@contextlib.contextmanager
def postgres(programs: Path) -> Iterator[str]:
    """The address of a fresh PostgreSQL without a database name, such as `postgresql+psycopg://aircheck@127.0.0.1:1234/`."""
    user = _unprivileged_user()
    folder = Path(tempfile.mkdtemp(prefix="aircheck-pg-"))
    data, port = folder / "data", free_port()
    if user:
        shutil.chown(folder, user)
    try:
        init = [programs / "initdb", "-D", data, "-A", "trust", "-U", "aircheck", "-E", "UTF8", "--no-locale", "-N"]
        subprocess.run(init, check=True, user=user, stdout=subprocess.DEVNULL, cwd=folder)
        settings = [f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={folder}", *CARELESS]
        words = [word for setting in settings for word in ("-c", setting)]
        log = (folder / "log").open("wb")
        server = subprocess.Popen([programs / "postgres", "-D", data, *words], user=user, stdout=log, stderr=log, cwd=folder)
        try:
            until_ready(lambda: psycopg.connect(f"postgresql://aircheck@127.0.0.1:{port}/postgres").close())
            yield f"postgresql+psycopg://aircheck@127.0.0.1:{port}/"
        finally:
            server.send_signal(signal.SIGQUIT)  # at once, without tidying up
            server.wait(READY_S)
            log.close()
    finally:
        shutil.rmtree(folder)


def _unprivileged_user() -> str | None:
    """PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in known)


def until_ready(ask: Callable[[], object]) -> None:
    gives_up_at = time.monotonic() + READY_S
    while True:
        try:
            ask()
        except (redis.RedisError, psycopg.OperationalError):
            if time.monotonic() > gives_up_at:
                raise
            time.sleep(0.05)
        else:
            return
