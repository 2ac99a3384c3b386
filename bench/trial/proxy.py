"""A bad road to a service on loopback: delays, refuses, cuts, breaks and blocks by a seeded die, while it counts.

`Proxy` knows plain TCP (Redis, PostgreSQL), `HttpProxy` requests (S3). A partition drops nothing for ever: as on a real road what
was sent meanwhile arrives once it is healed, if anybody still waits for it.
"""

import asyncio
import contextlib
import random
import threading
from abc import ABC, abstractmethod
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Self

from bench.trial.weather import FAIR, Fate, Way, Weather, fate_of

CHUNK_BYTES = 16384
LONGEST_HEAD_BYTES = 1 << 16


class Cut(Exception):
    """The connection is broken off here, on purpose."""


class BadRoad(ABC):
    """Listens on a port of its own, in a thread of its own, from the block's start to its end."""

    def __init__(self, port: int, weather: Weather = FAIR, *, seed: int = 0) -> None:
        self.behind = port
        self.weather = weather
        self.port = 0
        # connections and requests by what became of them, and requests by method
        self.counts: Counter[str] = Counter()
        self._dice = random.Random(seed)
        self._loop: asyncio.AbstractEventLoop
        self._open = asyncio.Event()
        self._end = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listens = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._listen()), name="bad road", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._listens.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    def partition(self) -> None:
        """From now on nothing passes, either way, until it is healed."""
        self._loop.call_soon_threadsafe(self._open.clear)

    def heal(self) -> None:
        """Everything passes again."""
        self._loop.call_soon_threadsafe(self._open.set)

    async def _listen(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._open.set()
        server = await asyncio.start_server(self._met, "127.0.0.1", 0, limit=LONGEST_HEAD_BYTES)
        self.port = server.sockets[0].getsockname()[1]
        self._listens.set()
        await self._end.wait()
        server.close()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _met(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            await self._carry(reader, writer)
        except (OSError, Cut, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # whoever was cut off finds out
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    @abstractmethod
    async def _carry(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Serve one connection until it ends."""

    async def _meet_fate(self) -> Fate:
        """The next fate, after its delay; who is refused does not come back."""
        fate = fate_of(self.weather, self._dice)
        self.counts[fate.name] += 1
        await asyncio.sleep(self.weather.latency_s)
        await self._open.wait()
        if fate.refused:
            raise Cut
        return fate

    @contextlib.asynccontextmanager
    async def _through(self) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
        """A connection to what is behind."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.behind, limit=LONGEST_HEAD_BYTES)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    async def _send(self, writer: StreamWriter, data: bytes) -> None:
        await self._open.wait()
        if self.weather.bytes_a_second:
            await asyncio.sleep(len(data) / self.weather.bytes_a_second)
        writer.write(data)
        await writer.drain()


class Proxy(BadRoad):
    """Plain TCP: one fate for each connection; a cut one ends after `cut_after_bytes` of either way that is cut."""

    async def _carry(self, reader: StreamReader, writer: StreamWriter) -> None:
        fate = await self._meet_fate()
        async with self._through() as (there, back):
            up = asyncio.ensure_future(self._pump(reader, back, fate, "up"))
            down = asyncio.ensure_future(self._pump(there, writer, fate, "down"))
            try:
                await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                up.cancel()
                down.cancel()
                await asyncio.gather(up, down, return_exceptions=True)

    async def _pump(self, reader: StreamReader, writer: StreamWriter, fate: Fate, way: Way) -> None:
        left = self.weather.cut_after_bytes if way in fate.cut else None
        while data := await reader.read(CHUNK_BYTES):
            await self._send(writer, data[:left])
            if left is not None:
                left -= len(data)
                if left <= 0:
                    return


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The first lines of a request or an answer."""

    first: str
    fields: Mapping[str, str]

    @property
    def length(self) -> int | None:
        """Bytes of its body; None when it comes in chunks."""
        return None if "chunked" in self.fields.get("transfer-encoding", "") else int(self.fields.get("content-length", 0))

    def bytes(self) -> bytes:
        """As it is sent on; who expects `100 Continue` has been told so already."""
        lines = [f"{name}: {value}" for name, value in self.fields.items() if name != "expect"]
        return "\r\n".join([self.first, *lines, "", ""]).encode("latin-1")


async def read_head(reader: StreamReader) -> Head:
    """The next head; `IncompleteReadError` where there is none."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
    fields = (line.partition(":") for line in lines)
    return Head(first=first, fields={name.lower(): value.strip() for name, _, value in fields})


class HttpProxy(BadRoad):
    """HTTP/1.1: one fate for each request, whichever connection it came by."""

    async def _carry(self, reader: StreamReader, writer: StreamWriter) -> None:
        while True:
            request = await read_head(reader)
            self.counts[request.first.partition(" ")[0]] += 1
            fate = await self._meet_fate()
            if fate.error:
                await self._send(writer, _error(fate.error))
                return
            if "expect" in request.fields:
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            async with self._through() as (there, back):
                await self._pass(request, (reader, back), fate, "up")
                answer = await read_head(there)
                has_body = not request.first.startswith("HEAD") and answer.first.split()[1] not in ("204", "304")
                await self._pass(answer, (there, writer), fate, "down", has_body=has_body)

    async def _pass(
        self, head: Head, pipe: tuple[StreamReader, StreamWriter], fate: Fate, way: Way, *, has_body: bool = True
    ) -> None:
        reader, writer = pipe
        await self._send(writer, head.bytes())
        if not has_body:
            return
        if head.length is None:
            await self._pass_chunks(reader, writer)
            return
        cut_at = min(self.weather.cut_after_bytes, head.length // 2) if way in fate.cut and head.length else None
        wrong_at = head.length // 2 if way in fate.wrong and head.length else None
        await self._pass_bytes(head.length, pipe, cut_at, wrong_at)

    async def _pass_bytes(
        self, length: int, pipe: tuple[StreamReader, StreamWriter], cut_at: int | None, wrong_at: int | None
    ) -> None:
        reader, writer = pipe
        passed = 0
        while passed < length:
            data = bytearray(await reader.read(min(CHUNK_BYTES, length - passed)))
            if not data:
                raise Cut
            if wrong_at is not None and passed <= wrong_at < passed + len(data):
                data[wrong_at - passed] ^= 1
            if cut_at is not None and passed + len(data) > cut_at:
                await self._send(writer, bytes(data[: cut_at - passed]))
                raise Cut
            await self._send(writer, bytes(data))
            passed += len(data)

    async def _pass_chunks(self, reader: StreamReader, writer: StreamWriter) -> None:
        while True:
            line = await reader.readuntil(b"\r\n")
            size = int(line.partition(b";")[0], 16)
            await self._send(writer, line + await reader.readexactly(size + 2))
            if size == 0:
                return


def _error(status: int) -> bytes:
    code = "InternalError" if status == 500 else "SlowDown"
    body = f"<Error><Code>{code}</Code><Message>on purpose</Message></Error>"
    fields = {"content-type": "application/xml", "content-length": str(len(body)), "connection": "close"}
    return Head(first=f"HTTP/1.1 {status} {code}", fields=fields).bytes() + body.encode()
