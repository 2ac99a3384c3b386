"""One installation over many hosts: its house as the trial sees it, the door its rooms come by, and the hosts that work."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from bench.trial.evidence import Evidence
from bench.trial.hosts import Host, Plan, stop_all
from bench.trial.looks import hands_of, is_quiet
from bench.trial.quick import sound_of
from bench.trial.reader import History
from bench.trial.servers import free_port
from bench.trial.services import Services, Wanted, services
from workers.hooks import sign
from workers.house import House
from workers.settings import PREFIX, Settings
from workers.wiring import open_house

SECRET = "a secret of this trial"
STARTED_AT = datetime(2026, 11, 20, 19, 0, tzinfo=UTC)
ROOM_MINUTES = 45.0
LOOK_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Everything a trial holds in its hands."""

    folder: Path
    house: House
    services: Services
    settings: Mapping[str, str]
    url: str
    hosts: list[Host] = field(default_factory=list)
    # seconds each acknowledgement took, by recording id
    acknowledged: dict[str, float] = field(default_factory=dict)
    _client: httpx.Client
    _stack: ExitStack

    def host(self, name: str, plan: Plan) -> Host:
        """A host, started; it ends with the trial."""
        folder = self.folder / "hosts" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "quick").symlink_to(self.folder / "quick")
        host = Host(name, folder, plan, environment_of({**self.settings, **plan.settings, "data_dir": str(folder)}))
        self.hosts.append(host)
        self._stack.callback(host.kill)
        host.start()
        return host

    def crew(self, count: int, plan: Plan) -> list[Host]:
        """So many hosts of that plan, all of them at work."""
        hosts = [self.host(f"host-{len(self.hosts) + 1}", plan) for _ in range(count)]
        self.until_working(hosts)
        return hosts

    def until_working(self, hosts: Sequence[Host]) -> None:
        """Wait until their hands are known to the ledger."""
        until(lambda: self._work(hosts), f"{len(hosts)} hosts do not begin to work")

    def _work(self, hosts: Sequence[Host]) -> bool:
        hands = hands_of(self.house.database)
        return all({queue for pid, queue in hands if host.has(pid)} >= host.queues for host in hosts)

    def post(self, room: Mapping[str, Any]) -> str:
        """Tell of a finished room as a platform does, again and again until it is acknowledged; its recording id."""
        body = json.dumps(room).encode()
        began = time.monotonic()
        until(lambda: self._posted(body), "the door does not take a room in")
        run = str(room["recording_id"])
        self.acknowledged[run] = time.monotonic() - began
        return run

    def post_all(self, rooms: Iterable[Mapping[str, Any]]) -> list[str]:
        """The same for many that end together; their recording ids, in order."""
        with ThreadPoolExecutor(16) as hands:
            return list(hands.map(self.post, rooms))

    def until_quiet(self, within_s: float = 600.0) -> float:
        """Wait until no job is left and every feed shows its newest revision; seconds it took."""
        began = time.monotonic()
        until(lambda: is_quiet(self.house.database), "the rooms are not done", within_s)
        return time.monotonic() - began

    def at_rest(self, histories: Sequence[History] = ()) -> Evidence:
        """Every host is asked to end, what nobody completed is tidied away, and this is what they leave behind.

        Who was killed and has not come back keeps its scratch until it does.
        """
        alive = [host for host in self.hosts if host.is_running()]
        stop_all(alive)
        for store in (self.house.public, self.house.private):
            store.tidy(0.0)
        return Evidence(
            house=self.house, acknowledged=tuple(self.acknowledged), histories=histories,
            scratches=tuple(host.scratch for host in alive), logs=tuple(host.log for host in self.hosts),
        )  # fmt: skip

    def _posted(self, body: bytes) -> bool:
        with suppress(httpx.TransportError):
            headers = sign(SECRET, int(time.time()), body)
            return self._client.post(f"{self.url}/hooks/rooms", content=body, headers=headers).is_success
        return False


@contextmanager
def fleet(folder: Path, wanted: Wanted, settings: Mapping[str, str] | None = None) -> Iterator[Fleet]:
    """An installation with its services and its door, and no host yet; everything of it ends with the block."""
    with ExitStack() as stack:
        (folder / "rooms").mkdir()
        there = stack.enter_context(services(wanted, folder))
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        told = {
            **there.settings, "data_dir": str(folder), "public_url": url, "hooks.secret": SECRET,
            "hooks.roots": str(folder / "rooms"), "hooks.unknown_show": "create", "speech.engine": "none", **(settings or {}),
        }  # fmt: skip
        house = stack.enter_context(open_house(settings_of(told)))
        sound_of(house)
        stack.enter_context(_door(folder, port, told))
        client = stack.enter_context(httpx.Client(trust_env=False, timeout=60.0))
        until(lambda: _answers(client, url), "the door does not open")
        yield Fleet(folder=folder, house=house, services=there, settings=told, url=url, _client=client, _stack=stack)


@contextmanager
def _door(folder: Path, port: int, settings: Mapping[str, str]) -> Iterator[None]:
    with (folder / "door.log").open("ab") as log:
        command = [sys.executable, "-m", "workers.cli", "serve", "--port", str(port)]
        serving = subprocess.Popen(command, env=environment_of(settings), stdout=log, stderr=log)
    try:
        yield
    finally:
        serving.kill()
        serving.wait()


def _answers(client: httpx.Client, url: str) -> bool:
    with suppress(httpx.TransportError):
        return client.get(f"{url}/healthz").is_success
    return False


# ---- settings


def settings_of(told: Mapping[str, str]) -> Settings:
    """Settings by their dotted names, as one value."""
    nested: dict[str, Any] = {}
    for key, value in told.items():
        section, _, name = key.rpartition(".")
        (nested.setdefault(section, {}) if section else nested)[name] = value
    return Settings(**nested)


def environment_of(told: Mapping[str, str]) -> dict[str, str]:
    """What a process is told: this environment, with those settings and no others."""
    here = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    ours = {PREFIX + key.replace(".", "__").upper(): value for key, value in told.items()}
    return {**here, "PYTHONPATH": str(Path(__file__).parents[2]), "HF_HUB_OFFLINE": "1", **ours}


# ---- rooms


def a_room(recording_id: str, show: str, minutes: float = ROOM_MINUTES) -> dict[str, Any]:
    """A finished room as its platform tells of it; quick hosts never ask for its file."""
    ended_at = STARTED_AT + timedelta(minutes=minutes)
    return {
        "schema": "room-recording/1", "recording_id": recording_id, "complete": True, "source": {"engine": "trial"},
        "room": {
            "sid": f"RM_{recording_id}", "name": show, "title": f"Room {recording_id}", "show": show,
            "started_at": STARTED_AT.isoformat(), "ended_at": ended_at.isoformat(), "access": "public", "distribution": "auto",
        },
        "consent": {"notice_shown": True, "policy": "notice"},
        "files": [{"path": "mix.ogg", "kind": "mix", "start_offset": 0.0}],
    }  # fmt: skip


# ---- waiting


def until(is_so: Any, otherwise: str, within_s: float = 120.0) -> float:
    """Wait until it is so; seconds it took. Raises `TimeoutError` with the words."""
    began = time.monotonic()
    while not is_so():
        if time.monotonic() - began > within_s:
            raise TimeoutError(f"{otherwise} within {within_s:.0f} s")
        time.sleep(LOOK_S)
    return time.monotonic() - began
