"""A reader that never looks away: it polls a feed like a podcast app, only faster, and notes what no app may ever see.

with Reader(from_store(store, site), feed_url) as reader:      or httpx.Client().request for one that is served
    ...
assert not reader.history.violations
"""

import hashlib
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import httpx

from feeds.findings import Answer, Fetch, attribute_of, path_of, text_of
from pipeline.errors import Broken

# So long a replaced file and the feed that states its length may disagree.
SETTLES_S = 5.0
# Enclosures that are new or changed are looked at whenever the feed is read, so many of the others in turn.
IN_TURN = 20
JOINS = ("podcast:transcript", "podcast:chapters", "podcast:alternateEnclosure", "psc:chapters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """An invariant of the design that does not hold, by its number, and what shows it."""

    invariant: int
    said: str

    def __str__(self) -> str:
        return f"invariant {self.invariant}: {self.said}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An item as it stood in the feed."""

    guid: str
    url: str
    length: str
    mime_type: str
    # what joins an episode after its sound, and never leaves it
    joined: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What a reader has seen so far."""

    reads: int = 0
    # feeds that differed from the one before
    changes: int = 0
    looked_at: int = 0
    # requests nobody answered, such as those to a server that has just been killed
    unanswered: int = 0
    # every episode that ever stood in the feed, by guid, as it stood last
    seen: Mapping[str, Seen] = field(default_factory=dict)
    violations: tuple[Violation, ...] = ()


def nobody() -> Collection[str]:
    """No episode was withdrawn."""
    return ()


class Reader:
    """Polls one feed in a thread of its own while the block lasts, or whenever `read` is called."""

    def __init__(self, fetch: Fetch, feed_url: str, *, every_s: float = 0.02, gone: Callable[[], Collection[str]] = nobody) -> None:
        self.fetch = fetch
        self.feed_url = feed_url
        self.every_s = every_s
        # guids of episodes that were withdrawn or have expired
        self.gone = gone
        self.reads = self.changes = self.looked_at = self.unanswered = 0
        self._items: dict[str, Seen] = {}
        self._violations: dict[Violation, None] = {}
        self._guid_of: dict[str, str] = {}
        self._wrong_since: dict[str, float] = {}
        self._turn: deque[str] = deque()
        self._digests: list[bytes] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reader", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """Look away; what was seen is kept."""
        self._stop.set()
        self._thread.join()

    @property
    def history(self) -> History:
        """What was seen until now."""
        return History(
            reads=self.reads, changes=self.changes, looked_at=self.looked_at, unanswered=self.unanswered, seen=dict(self._items),
            violations=tuple(self._violations),
        )  # fmt: skip

    def read(self) -> None:
        """Read the feed once, and look at what it points at."""
        answer = self._ask("GET", self.feed_url)
        if answer is None:
            return
        self.reads += 1
        if answer.status_code != 200:
            if self._digests:
                self._note(2, f"the feed answers {answer.status_code}")
            return
        due = self._due(answer.content)
        still_wrong = (self._guid_of[url] for url in self._wrong_since)
        for guid in dict.fromkeys((*due, *still_wrong)):
            self._look_at(self._items[guid])

    # ---- the feed

    def _due(self, content: bytes) -> tuple[str, ...]:
        """The guids whose enclosures are to be looked at now."""
        digest = hashlib.sha256(content).digest()
        if self._digests and digest == self._digests[-1]:
            return self._in_turn()
        if digest in self._digests:
            self._note(3, f"the feed went back to what it was {len(self._digests) - self._digests.index(digest)} changes ago")
        self._digests.append(digest)
        self.changes += 1
        try:
            found = tuple(_items_of(content))
        except (ElementTree.ParseError, AttributeError) as error:
            self._note(2, f"the feed cannot be parsed: {error}")
            return ()
        items = {item.guid: item for item in found}
        if len(items) < len(found):
            self._note(3, "two items of the feed share a guid")
        changed = tuple(guid for guid, item in items.items() if item != self._items.get(guid))
        self._compare(items)
        self._items |= items
        self._turn = deque(items)
        return (*changed, *self._in_turn())

    def _in_turn(self) -> tuple[str, ...]:
        due = tuple(self._turn)[:IN_TURN]
        self._turn.rotate(-len(due))
        return due

    def _compare(self, items: Mapping[str, Seen]) -> None:
        for guid in self._items.keys() - items.keys() - set(self.gone()):
            self._note(3, f"episode {guid} left the feed")
        for guid, item in items.items():
            before = self._items.get(guid)
            if before and before.url != item.url:
                self._note(3, f"guid {guid} had {before.url} and now has {item.url}")
            if self._guid_of.setdefault(item.url, guid) != guid:
                self._note(3, f"{item.url} was guid {self._guid_of[item.url]} and is now {guid}")
            if before and before.joined - item.joined:
                self._note(3, f"episode {guid} has lost {', '.join(sorted(before.joined - item.joined))}")

    # ---- what it points at

    def _look_at(self, item: Seen) -> None:
        answer = self._ask("HEAD", item.url)
        if answer is None:
            return
        self.looked_at += 1
        if answer.status_code != 200:
            self._note(2, f"{item.url} answers {answer.status_code}")
            return
        served = (answer.headers.get("content-length", ""), answer.headers.get("content-type", ""))
        if served == (item.length, item.mime_type):
            self._wrong_since.pop(item.url, None)
            return
        since = self._wrong_since.setdefault(item.url, time.monotonic())
        if time.monotonic() - since > SETTLES_S:
            self._note(2, f"{item.url} is {' of '.join(served)}, the feed has long stated {item.length} of {item.mime_type}")

    def _ask(self, method: str, url: str) -> Answer | None:
        try:
            return self.fetch(method, url)
        except (httpx.TransportError, Broken):
            self.unanswered += 1
            return None

    def _note(self, invariant: int, said: str) -> None:
        self._violations[Violation(invariant=invariant, said=said)] = None

    def _run(self) -> None:
        while not self._stop.is_set():
            self.read()
            self._stop.wait(self.every_s)


def _items_of(content: bytes) -> Iterator[Seen]:
    root = ElementTree.fromstring(content)
    channel: Element | None = root.find("channel")
    if root.tag != "rss" or channel is None:
        raise AttributeError("it has no rss and channel")
    for item in channel.findall("item"):
        yield Seen(
            guid=text_of(item, "guid"), url=attribute_of(item, "enclosure", "url"),
            length=attribute_of(item, "enclosure", "length"), mime_type=attribute_of(item, "enclosure", "type"),
            joined=frozenset(name for name in JOINS if item.find(path_of(name)) is not None),
        )  # fmt: skip
