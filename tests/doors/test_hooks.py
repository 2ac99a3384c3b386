"""POST /hooks/rooms: who gets in, who does not, and what is answered."""

import json
from collections.abc import AsyncIterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from in_a_loop import in_a_loop
from pydantic import SecretStr

from pipeline.errors import Broken, Refused
from pipeline.models import Recording
from workers.hooks import SIGNATURE, SLACK_S, TIMESTAMP, HookConfig, hook_router, sign
from workers.intake import Accepted
from workers.places import Places
from workers.sections import ShowRule

NOW = 1_795_163_947
SECRET = "a long secret"
Manifest = dict[str, Any]


class Door:
    """The door with an intake that remembers what it was handed."""

    def __init__(self, tmp_path: Path, secrets: tuple[str, ...] = (SECRET,), shows: tuple[ShowRule, ...] = ()) -> None:
        self.taken: list[tuple[Recording, str]] = []
        self.trouble: Exception | None = None
        config = HookConfig(
            secrets=tuple(SecretStr(s) for s in secrets), public_url="https://pod.example",
            places=Places.of([str(tmp_path)], []), shows=shows,
        )  # fmt: skip
        self.app = FastAPI()
        self.app.include_router(hook_router(self.accept, self.status, config, now=lambda: float(NOW)))

    def accept(self, recording: Recording, root: str) -> Future[Accepted]:
        answer = Future[Accepted]()
        if self.trouble:
            answer.set_exception(self.trouble)
            return answer
        known = recording.recording_id in {r.recording_id for r, _ in self.taken}
        self.taken.append((recording, root))
        answer.set_result(Accepted(run=recording.recording_id, episode_guid="guid-1", show_slug=recording.show, known=known))
        return answer

    def status(self, run: str) -> dict[str, str] | None:
        return {"run": run, "state": "working"} if run in {r.recording_id for r, _ in self.taken} else None

    def post(self, body: Any, headers: Any) -> httpx.Response:
        return self.ask("POST", "/hooks/rooms", content=body, headers=headers)

    def ask(self, method: str, address: str, **request: Any) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="https://pod.example") as client:
                return await client.request(method, address, **request)

        return in_a_loop(asked())


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(tmp_path)


def test_a_signed_room_is_accepted_and_told_its_run(door: Door, manifest: Manifest, tmp_path: Path) -> None:
    body = json.dumps(manifest).encode()
    answer = door.post(body, sign(SECRET, NOW, body))
    assert answer.status_code == 202
    assert (answer.json()["run"], answer.json()["episode"]) == ("EG_abc", "guid-1")
    recording, root = door.taken[0]
    assert (recording.recording_id, root) == ("EG_abc", tmp_path.as_uri())


def test_the_status_address_tells_its_own_run_to_whoever_has_it_and_to_nobody_else(door: Door, manifest: Manifest) -> None:
    body = json.dumps(manifest).encode()
    address = door.post(body, sign(SECRET, NOW, body)).json()["status_url"]
    assert address.startswith("https://pod.example/api/v1/runs/EG_abc?key=")
    assert door.ask("GET", address).json() == {"run": "EG_abc", "state": "working"}
    for other in (address.partition("?")[0], address[:-1] + "é", address.replace("EG_abc", "EG_abd")):
        assert door.ask("GET", other).status_code == 404


def test_the_same_room_again_is_known(door: Door, manifest: Manifest) -> None:
    body = json.dumps(manifest).encode()
    first, second = (door.post(body, sign(SECRET, NOW, body)) for _ in range(2))
    assert (first.status_code, second.status_code) == (202, 200)
    assert first.json() == second.json()


def test_the_rules_name_the_show_that_the_room_does_not(tmp_path: Path, manifest: Manifest) -> None:
    rules = (ShowRule(show="radio", metadata={"team": "radio"}), ShowRule(show="weekly", room="tuesday-*"))
    door = Door(tmp_path, shows=rules)
    del manifest["room"]["show"]
    for number, metadata in enumerate(({"team": "radio"}, {"team": "tv"}, None)):
        body = json.dumps({**manifest, "recording_id": f"r{number}", "room": {**manifest["room"], "metadata": metadata}}).encode()
        assert door.post(body, sign(SECRET, NOW, body)).status_code == 202
    body = json.dumps({**manifest, "room": {**manifest["room"], "show": "mine"}}).encode()
    door.post(body, sign(SECRET, NOW, body))
    assert [recording.show for recording, _ in door.taken] == ["radio", "weekly", "weekly", "mine"]


