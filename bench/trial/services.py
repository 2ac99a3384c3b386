"""What hosts share: a database, a store and a bell, real ones, each behind a road that can turn bad."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bench.trial.proxy import BadRoad, HttpProxy, Proxy
from bench.trial.servers import CARELESS, S3_CREDENTIALS, PostgresServer, RedisServer, S3Server, postgres_programs, postgres_server
from pipeline.errors import Refused

DatabaseKind = Literal["sqlite", "postgresql"]
StoreKind = Literal["folder", "s3"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which services a trial uses; `roads` puts a proxy before each of them."""

    database: DatabaseKind = "sqlite"
    store: StoreKind = "folder"
    redis: bool = False
    roads: bool = False
    # PostgreSQL keeps its promises at a power cut too, as in earnest
    careful: bool = False

    def __str__(self) -> str:
        bell = "Redis" if self.redis else "no Redis"
        return f"{'PostgreSQL' if self.database == 'postgresql' else 'SQLite'}, {self.store} store, {bell}"


@dataclass(slots=True, kw_only=True)
class Services:
    """The running services, and the settings that lead hosts to them."""

    postgres: PostgresServer | None = None
    redis: RedisServer | None = None
    s3: S3Server | None = None
    # by name: postgres, redis, s3
    roads: dict[str, BadRoad] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)


@contextlib.contextmanager
def services(wanted: Wanted, folder: Path) -> Iterator[Services]:
    """Those services, started; the SQLite file, the folder stores and what servers keep lie in `folder`."""
    with contextlib.ExitStack() as stack:
        there = Services()
        if wanted.database == "postgresql":
            there.postgres = stack.enter_context(postgres_server(_programs(), () if wanted.careful else CARELESS))
            there.postgres.run("CREATE DATABASE pods")
        if wanted.redis:
            (folder / "redis").mkdir()
            there.redis = stack.enter_context(RedisServer(folder / "redis"))
        if wanted.store == "s3":
            there.s3 = stack.enter_context(S3Server())
            there.s3.make_bucket("pods")
            stack.enter_context(credentials())
        if wanted.roads:
            _lay_roads(there, stack)
        there.settings = _settings(there, folder)
        yield there


def _programs() -> Path:
    programs = postgres_programs()
    if programs is None:
        raise Refused("PostgreSQL is not installed (Debian: postgresql)", code="no_postgresql")
    return programs


def _lay_roads(there: Services, stack: contextlib.ExitStack) -> None:
    servers = {"postgres": there.postgres, "redis": there.redis, "s3": there.s3}
    for name, server in servers.items():
        if server:
            road = HttpProxy(server.port) if name == "s3" else Proxy(server.port)
            there.roads[name] = stack.enter_context(road)


def _settings(there: Services, folder: Path) -> dict[str, str]:
    """Settings by their dotted names."""
    port = {name: road.port for name, road in there.roads.items()}
    settings = {
        "database_url": f"sqlite:///{folder / 'aircheck.db'}",
        "store.url": (folder / "public").as_uri(), "store.private_url": (folder / "private").as_uri(),
    }  # fmt: skip
    if there.postgres:
        address = f"127.0.0.1:{port.get('postgres', there.postgres.port)}"
        settings["database_url"] = f"postgresql+psycopg://aircheck@{address}/pods"
    if there.redis:
        settings["redis_url"] = f"redis://127.0.0.1:{port.get('redis', there.redis.port)}/0"
    if there.s3:
        settings |= {"store.url": "s3://pods/public", "store.private_url": "s3://pods/private"}
        settings["store.endpoint_url"] = f"http://127.0.0.1:{port.get('s3', there.s3.port)}"
    return settings


@contextlib.contextmanager
def credentials(given: Mapping[str, str] = S3_CREDENTIALS) -> Iterator[None]:
    """What boto3 looks for, in this process's environment and so in its children's, until the block ends."""
    before = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    for name in before:
        del os.environ[name]
    os.environ.update(given)
    try:
        yield
    finally:
        for name in given:
            os.environ.pop(name, None)
        os.environ.update(before)
