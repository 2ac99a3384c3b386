"""Every test that asks for `database` runs on SQLite and on PostgreSQL, each time on a fresh one."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from fakes_rooms import a_room

from bench.trial.servers import RedisServer, postgres, postgres_programs
from feeds.catalogue import Base, Show, add_show
from workers.database import Database, open_database
from workers.intake import Accepted, IntakeRules, accept
from workers.migrations import migrate

NOBODY_IN = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'pods'"
RULES = IntakeRules(default_show="tuesday", public_url="https://pods.example")


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "empty.db"
    _migrated(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    programs = postgres_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
    with postgres(programs) as address:
        _sql(address, "CREATE DATABASE pods")
        _migrated(f"{address}pods").close()
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with every table and no row."""
    return empty_database(request, tmp_path)


def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        path = tmp_path / "aircheck.db"
        shutil.copy(request.getfixturevalue("empty_sqlite"), path)
        return f"sqlite:///{path}"
    return emptied(request.getfixturevalue("postgres_server"))


def emptied(address: str) -> str:
    """The address of the server's one database, without a row and with nobody in it."""
    tables = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)
    _sql(address, NOBODY_IN)
    _sql(f"{address}pods", f"TRUNCATE {tables} RESTART IDENTITY")
    return f"{address}pods"


def new_postgres_database(address: str, name: str) -> str:
    """One whose tables a test may change; making one takes long, and removing one longer: all go with their server."""
    _sql(address, NOBODY_IN)
    _sql(address, f"CREATE DATABASE {name} TEMPLATE pods")
    return f"{address}{name}"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = open_database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def show(database: Database) -> Show:
    with database.begin() as session:
        return add_show(session, "tuesday", "https://pods.example")


@pytest.fixture
def send(database: Database, show: Show) -> Callable[..., Accepted]:
    """Send a room as its platform would; without an event id each call is an event of its own."""

    def send(recording_id: str = "EG_1", event_id: str = "", **changed: object) -> Accepted:
        room = a_room(recording_id, **changed)
        with database.durable() as session:
            return accept(
                session, room, "/recordings", provider="livekit", event_id=event_id or f"EV_{recording_id}", defaults=RULES
            )

    return send


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    if shutil.which("redis-server") is None:
        pytest.skip("Redis is not installed (Debian: redis-server)")
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(params=["memory", "redis"])
def redis_url(request: pytest.FixtureRequest) -> str:
    """Where bells ring: empty for this process's memory, else a Redis that has just been emptied."""
    if request.param == "memory":
        return ""
    server: RedisServer = request.getfixturevalue("redis_server")
    server.flush()
    return server.url


def _migrated(url: str) -> Database:
    database = open_database(url)
    migrate(database.engine)
    return database


def _sql(address: str, statement: str) -> None:
    plain = address.replace("+psycopg", "")
    with psycopg.connect(plain + "postgres" if plain.endswith("/") else plain, autocommit=True) as connection:
        connection.execute(statement)
