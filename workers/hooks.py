"""The HTTP door for rooms: POST /hooks/rooms takes a signed `room.json` and answers before any of its files is touched."""

import asyncio
import hashlib
import hmac
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import SecretStr

from pipeline.errors import AircheckError, Hindered, Refused
from pipeline.models import Recording
from workers.doorway import SMALL_BYTES, Doorway
from workers.fields import LIMIT_BYTES
from workers.intake import Accepted
from workers.places import Places
from workers.rooms import Root, generic
from workers.sections import ShowRule, show_for
from workers.settings import Settings

TIMESTAMP, SIGNATURE = "X-Aircheck-Timestamp", "X-Aircheck-Signature"
SLACK_S = 300
# the longest that a platform waits for its answer once its room has arrived
ANSWER_S = 10.0
RETRY_AFTER_S = "10"
STATUS = {"unsigned": 401, "too_large": 413}

log = structlog.get_logger(__name__)

# Takes a recording in; the answer, or its error, comes once it is on the disk.
Accept = Callable[[Recording, Root], Future[Accepted]]
# What a platform may know of its own run; None where there is no such run.
Status = Callable[[str], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class HookConfig:
    """Several secrets are alive while one replaces the other; none closes the door."""

    secrets: tuple[SecretStr, ...]
    public_url: str
    places: Places = field(default_factory=Places)
    shows: tuple[ShowRule, ...] = ()

    @classmethod
    def of(cls, settings: Settings) -> "HookConfig":
        """What the settings say."""
        hooks = settings.hooks
        secrets = tuple(SecretStr(line.strip()) for line in hooks.secret.get_secret_value().splitlines() if line.strip())
        places = Places.of(hooks.roots, hooks.allowed_hosts)
        return cls(secrets=secrets, public_url=settings.public_url, places=places, shows=hooks.shows)


def hook_router(accept: Accept, status: Status, config: HookConfig, now: Callable[[], float] = time.time) -> APIRouter:
    """The door. What `accept` makes of a recording is the answer, its error too.

    The address in `status_url` tells whoever was given it how its run stands, and nobody else.
    """
    entry = Entry(accept, config, now)
    router = APIRouter()

    @router.get("/api/v1/runs/{run:path}")
    def follow(run: str, key: str = "") -> JSONResponse:
        keys = [_status_key(secret, run) for secret in config.secrets]
        known = status(run) if any(hmac.compare_digest(key.encode(), right.encode()) for right in keys) else None
        if known is None:
            return JSONResponse({"error": {"code": "unknown_run", "message": "there is no such run"}}, status_code=404)
        return JSONResponse(dict(known), headers={"Cache-Control": "no-store"})

    router.add_route("/hooks/rooms", entry.rooms, methods=["POST"])
    return router


class Entry:
    """Where rooms are posted. A burst of them comes at once, so that nothing here is done twice or waits in a thread."""

    def __init__(self, accept: Accept, config: HookConfig, now: Callable[[], float]) -> None:
        self._accept, self._config, self._now = accept, config, now
        self._doorway = Doorway(limit_bytes=LIMIT_BYTES)
        # what a large body becomes while it is read is many times its size: one after another
        self._one_large = asyncio.Lock()

    async def rooms(self, request: Request) -> Response:
        """Take a signed room in and give the receipt for it."""
        try:
            stamp, signature = _headers(request, self._config, self._now())
            with self._doorway.place() as place:
                body = await place.body(request)
                recording, root = await self._understood(body, stamp, signature)
                answer = asyncio.wrap_future(self._accept(recording, root))
                place.keep_until(answer)
                with structlog.contextvars.bound_contextvars(recording=recording.recording_id):
                    return _receipt(await _told(_in_time(answer)), self._config)
        except AircheckError as error:
            return _error(error)

    async def _understood(self, body: bytes, stamp: str, signature: str) -> tuple[Recording, Root]:
        if len(body) <= SMALL_BYTES:
            return _handed_over(self._config, stamp, body, signature)
        async with self._one_large:
            return await run_in_threadpool(_handed_over, self._config, stamp, body, signature)


async def _told(answer: Awaitable[Accepted]) -> Accepted:
    """The answer, and a line of it in the log."""
    try:
        accepted = await answer
    except AircheckError as error:
        log.warning("not_accepted", code=error.code, error=str(error))
        raise
    log.info("known" if accepted.known else "accepted", show=accepted.show_slug, held=accepted.held)
    return accepted


async def _in_time(answer: "asyncio.Future[Accepted]") -> Accepted:
    """The answer; whoever has waited long enough is told to come again, and the room goes its way without them."""
    await asyncio.wait([answer], timeout=ANSWER_S)
    if not answer.done():
        raise Hindered(f"it is not on the disk after {ANSWER_S:.0f} s; send it again", code="database_busy")
    return answer.result()


def sign(secret: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers that a platform sends with the body at that time, in unix seconds."""
    return {
        TIMESTAMP: str(timestamp),
        SIGNATURE: f"sha256={_mac(secret, str(timestamp), body)}",
        "Content-Type": "application/json",
    }


def _mac(secret: str, stamp: str, body: bytes) -> str:
    mac = hmac.new(secret.encode(), f"{stamp}.".encode(), hashlib.sha256)
    mac.update(body)
    return mac.hexdigest()


def _status_key(secret: SecretStr, run: str) -> str:
    return _mac(secret.get_secret_value(), "status", run.encode())[:32]


def _headers(request: Request, config: HookConfig, now_s: float) -> tuple[str, str]:
    """Timestamp and signature, checked as far as can be without the body."""
    if not config.secrets:
        raise _unsigned("this door is closed: no hooks.secret is set")
    stamp = _only(request, TIMESTAMP, r"[0-9]{1,12}", "unix seconds")
    signature = _only(request, SIGNATURE, r"sha256=[0-9a-f]{64}", "sha256= and 64 hex digits")
    if abs(now_s - int(stamp)) > SLACK_S:
        raise _unsigned(f"{TIMESTAMP} is {abs(now_s - int(stamp)):,.0f} s from our clock; {SLACK_S} are allowed")
    return stamp, signature.removeprefix("sha256=")


def _only(request: Request, name: str, form: str, words: str) -> str:
    values = request.headers.getlist(name)
    if len(values) != 1 or not re.fullmatch(form, values[0]):
        raise _unsigned(f"exactly one {name} is needed: {words}")
    return values[0]


def _check_signature(secrets: tuple[SecretStr, ...], stamp: str, body: bytes, signature: str) -> None:
    matches = [hmac.compare_digest(_mac(secret.get_secret_value(), stamp, body), signature) for secret in secrets]
    if not any(matches):
        raise _unsigned('the signature does not fit; it is hex HMAC-SHA256 of timestamp + "." + body under hooks.secret')


def _unsigned(message: str) -> Refused:
    return Refused(message, code="unsigned")


def _handed_over(config: HookConfig, stamp: str, body: bytes, signature: str) -> tuple[Recording, Root]:
    _check_signature(config.secrets, stamp, body, signature)
    gathered = generic.understand(body, config.places)
    return show_for(gathered.recording, gathered.metadata, config.shows), gathered.root


def _receipt(accepted: Accepted, config: HookConfig) -> JSONResponse:
    key = _status_key(config.secrets[0], accepted.run)
    status_url = f"{config.public_url}/api/v1/runs/{quote(accepted.run, safe='')}?key={key}"
    content = {"run": accepted.run, "episode": accepted.episode_guid, "status_url": status_url}
    return JSONResponse(content, status_code=200 if accepted.known else 202)


def _error(error: AircheckError) -> JSONResponse:
    content = {"error": {"code": error.code, "message": str(error)}}
    if isinstance(error, Refused) or error.code == "still_recording":
        return JSONResponse(content, status_code=STATUS.get(error.code, 422))
    return JSONResponse(content, status_code=503, headers={"Retry-After": RETRY_AFTER_S})
