"""The one database: SQLite in WAL mode on one machine, PostgreSQL on many, one code path.

`begin()` is a transaction that may write, `read()` one that never waits for a writer, `durable()` one whose commit has reached the
disk when it returns: intake answers its caller only after that. Nothing slow happens inside any of them. A statement that fails is
told without its values, which may be a private room's words.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.orm import Session

from pipeline.errors import Broken, Refused

T = TypeVar("T")
Hurry = Callable[[], bool]

USABLE = "sqlite:///path/to/aircheck.db or postgresql+psycopg://user@host/name"
BUSY_S = 15.0
PATIENCE_S = 30.0
# A statement that takes longer than this is not one of ours any more; a transaction in which nothing happens for so long belongs to
# somebody who stands still or is gone, and must not hold its locks any longer.
SLOW_S = 30
# A host that vanished without a word is found out after so long, by either side.
SILENCE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
SILENCE_S = 25
# What `is_away` may be true of.
AWAY = (DBAPIError, NoConnectionFree)


def is_away(error: BaseException) -> bool:
    """Whether the database did not answer, was busy or full, or hung up on us; False where it was asked something wrong."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    kind = isinstance(error, (OperationalError, InterfaceError, NoConnectionFree))
    return kind and getattr(getattr(error, "orig", None), "sqlite_errorname", "") != "SQLITE_ERROR"


def at_leisure() -> bool:
    """A `Hurry` of nobody."""
    return False


class Turn:
    """One writer at a time among the threads of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=BUSY_S):
            busy = TimeoutError(f"busy for {BUSY_S:.0f} s: something slow holds a transaction")
            raise OperationalError("BEGIN IMMEDIATE", None, busy)  # as SQLite itself says it

    def __exit__(self, *_: object) -> None:
        self._lock.release()


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """Opens transactions; each is committed on leaving and rolled back by an error."""

    engine: Engine
    # the same database; its commits are on the disk when they return
    durable_engine: Engine
    # whose turn it is to write: SQLite has one writer, and threads that queue up here do not starve as those that poll for it do
    turn: AbstractContextManager[object] = field(default_factory=contextlib.nullcontext)

    @contextlib.contextmanager
    def begin(self) -> Iterator[Session]:
        """A transaction that may write."""
        with self.turn, Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextlib.contextmanager
    def durable(self) -> Iterator[Session]:
        """A transaction that may write, and survives a power cut from the moment it has been committed."""
        with self.turn, Session(self.durable_engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextlib.contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that sees one moment and writes nothing."""
        with Session(self.engine.execution_options(reading=True), expire_on_commit=False) as session, session.begin():
            yield session

    def patiently(
        self, work: Callable[[Session], T], patience_s: float = PATIENCE_S, *, durable: bool = False, hurry: Hurry = at_leisure
    ) -> T:
        """What `work` returns in a transaction of its own, tried again while the database is away and nobody is in a hurry."""
        opening = self.durable if durable else self.begin
        gives_up_at = time.monotonic() + patience_s
        pause_s = 0.1
        while True:
            try:
                with opening() as session:
                    return work(session)
            except AWAY as error:
                if not is_away(error) or time.monotonic() + pause_s > gives_up_at or hurry():
                    raise
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, 2.0)

    def close(self) -> None:
        """Let go of every connection."""
        self.engine.dispose()
        self.durable_engine.dispose()


def open_database(url: str) -> Database:
    """The database at `sqlite:///path` or `postgresql+psycopg://…`; a folder for the file is made.

    Errors: `Refused` for an address we cannot use, `Broken` where the database does not answer.
    """
    try:
        kind = make_url(url).get_backend_name()
    except ArgumentError:
        raise Refused(f"database_url is no address; use {USABLE}", code="bad_database_url") from None
    if kind == "sqlite":
        database = _sqlite(url)
    elif kind == "postgresql":
        database = _postgresql(url)
    else:
        raise Refused(f"database_url names {kind}; use {USABLE}", code="bad_database_url")
    _must_answer(database)
    return database


def inserting(session: Session) -> Callable[[Any], Any]:
    """The dialect's own `insert`, which knows ON CONFLICT."""
    # one of them is in use and loaded, the other never is
    if session.get_bind().dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert
    else:
        from sqlalchemy.dialects.postgresql import insert  # type: ignore[assignment]
    return insert


def _sqlite(url: str) -> Database:
    path = make_url(url).database
    if not path or path == ":memory:":
        raise Refused("database_url names no file; use sqlite:///path/to/aircheck.db", code="bad_database_url")
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Broken(f"{Path(path).parent} cannot be made: {error.strerror}", code="database_unreachable") from error
    return Database(engine=_sqlite_engine(url, "NORMAL"), durable_engine=_sqlite_engine(url, "FULL"), turn=Turn())


def _sqlite_engine(url: str, synchronous: str) -> Engine:
    args = {"timeout": BUSY_S, "check_same_thread": False}
    engine = create_engine(url, hide_parameters=True, pool_size=8, max_overflow=56, connect_args=args)

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        for pragma in ("journal_mode=WAL", f"synchronous={synchronous}", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reading = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def _postgresql(url: str) -> Database:
    timeouts: dict[str, int] = {"connect_timeout": 5, "keepalives": 1, "tcp_user_timeout": SILENCE_S * 1000, **SILENCE}
    engine = create_engine(url, hide_parameters=True, pool_pre_ping=True, pool_size=8, max_overflow=24, connect_args=timeouts)

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        limits = {
            "statement_timeout": SLOW_S * 1000, "lock_timeout": round(BUSY_S * 1000),
            "idle_in_transaction_session_timeout": SLOW_S * 1000, **{f"tcp_{name}": value for name, value in SILENCE.items()},
        }  # fmt: skip
        for name, value in limits.items():
            connection.execute(f"SET {name} = {value}")
        connection.commit()

    return Database(engine=engine, durable_engine=engine)


def _must_answer(database: Database) -> None:
    try:
        with database.engine.execution_options(reading=True).connect() as connection:
            connection.exec_driver_sql("SELECT 1")
    except DBAPIError as error:
        database.close()
        where = database.engine.url.render_as_string(hide_password=True)
        why = str(error.orig).strip().splitlines()[0]
        raise Broken(f"the database {where} does not answer: {why}", code="database_unreachable") from error
