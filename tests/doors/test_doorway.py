"""However much is posted, memory stays bounded: large bodies share an allowance, and never keep small ones out."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from in_a_loop import in_a_loop
from pydantic import SecretStr

from workers.doorway import SMALL_BYTES
from workers.hooks import HookConfig, hook_router, sign
from workers.intake import Accepted
from workers.places import Places

NOW, SECRET = 1_795_163_947, "a long secret"
Manifest = dict[str, Any]


class Door:
    """The door, with an intake that answers when it is told to."""

    def __init__(self, folder: Path) -> None:
        self.answers: list[Future[Accepted]] = []
        config = HookConfig(secrets=(SecretStr(SECRET),), public_url="https://pod.example", places=Places.of([str(folder)], []))
        self.app = FastAPI()
        self.app.include_router(hook_router(self.accept, lambda _run: None, config, now=lambda: float(NOW)))

    def accept(self, *_: object) -> Future[Accepted]:
        self.answers.append(Future())
        return self.answers[-1]

    def let_in(self) -> None:
        for answer in self.answers:
            if not answer.done():
                answer.set_result(Accepted(run="EG_abc", episode_guid="guid", show_slug="tuesday", known=False))

    def visited(self, visit: Callable[[httpx.AsyncClient], Coroutine[Any, Any, None]]) -> None:
        async def visited() -> None:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="https://pod.example") as client:
                await visit(client)

        in_a_loop(visited())


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(tmp_path)


def room(manifest: Manifest, size_bytes: int = 0) -> bytes:
    body = json.dumps(manifest).encode()
    return body + b" " * (size_bytes - len(body))


def posted(client: httpx.AsyncClient, body: bytes) -> "asyncio.Task[httpx.Response]":
    return asyncio.create_task(client.post("/hooks/rooms", content=body, headers=sign(SECRET, NOW, body)))


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not is_so():
            await asyncio.sleep(0.005)


def test_large_bodies_over_the_allowance_are_sent_away_and_small_ones_come_in(door: Door, manifest: Manifest) -> None:
    large, small = room(manifest, 16 << 20), room(manifest)

    async def visit(client: httpx.AsyncClient) -> None:
        inside = [posted(client, large) for _ in range(4)]
        await until(lambda: len(door.answers) == 4)
        sent_away = await posted(client, large)
        assert (sent_away.status_code, sent_away.headers["Retry-After"]) == (503, "10")
        assert sent_away.json()["error"]["code"] == "crowded"
        little = posted(client, small)
        await until(lambda: len(door.answers) == 5)
        door.let_in()
        assert {(await each).status_code for each in [*inside, little]} == {202}
        again = posted(client, large)
        await until(lambda: len(door.answers) == 6)
        door.let_in()
        assert (await again).status_code == 202

    door.visited(visit)


def test_what_is_refused_leaves_its_place(door: Door, manifest: Manifest) -> None:
    large = room({**manifest, "schema": "other"}, 16 << 20)

    async def visit(client: httpx.AsyncClient) -> None:
        assert [(await posted(client, large)).status_code for _ in range(10)] == [422] * 10

    door.visited(visit)


def test_more_rooms_than_there_are_places_are_sent_away(
    door: Door, manifest: Manifest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("workers.doorway.ROOMS", 3)
    door = Door(tmp_path)

    async def visit(client: httpx.AsyncClient) -> None:
        inside = [posted(client, room(manifest)) for _ in range(3)]
        await until(lambda: len(door.answers) == 3)
        assert (await posted(client, room(manifest))).json()["error"]["code"] == "crowded"
        door.let_in()
        assert {(await each).status_code for each in inside} == {202}

    door.visited(visit)


def test_who_waits_too_long_is_told_to_come_again(door: Door, manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.hooks.ANSWER_S", 0.05)

    async def visit(client: httpx.AsyncClient) -> None:
        answer = await posted(client, room(manifest))
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
        assert answer.json()["error"]["code"] == "database_busy"

    door.visited(visit)


def test_a_room_that_nobody_waits_for_any_longer_keeps_its_place_until_it_is_in(
    manifest: Manifest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """However often a platform comes again while the database is away, what waits inside is bounded."""
    monkeypatch.setattr("workers.doorway.ROOMS", 3)
    monkeypatch.setattr("workers.hooks.ANSWER_S", 0.02)
    door = Door(tmp_path)

    async def visit(client: httpx.AsyncClient) -> None:
        codes = [(await posted(client, room(manifest))).json()["error"]["code"] for _ in range(5)]
        assert codes == ["database_busy"] * 3 + ["crowded"] * 2
        door.let_in()
        await asyncio.sleep(0)
        assert (await posted(client, room(manifest))).json()["error"]["code"] == "database_busy"

    door.visited(visit)


def test_a_body_that_trickles_does_not_hold_its_place_for_ever(
    door: Door, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.doorway.BODY_S", 0.1)

    async def trickle() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.01)

    async def visit(client: httpx.AsyncClient) -> None:
        answer = await client.post("/hooks/rooms", content=trickle(), headers=sign(SECRET, NOW, b""))
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "too_slow")

    door.visited(visit)


def test_a_body_larger_than_small_is_read_as_well_as_any(door: Door, manifest: Manifest) -> None:
    async def visit(client: httpx.AsyncClient) -> None:
        answer = posted(client, room(manifest, 2 * SMALL_BYTES))
        await until(lambda: len(door.answers) == 1)
        door.let_in()
        assert (await answer).json()["run"] == "EG_abc"

    door.visited(visit)
