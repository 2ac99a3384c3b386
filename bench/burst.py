"""A burst of rooms, posted as platforms post them: each on a connection of its own, at the moment that it ends.

One thread serves all connections with prepared bytes, so that what is measured is the door and not its visitors.
"""

import json
import selectors
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workers.hooks import sign

NOBODY = 0  # the status of a post whose connection broke before it was answered


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a platform was told; `waited_s` counts from the moment its room ended."""

    status: int
    waited_s: float
    content: bytes = b""

    @property
    def is_acknowledged(self) -> bool:
        return self.status in {200, 202}

    def json(self) -> Any:
        """The body."""
        return json.loads(self.content)


@dataclass(slots=True, kw_only=True)
class _Post:
    number: int
    due_s: float
    door: socket.socket
    unsent: memoryview
    got: bytearray = field(default_factory=bytearray)


def a_room(recording_id: str, show: str, root: str, **changed: Any) -> dict[str, Any]:
    """The manifest of an hour with four speakers, some 8 kB."""
    people = ("Amara Osei", "Jonas Lindqvist", "Priya Raman", "Tomás Núñez")
    identities = [name.split()[0].lower() for name in people]
    events = [
        {"t": 12.5 * n, "type": ("speaker_started", "speaker_stopped")[n % 2], "participant": identities[n // 2 % 4]}
        for n in range(80)
    ]
    return {
        "schema": "room-recording/1", "recording_id": recording_id, "complete": True, "root": root,
        "source": {"engine": "bench", "version": "1"},
        "room": {
            "sid": f"RM_{recording_id}", "name": "late-build", "title": f"Room {recording_id}", "show": show, "language": "en",
            "started_at": "2026-11-20T07:00:00.000Z", "ended_at": "2026-11-20T08:00:00.000Z", "description": "What broke, and why.",
        },
        "consent": {"notice_shown": True, "policy": "notice"},
        "participants": [
            {"identity": i, "name": n, "role": "speaker", "recording_consent": True}
            for i, n in zip(identities, people, strict=True)
        ],
        "files": [
            {"path": f"tracks/{i}.ogg", "kind": "track", "participant": i, "start_offset": 0.1, "duration": 3599.0}
            for i in identities
        ],
        "events": events, **changed,
    }  # fmt: skip


def request_of(manifest: Mapping[str, Any], secret: str) -> bytes:
    """The whole signed request."""
    body = json.dumps(manifest).encode()
    headers = {"Host": "127.0.0.1", "Content-Length": str(len(body)), **sign(secret, int(time.time()), body)}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST /hooks/rooms HTTP/1.1\r\n{lines}\r\n".encode() + body


def post_all(
    port: int,
    requests: Sequence[bytes],
    *,
    within_s: float = 0.0,
    gives_up_s: float = 60.0,
    meanwhile: Callable[[int], object] = lambda _answered: None,
) -> list[Answer]:
    """Post every request, evenly within that time; the answers in the order of the requests.

    `meanwhile` is told now and then how many were answered. Who has no answer after `gives_up_s` gets none.
    """
    with selectors.DefaultSelector() as open_posts:
        burst = _Burst(port, requests, within_s, open_posts)
        while len(burst.answers) < len(requests):
            burst.begin_due()
            burst.go_on()
            meanwhile(len(burst.answers))
            burst.give_up(gives_up_s)
        return [burst.answers[number] for number in range(len(requests))]


class _Burst:
    def __init__(self, port: int, requests: Sequence[bytes], within_s: float, open_posts: selectors.BaseSelector) -> None:
        self.port, self.requests, self.open_posts = port, requests, open_posts
        starts_at = time.perf_counter() + 0.05
        self.due = [starts_at + within_s * n / len(requests) for n in range(len(requests))]
        self.begun = 0
        self.answers: dict[int, Answer] = {}

    def begin_due(self) -> None:
        """Connect for every room that has ended by now."""
        while self.begun < len(self.requests) and self.due[self.begun] <= time.perf_counter():
            number = self.begun
            self.begun += 1
            door = socket.socket()
            door.setblocking(False)
            door.connect_ex(("127.0.0.1", self.port))
            post = _Post(number=number, due_s=self.due[number], door=door, unsent=memoryview(self.requests[number]))
            self.open_posts.register(door, selectors.EVENT_WRITE, post)

    def go_on(self) -> None:
        """Send and read where that is possible; waits for the next room to end when nothing is."""
        next_s = self.due[self.begun] - time.perf_counter() if self.begun < len(self.requests) else 0.1
        for key, events in self.open_posts.select(max(0.0, min(next_s, 0.1))):
            try:
                self._send(key.data) if events & selectors.EVENT_WRITE else self._read(key.data)
            except OSError:
                self._end(key.data, NOBODY)

    def give_up(self, after_s: float) -> None:
        """Whoever has waited for so long is told nothing."""
        now_s = time.perf_counter()
        if self.begun and now_s > self.due[0] + after_s:
            late = [key.data for key in self.open_posts.get_map().values() if now_s > key.data.due_s + after_s]
            for post in late:
                self._end(post, NOBODY)

    def _send(self, post: _Post) -> None:
        post.unsent = post.unsent[post.door.send(post.unsent) :]
        if not post.unsent:
            self.open_posts.modify(post.door, selectors.EVENT_READ, post)

    def _read(self, post: _Post) -> None:
        some = post.door.recv(65536)
        post.got += some
        head, blank, content = bytes(post.got).partition(b"\r\n\r\n")
        if not some:
            self._end(post, NOBODY)
        elif blank and len(content) >= _length_of(head):
            self._end(post, int(head.split(b" ", 2)[1]), content)

    def _end(self, post: _Post, status: int, content: bytes = b"") -> None:
        self.open_posts.unregister(post.door)
        post.door.close()
        waited_s = time.perf_counter() - post.due_s
        self.answers[post.number] = Answer(status=status, waited_s=waited_s, content=content)


def _length_of(head: bytes) -> int:
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return int(lengths[0])
