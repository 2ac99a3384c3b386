"""What a page shows, told as it changes: server-sent events whose data are HTML fragments."""

import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass

import anyio

from feeds.web.studio.board import Look

TICK_S = 1.0
BEAT_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often we look, and how long we may say nothing."""

    tick_s: float = TICK_S
    beat_s: float = BEAT_S


class Told:
    """Versions that browsers have been told lately, so that one who comes back is told only the difference."""

    def __init__(self, keep: int = 500) -> None:
        self._keep = keep
        self._versions: OrderedDict[str, Mapping[str, str]] = OrderedDict()

    def remember(self, look: Look) -> Mapping[str, str]:
        """What a browser with this look has."""
        hashes = look.hashes
        self._versions[look.version] = hashes
        self._versions.move_to_end(look.version)
        while len(self._versions) > self._keep:
            self._versions.popitem(last=False)
        return hashes

    def recall(self, version: str) -> Mapping[str, str] | None:
        """What a browser with that version has, or None when we do not know it."""
        return self._versions.get(version)


async def events(look: Callable[[], Awaitable[Look | None]], told: Told, last_event_id: str, pace: Pace) -> AsyncIterator[str]:
    """The snapshot, or what is new since `last_event_id`, then every change; ends when there is nothing to look at any more."""
    known = told.recall(last_event_id)
    said_at = float("-inf")
    while (current := await look()) is not None:
        if news := current.since(known):
            yield event(current.version, news)
        elif time.monotonic() - said_at >= pace.beat_s:
            yield ": still here\n\n"
        else:
            await anyio.sleep(pace.tick_s)
            continue
        known = told.remember(current)
        said_at = time.monotonic()
        await anyio.sleep(pace.tick_s)


def event(version: str, data: str) -> str:
    """One event as it goes over the wire (HTML Living Standard, 9.2.6)."""
    lines = "".join(f"data: {line}\n" for line in data.splitlines())
    return f"id: {version}\n{lines}\n"
