"""What keeps strangers out of the studio: headers, secrets kept as hashes, forms that only our own pages can send."""

import hashlib
import hmac
import logging
import re
from urllib.parse import urlsplit

from fastapi import HTTPException
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FORM_BYTES = 16 * 1024

_SECRET = re.compile(r"(/studio/login/|/private/)[^/\s?\"]+")

_STUDIO_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; img-src 'self' data:"
    ),
    "Referrer-Policy": "same-origin",  # "no-referrer" would turn the Origin of our own forms into "null"
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}


class Guarded:
    """Every answer gets `nosniff`; those of the studio also its policy, and are kept by nobody unless they say so."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                guard(MutableHeaders(scope=message), scope["path"])
            await send(message)

        return await self.app(scope, receive, guarded)


def guard(headers: MutableHeaders, path: str) -> None:
    """Write the policy into the headers of an answer at that address."""
    headers["X-Content-Type-Options"] = "nosniff"
    if path == "/studio" or path.startswith("/studio/"):
        headers.setdefault("Cache-Control", "no-store")
        for name, value in _STUDIO_HEADERS.items():
            headers[name] = value


def hashed(token: str) -> str:
    """What we keep of a secret."""
    return hashlib.sha256(token.encode()).hexdigest()


def form_mark(token: str) -> str:
    """What a form must carry to be ours; it follows from the secret that its page was opened with."""
    return hmac.digest(token.encode(), b"aircheck form", "sha256").hex()


async def check_form(request: Request, token: str) -> None:
    """Refuse (403) a form that was not sent by a page of ours."""
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or int(length) > FORM_BYTES:
        raise HTTPException(413, "This form is larger than any of ours.")
    async with request.form() as form:
        mark = form.get("mark")
    if not is_own_origin(request) or not isinstance(mark, str) or not hmac.compare_digest(mark.encode(), form_mark(token).encode()):
        raise HTTPException(403, "This form did not come from a page of this studio. Go back, reload the page and try again.")


def is_own_origin(request: Request) -> bool:
    """Whether a browser says that the request comes from a page of ours; one that says nothing is not believed."""
    origin = urlsplit(request.headers.get("origin", ""))
    own = {urlsplit(request.app.state.web.config.public_url).netloc, request.headers.get("host", "")}
    return origin.scheme in {"http", "https"} and origin.netloc in own


def masked(text: str) -> str:
    """The text without the secret part of any address in it."""
    return _SECRET.sub(r"\1…", text)


class MaskSecrets(logging.Filter):
    """Masks what a server writes down of the addresses it was asked for."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(masked(arg) if isinstance(arg, str) else arg for arg in record.args)
        return True
