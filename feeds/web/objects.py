"""Sends what lies in a store: whole, in part, compressed, or only told about."""

import gzip
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from io import SEEK_SET, RawIOBase
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import BinaryIO, Protocol, cast, runtime_checkable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from feeds.web.answers import Answer, answer
from pipeline.errors import Broken
from pipeline.stores import Overtaken, Stat, Store

CHUNK_BYTES = 256 * 1024
# a request each, and the memory of one listener
FAR_CHUNK_BYTES = 2**20
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


class FarFile(RawIOBase):
    """An object of a store far away as an open file: each reading asks for that part alone, of the version that was looked at."""

    def __init__(self, store: Store, stat: Stat) -> None:
        self._store, self._stat = store, stat
        self._at_bytes = 0

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        assert whence == SEEK_SET
        self._at_bytes = offset
        return offset

    def read(self, size: int = -1) -> bytes:
        """At most so many bytes, in one request. Errors: `Overtaken` when the object has been replaced or is gone."""
        left = max(0, self._stat.size_bytes - self._at_bytes)
        wanted = left if size < 0 else min(size, left)
        if not wanted:
            return b""
        part = self._store.read(self._stat.key, self._at_bytes, wanted, etag=self._stat.etag)
        if part is None:
            raise Overtaken(f"{self._stat.key} went away while it was read")
        self._at_bytes += len(part)
        return part


class Sent(StreamingResponse):
    """Part of an open file, which is closed whatever happens to the listener; it begins with the chunk that was read already."""

    def __init__(self, file: BinaryIO, begin: bytes, reply: Answer) -> None:
        self.file = file
        start, stop = reply.span or (0, 0)
        chunks = _chunks(file, begin, stop - start)
        super().__init__(chunks, reply.status, {**reply.headers, "Content-Length": str(stop - start)})

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
    for _ in range(_PATIENCE):
        opened = await run_in_threadpool(open_object, store, key)
        try:
            return None if opened is None else await answered(request, opened, more)
        except Overtaken:
            continue
    raise _busy(key)


async def answered(request: Request, opened: Opened, more: Mapping[str, str] = _NOTHING) -> Response:
    """The answer to a GET or HEAD of an object that stands open."""
    reply = answer(opened.stat, request.method, request.headers)
    response = await run_in_threadpool(_response, opened, reply, request.method)
    response.headers.update(more)
    return response


def _response(opened: Opened, reply: Answer, method: str) -> Response:
    with ExitStack() as held:
        held.enter_context(opened.file)
        if reply.span is None or method != "GET" or reply.gzipped:
            return _whole(opened, reply, method)
        start, stop = reply.span
        opened.file.seek(start)
        # before anything is promised: what was replaced meanwhile is looked at anew
        sent = Sent(opened.file, opened.file.read(min(_chunk_bytes(opened.file), stop - start)), reply)
        held.pop_all()
        return sent


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
        if not isinstance(store, Local):
            return Opened(stat=stat, file=cast(BinaryIO, FarFile(store, stat)))
        with ExitStack() as held, suppress(FileNotFoundError):
            file = held.enter_context(store.local_path(key).open("rb"))
            if store.stat(key) == stat:
                held.pop_all()
                return Opened(stat=stat, file=file)
    raise _busy(key)


def _busy(key: str) -> Broken:
    return Broken(f"{key} changes faster than it can be read", code="store_busy")


def _chunk_bytes(file: BinaryIO) -> int:
    return FAR_CHUNK_BYTES if isinstance(file, FarFile) else CHUNK_BYTES


async def _chunks(file: BinaryIO, begin: bytes, length: int) -> AsyncIterator[bytes]:
    chunk = begin
    while length > 0:
        if not chunk:
            raise Broken(f"a stored file ended {length} bytes early")
        yield chunk
        length -= len(chunk)
        chunk = await run_in_threadpool(file.read, min(_chunk_bytes(file), length))
