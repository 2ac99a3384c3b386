"""How much may be on its way in at once: whatever is posted, memory stays bounded, and large bodies never keep small ones out."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.requests import ClientDisconnect, Request

from pipeline.errors import Hindered, Refused

# Everybody may bring a small body; what is larger shares one allowance with all others that are.
ROOMS = 2000
SMALL_BYTES = 64 << 10
LARGE_BYTES = 64 << 20
# the longest that a body may take to arrive
BODY_S = 60.0


class Doorway:
    """Counts who is inside; to be used in one event loop."""

    def __init__(self, *, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self._rooms_left, self._large_bytes_left = ROOMS, LARGE_BYTES

    @contextmanager
    def place(self) -> Iterator["Place"]:
        """A place for one room, until the block ends. Errors: `Hindered` where there is none left."""
        if self._rooms_left <= 0:
            raise _crowded("rooms")
        self._rooms_left -= 1
        place = Place(self)
        try:
            yield place
        finally:
            if not place.is_kept:
                self.leave(place)

    def leave(self, place: "Place") -> None:
        """The place is free again."""
        self._rooms_left += 1
        self._large_bytes_left += place.large_bytes

    def grow(self, place: "Place", size_bytes: int) -> None:
        """Make room for a body that is so large now. Errors: `Refused` over the limit, `Hindered` where others take it all."""
        if size_bytes > self.limit_bytes:
            raise Refused(f"more than {self.limit_bytes:,} bytes; post less, or fewer events", code="too_large")
        more_bytes = max(0, size_bytes - SMALL_BYTES) - place.large_bytes
        if more_bytes > self._large_bytes_left:
            raise _crowded("large rooms")
        self._large_bytes_left -= more_bytes
        place.large_bytes += more_bytes


class Place:
    """One room's place."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway
        self.large_bytes = 0
        self.is_kept = False

    async def body(self, request: Request) -> bytes:
        """The whole body; refused as soon as it is too large, whatever its length was said to be."""
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_S):
                async for chunk in request.stream():
                    self._doorway.grow(self, len(body) + len(chunk))
                    body += chunk
        except TimeoutError:
            raise Hindered(f"the body did not arrive within {BODY_S:.0f} s", code="too_slow") from None
        except ClientDisconnect:
            raise Refused("the sender left before the body had arrived", code="left") from None
        return bytes(body)

    def keep_until(self, answer: "asyncio.Future[Any]") -> None:
        """The room is on its way in, whoever still waits for it: its place is free when that is decided."""
        self.is_kept = True
        answer.add_done_callback(self._done)

    def _done(self, answer: "asyncio.Future[Any]") -> None:
        answer.cancelled() or answer.exception()  # nobody may be left to look at it
        self._doorway.leave(self)


def _crowded(what: str) -> Hindered:
    return Hindered(f"too many {what} arrive at once; send it again in a few seconds", code="crowded")
