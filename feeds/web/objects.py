"""Sends what lies in a store: whole, in part, compressed, or only told about."""

import gzip
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from types import MappingProxyType
from typing import BinaryIO, Protocol, runtime_checkable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from feeds.web.answers import Answer, answer
from pipeline.errors import Broken
from pipeline.stores import Stat, Store

CHUNK_BYTES = 256 * 1024
HELD_BYTES = 8 * 2**20
_PATIENCE = 5
_NOTHING: Mapping[str, str] = MappingProxyType({})


@runtime_checkable
class Local(Protocol):
    """A store whose objects are files on this machine."""

    def local_path(self, key: str) -> Path:
        """Where that object is, or would be."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An object's bytes together with what was known of exactly those bytes."""

    stat: Stat
    file: BinaryIO


class Sent(StreamingResponse):
    """Part of an open file, which is closed whatever happens to the listener."""

    def __init__(self, file: BinaryIO, reply: Answer) -> None:
        self.file = file
        start, stop = reply.span or (0, 0)
        super().__init__(_chunks(file, start, stop), reply.status, {**reply.headers, "Content-Length": str(stop - start)})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self.file:
            await super().__call__(scope, receive, send)


class Squeezed:
    """Texts compressed a moment ago, so that a feed asked for a thousand times is compressed once."""

    def __init__(self, keep_bytes: int = 32 * 2**20) -> None:
        self._keep_bytes = keep_bytes
        self._texts: OrderedDict[str, bytes] = OrderedDict()
        self._lock = Lock()

    def of(self, etag: str, file: BinaryIO) -> bytes:
        """The file's bytes, compressed; the same bytes every time."""
        with self._lock:
            if known := self._texts.pop(etag, None):
                self._texts[etag] = known
                return known
        made = gzip.compress(file.read(), 6, mtime=0)
        with self._lock:
            self._texts[etag] = made
            while len(self._texts) > 1 and sum(map(len, self._texts.values())) > self._keep_bytes:
                self._texts.popitem(last=False)
        return made


_squeezed = Squeezed()


async def respond(request: Request, store: Store, key: str, more: Mapping[str, str] = _NOTHING) -> Response | None:
    """The answer to a GET or HEAD of that object, or None where there is none; `more` are headers to add or replace."""
    opened = await run_in_threadpool(open_object, store, key)
    return None if opened is None else await answered(request, opened, more)


async def answered(request: Request, opened: Opened, more: Mapping[str, str] = _NOTHING) -> Response:
    """The answer to a GET or HEAD of an object that stands open."""
    reply = answer(opened.stat, request.method, request.headers)
    response = await run_in_threadpool(_response, opened, reply, request.method)
    response.headers.update(more)
    return response


def _response(opened: Opened, reply: Answer, method: str) -> Response:
    if reply.span is not None and method == "GET" and not reply.gzipped:
        return Sent(opened.file, reply)
    with opened.file:
        return _whole(opened, reply, method)


def _whole(opened: Opened, reply: Answer, method: str) -> Response:
    headers = dict(reply.headers)
    if reply.span is None:
        return Response(status_code=reply.status, headers=headers)
    body = _squeezed.of(opened.stat.etag, opened.file) if reply.gzipped else b""
    length = len(body) if reply.gzipped else reply.span[1] - reply.span[0]
    return Response(body if method == "GET" else b"", reply.status, headers | {"Content-Length": str(length)})


def open_object(store: Store, key: str) -> Opened | None:
    """The object and what is known of it, of one moment even while somebody replaces it; None where there is none."""
    for _ in range(_PATIENCE):
        stat = store.stat(key)
        if stat is None:
            return None
        file = _file_of(store, key, stat)
        if file is None:
            continue
        with ExitStack() as held:
            held.enter_context(file)
            if store.stat(key) == stat:
                held.pop_all()
                return Opened(stat=stat, file=file)
    raise Broken(f"{key} changes faster than it can be read", code="store_busy")


def _file_of(store: Store, key: str, stat: Stat) -> BinaryIO | None:
    """An open file with the object's bytes, or None when it has just gone."""
    if isinstance(store, Local):
        try:
            return store.local_path(key).open("rb")
        except FileNotFoundError:
            return None
    if stat.size_bytes <= HELD_BYTES:
        content = store.get(key)
        return None if content is None else BytesIO(content)
    with TemporaryDirectory(prefix="aircheck-") as folder:
        store.download(key, Path(folder, "object"))
        return Path(folder, "object").open("rb")


async def _chunks(file: BinaryIO, start: int, stop: int) -> AsyncIterator[bytes]:
    await run_in_threadpool(file.seek, start)
    while start < stop:
        chunk = await run_in_threadpool(file.read, min(CHUNK_BYTES, stop - start))
        if not chunk:
            raise Broken(f"a stored file ended {stop - start} bytes early")
        start += len(chunk)
        yield chunk
