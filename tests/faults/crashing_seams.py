"""A house whose seams are watched: database, stores and bells say what they are about to do, and what they have done."""

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from crash_points import Points, no_file_beyond
from dramatiq import Broker, Message, Middleware
from sqlalchemy import event, select
from sqlalchemy.orm import ORMExecuteState, Session

from bench.trial.stores import Over
from pipeline.stores import Stat, Store
from pipeline.stores.s3.store import S3Store
from workers.database import Database
from workers.house import House
from workers.ledger import JobRow

KINDS = {
    "episode.mp3": "audio", "episode.opus": "audio", "words.json": "words", "published.json": "note", "feed.xml": "feed",
    "cover.jpg": "cover", "index.html": "page", "measures.npz": "measures", "heard.json": "measures",
}  # fmt: skip


def watched(house: House, points: Points) -> House:
    """The same house; its broker is watched by `watch_bells` once its workers have started."""
    database = house.database
    return replace(
        house,
        database=WatchedDatabase(
            engine=database.engine, durable_engine=database.durable_engine, turn=database.turn, points=points
        ),
        public=WatchedStore(house.public, "public", points), private=WatchedStore(house.private, "private", points),
    )  # fmt: skip


# ---- the database


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedDatabase(Database):
    """Says before and after each commit what it is about."""

    points: Points

    @contextlib.contextmanager
    def begin(self) -> Iterator[Session]:
        with _told(Database.begin(self), self.points) as session:
            yield session

    @contextlib.contextmanager
    def durable(self) -> Iterator[Session]:
        with _told(Database.durable(self), self.points) as session:
            yield session


@contextlib.contextmanager
def _told(transaction: contextlib.AbstractContextManager[Session], points: Points) -> Iterator[Session]:
    meaning = ""
    with transaction as session:
        written: list[tuple[str, str, dict[str, Any]]] = []
        event.listen(session, "do_orm_execute", lambda state: _note(state, written))
        yield session
        session.flush()
        meaning = _meaning(session, written)
        if meaning:
            points(f"before commit of {meaning}")
    if meaning:
        points(f"after commit of {meaning}")


def _note(state: ORMExecuteState, written: list[tuple[str, str, dict[str, Any]]]) -> None:
    """What is written: insert or update, into which table, with which values where they are of interest."""
    statement: Any = state.statement
    if state.is_update:
        written.append(("update", statement.table.name, dict(statement.compile().params)))
    elif state.is_insert:
        table = statement.table.name
        written.append(("insert", table, dict(statement.compile().params) if table == "attempt" else {}))


def _meaning(session: Session, written: list[tuple[str, str, dict[str, Any]]]) -> str:
    """What a transaction is for, told by what it writes; "" for what is of no interest."""
    doing = {(how, table) for how, table, _ in written}
    if ("insert", "inbox") in doing:
        return "intake"
    if ("insert", "attempt") in doing:
        return f"claim {_kind(session, _values(written, 'insert', 'attempt'))}"
    ends = _values(written, "update", "attempt")
    words = {"done": "finish", "failed": "fail", "given_back": "give back", "hindered": "hinder"}
    if ends.get("outcome") in words:
        return f"{words[ends['outcome']]} {_kind(session, ends)}"
    job = _values(written, "update", "job")
    if job.get("error_code") == "worker_died":
        return "bury"
    if "progress" in job:
        return "heartbeat"
    return "sweep" if ("insert", "hands") in doing else ""


def _values(written: list[tuple[str, str, dict[str, Any]]], how: str, table: str) -> dict[str, Any]:
    return next((values for h, t, values in reversed(written) if (h, t) == (how, table)), {})


def _kind(session: Session, values: dict[str, Any]) -> str:
    job_id = next(value for name, value in values.items() if name.startswith("job_id"))
    return session.scalars(select(JobRow.kind).where(JobRow.id == job_id)).one()


# ---- the stores


class WatchedStore(Over):
    """Says before and after each write what it writes, and may die in the middle of it."""

    def __init__(self, store: Store, name: str, points: Points) -> None:
        super().__init__(store)
        self._name = name
        self._points = points

    def put(self, key: str, content: bytes | Path, **about: Any) -> Stat:
        what = f"put of {self._name} {_kind_of(key)}"
        self._points(f"before {what}")
        if self._points.dies_in(f"half {what}"):
            _die_halfway(self.store, key, content)
        stat = self.store.put(key, content, **about)
        self._points(f"after {what}")
        return stat

    def delete(self, key: str) -> None:
        what = f"delete of {self._name} {_kind_of(key)}"
        self._points(f"before {what}")
        self.store.delete(key)
        self._points(f"after {what}")


def _kind_of(key: str) -> str:
    if key.startswith("_assets/"):
        return "asset"
    if "/slices/" in key:
        return "slice"
    return KINDS.get(key.rpartition("/")[2], "document")


def _die_halfway(store: Store, key: str, content: bytes | Path) -> None:
    """A folder cannot grow a file beyond half of it; a service gets half of what is sent under that key, and then nothing."""
    if isinstance(store, S3Store):
        path = "/{Bucket}/{Key}".format(**store._at(key))
        for client in (store._client, store._patient):
            client.meta.events.register("before-send.s3", partial(_send_half, path))
    else:
        size_bytes = content.stat().st_size if isinstance(content, Path) else len(content)
        no_file_beyond(max(1, size_bytes // 2))


class _Half:
    """A body that ends its sender when half of it has been read."""

    def __init__(self, body: Any) -> None:
        self._rest = body.read() if hasattr(body, "read") else bytes(body)
        self._rest = self._rest[: len(self._rest) // 2]

    def read(self, _size: int = -1) -> bytes:
        if not self._rest:
            os.kill(os.getpid(), signal.SIGKILL)
        part, self._rest = self._rest, b""
        return part


def _send_half(path: str, *, request: Any, **_: object) -> None:
    if request.method == "PUT" and unquote(urlsplit(request.url).path) == path:
        request.body = _Half(request.body)


# ---- the bells


class WatchedBells(Middleware):
    """Says before and after each bell that is rung, and each that was heard and is put away."""

    def __init__(self, points: Points) -> None:
        self._points = points

    def before_enqueue(self, broker: Broker, message: Message[Any], delay: int | None) -> None:
        self._points("before ring")

    def after_enqueue(self, broker: Broker, message: Message[Any], delay: int | None) -> None:
        self._points("after ring")

    def before_ack(self, broker: Broker, message: Message[Any]) -> None:
        self._points("before ack")

    def after_ack(self, broker: Broker, message: Message[Any]) -> None:
        self._points("after ack")