def forged(body: bytes) -> dict[str, list[tuple[str, str]]]:
    """Every way of not being signed that we know."""
    good = sign(SECRET, NOW, body)
    stamp, signature = (TIMESTAMP, good[TIMESTAMP]), (SIGNATURE, good[SIGNATURE])
    no_stamp_in_mac = sign(SECRET, 0, body)[SIGNATURE]
    return {
        "no headers": [],
        "no timestamp": [signature],
        "no signature": [stamp],
        "an old timestamp": list(sign(SECRET, NOW - SLACK_S - 1, body).items()),
        "a timestamp to come": list(sign(SECRET, NOW + SLACK_S + 1, body).items()),
        "a timestamp outside the signature": [(TIMESTAMP, str(NOW)), (SIGNATURE, no_stamp_in_mac)],
        "another timestamp": [(TIMESTAMP, str(NOW + 1)), signature],
        "a timestamp in words": [(TIMESTAMP, "now"), signature],
        "a timestamp with a fraction": [(TIMESTAMP, f"{NOW}.0"), signature],
        "a negative timestamp": [(TIMESTAMP, f"-{NOW}"), signature],
        "an endless timestamp": [(TIMESTAMP, "9" * 5000), signature],
        "a timestamp in other digits": [(TIMESTAMP, str(NOW).replace("1", "\u0661")), signature],
        "two timestamps": [stamp, stamp, signature],
        "two signatures": [stamp, signature, signature],
        "a good and a bad signature": [stamp, (SIGNATURE, "sha256=" + "0" * 64), signature],
        "another secret": list(sign("guess", NOW, body).items()),
        "an empty secret": list(sign("", NOW, body).items()),
        "a signature without its kind": [stamp, (SIGNATURE, good[SIGNATURE].removeprefix("sha256="))],
        "another kind": [stamp, (SIGNATURE, good[SIGNATURE].replace("sha256", "sha1"))],
        "a cut signature": [stamp, (SIGNATURE, good[SIGNATURE][:-2])],
        "a longer signature": [stamp, (SIGNATURE, good[SIGNATURE] + "00")],
        "capitals": [stamp, (SIGNATURE, "sha256=" + good[SIGNATURE][7:].upper())],
        "the signature of another body": [stamp, (SIGNATURE, sign(SECRET, NOW, body + b" ")[SIGNATURE])],
    }


@pytest.mark.parametrize("name", forged(b""))
def test_who_is_not_signed_stays_outside(door: Door, manifest: Manifest, name: str) -> None:
    body = json.dumps(manifest).encode()
    headers = [(key.encode(), value.encode()) for key, value in forged(body)[name]]
    answer = door.post(body, headers)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "unsigned"
    assert SECRET not in answer.text
    assert door.taken == []


def test_a_timestamp_at_the_edge_is_believed(door: Door, manifest: Manifest) -> None:
    body = json.dumps(manifest).encode()
    assert door.post(body, sign(SECRET, NOW - SLACK_S, body)).status_code == 202
    assert door.post(body, sign(SECRET, NOW + SLACK_S, body)).status_code == 200


def test_while_the_secret_changes_both_are_alive(tmp_path: Path, manifest: Manifest) -> None:
    door = Door(tmp_path, secrets=("new", "old"))
    body = json.dumps(manifest).encode()
    assert [door.post(body, sign(secret, NOW, body)).status_code for secret in ("old", "new", "older")] == [202, 200, 401]


def test_without_a_secret_the_door_is_closed_and_says_so(tmp_path: Path, manifest: Manifest) -> None:
    door = Door(tmp_path, secrets=())
    body = json.dumps(manifest).encode()
    answer = door.post(body, sign("", NOW, body))
    assert answer.status_code == 401
    assert "no hooks.secret is set" in answer.json()["error"]["message"]


def test_too_much_is_refused_while_it_is_read(door: Door) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 1 << 30:
            sent += 1 << 20
            yield b" " * (1 << 20)

    answer = door.post(endless(), sign(SECRET, NOW, b""))
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too_large"
    assert sent <= 20 << 20


def test_sixteen_megabytes_are_allowed(door: Door, manifest: Manifest) -> None:
    body = json.dumps(manifest).encode()
    body += b" " * ((16 << 20) - len(body))
    assert door.post(body, sign(SECRET, NOW, body)).status_code == 202


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "bad_json"), (b"{", "bad_json"), (b"[]", "bad_manifest"), (b"\xff", "bad_json"), (b"{}", "bad_manifest"),
        (b'{"schema": "room-recording/9"}', "unknown_schema"),
    ],
)  # fmt: skip
def test_a_signed_body_that_is_no_room_is_refused(door: Door, body: bytes, code: str) -> None:
    answer = door.post(body, sign(SECRET, NOW, body))
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)


@pytest.mark.parametrize(
    ("trouble", "status"),
    [
        (Refused("there is no show 'x'", code="unknown_show"), 422),
        (Broken("the database does not answer", code="database"), 503),
    ],
)
def test_what_the_intake_says_is_the_answer(door: Door, manifest: Manifest, trouble: Exception, status: int) -> None:
    door.trouble = trouble
    body = json.dumps(manifest).encode()
    answer = door.post(body, sign(SECRET, NOW, body))
    assert (answer.status_code, answer.json()["error"]["message"]) == (status, str(trouble))


def test_a_room_that_is_not_complete_is_refused_until_it_is(door: Door, manifest: Manifest) -> None:
    manifest["complete"] = False
    body = json.dumps(manifest).encode()
    answer = door.post(body, sign(SECRET, NOW, body))
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "still_recording")


def test_a_folder_elsewhere_is_refused_at_the_door(door: Door, manifest: Manifest) -> None:
    body = json.dumps({**manifest, "root": "/etc"}).encode()
    answer = door.post(body, sign(SECRET, NOW, body))
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "bad_root")
    assert door.taken == []
