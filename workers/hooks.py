"""The HTTP door for rooms: POST /hooks/rooms takes a signed `room.json` and answers before any of its files is touched."""

import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import SecretStr

from pipeline.errors import AircheckError, Refused
from pipeline.models import Recording
from workers.fields import LIMIT_BYTES
from workers.intake import Accepted
from workers.places import Places
from workers.rooms import Root, generic
from workers.sections import ShowRule, show_for
from workers.settings import Settings

TIMESTAMP, SIGNATURE = "X-Aircheck-Timestamp", "X-Aircheck-Signature"
SLACK_S = 300
STATUS = {"unsigned": 401, "too_large": 413}

Accept = Callable[[Recording, Root], Accepted]
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
    """The door. `accept` makes sure of the recording in one transaction; what it raises is the answer.

    The address in `status_url` tells whoever was given it how its run stands, and nobody else.
    """
    router = APIRouter()

    @router.get("/api/v1/runs/{run:path}")
    def follow(run: str, key: str = "") -> JSONResponse:
        keys = [_status_key(secret, run) for secret in config.secrets]
        known = status(run) if any(hmac.compare_digest(key.encode(), right.encode()) for right in keys) else None
        if known is None:
            return JSONResponse({"error": {"code": "unknown_run", "message": "there is no such run"}}, status_code=404)
        return JSONResponse(dict(known), headers={"Cache-Control": "no-store"})

    @router.post("/hooks/rooms", status_code=202)
    async def rooms(request: Request) -> JSONResponse:
        try:
            stamp, signature = _headers(request, config, now())
            body = await _body(request)
            _check_signature(config.secrets, stamp, body, signature)
            accepted = await run_in_threadpool(_handed_over, body, config, accept)
        except AircheckError as error:
            return _error(error)
        return _receipt(accepted, config)

    return router


def sign(secret: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers that a platform sends with the body at that time, in unix seconds."""
    return {
        TIMESTAMP: str(timestamp),
        SIGNATURE: f"sha256={_mac(secret, str(timestamp), body)}",
        "Content-Type": "application/json",
    }


def _mac(secret: str, stamp: str, body: bytes) -> str:
    return hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()


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


async def _body(request: Request) -> bytes:
    """The whole body; refused as soon as it is too large, whatever its length was said to be."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LIMIT_BYTES:
            raise Refused(f"more than {LIMIT_BYTES:,} bytes; post less, or fewer events", code="too_large")
    return bytes(body)


def _check_signature(secrets: tuple[SecretStr, ...], stamp: str, body: bytes, signature: str) -> None:
    matches = [hmac.compare_digest(_mac(secret.get_secret_value(), stamp, body), signature) for secret in secrets]
    if not any(matches):
        raise _unsigned('the signature does not fit; it is hex HMAC-SHA256 of timestamp + "." + body under hooks.secret')


def _unsigned(message: str) -> Refused:
    return Refused(message, code="unsigned")


def _handed_over(body: bytes, config: HookConfig, accept: Accept) -> Accepted:
    gathered = generic.understand(body, config.places)
    return accept(show_for(gathered.recording, gathered.metadata, config.shows), gathered.root)


def _receipt(accepted: Accepted, config: HookConfig) -> JSONResponse:
    key = _status_key(config.secrets[0], accepted.run)
    status_url = f"{config.public_url}/api/v1/runs/{quote(accepted.run, safe='')}?key={key}"
    content = {"run": accepted.run, "episode": accepted.episode_guid, "status_url": status_url}
    return JSONResponse(content, status_code=200 if accepted.known else 202)


def _error(error: AircheckError) -> JSONResponse:
    content = {"error": {"code": error.code, "message": str(error)}}
    if isinstance(error, Refused) or error.code == "still_recording":
        return JSONResponse(content, status_code=STATUS.get(error.code, 422))
    return JSONResponse(content, status_code=503, headers={"Retry-After": "10"})
