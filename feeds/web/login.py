"""The studio's door: an address that opens once, and the session it gives. Only hashes of both are kept."""

import secrets
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from feeds.catalogue import KeyRow, db_now
from feeds.web.html import notice, page
from feeds.web.parts import Parts, Web, WebConfig
from feeds.web.security import check_form, form_mark, hashed

LOGIN_S = 15 * 60
SESSION_S = 30 * 24 * 3600

router = APIRouter(prefix="/studio", include_in_schema=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Somebody who has signed in."""

    session: str

    @property
    def form_mark(self) -> str:
        """What their forms must carry."""
        return form_mark(self.session)


class NotSignedIn(HTTPException):
    """Whoever asks has no session, or one that has ended."""

    def __init__(self) -> None:
        super().__init__(401)


# ---- keys


def new_login(session: Session) -> str:
    """A secret for `/studio/login/{secret}`: opens the studio once within 15 minutes."""
    session.execute(delete(KeyRow).where(KeyRow.expires_at < db_now()))
    return _new_key(session, "login", LOGIN_S)


def use_login(session: Session, token: str) -> str | None:
    """A session's secret for a login that nobody has used; None for any other."""
    used = session.execute(update(KeyRow).where(*_valid(token, "login")).values(used_at=db_now()))
    return _new_key(session, "session", SESSION_S) if used.rowcount == 1 else None  # type: ignore[attr-defined]


def is_valid(session: Session, token: str, kind: str) -> bool:
    """Whether we gave out that secret and it can still be used."""
    return session.scalar(select(KeyRow.sha256).where(*_valid(token, kind))) is not None


def _new_key(session: Session, kind: str, valid_s: float) -> str:
    token = secrets.token_urlsafe(32)
    session.add(KeyRow(sha256=hashed(token), kind=kind, expires_at=db_now() + valid_s))
    session.flush()
    return token


def _valid(token: str, kind: str) -> tuple[ColumnElement[bool], ...]:
    return KeyRow.sha256 == hashed(token), KeyRow.kind == kind, KeyRow.used_at.is_(None), KeyRow.expires_at > db_now()


# ---- who is there


def cookie_name(config: WebConfig) -> str:
    """`__Host-` ties the cookie to this very host, which browsers do over https only."""
    return "__Host-aircheck" if config.secure_cookies else "aircheck"


def signed_in(request: Request, parts: Parts) -> Visitor:
    """Who is there; `NotSignedIn` for strangers."""
    token = request.cookies.get(cookie_name(parts.config), "")
    if not token or not is_still_in(parts, token):
        raise NotSignedIn
    return Visitor(session=token)


def is_still_in(parts: Web, token: str) -> bool:
    """Whether that session has neither ended nor been left."""
    with parts.reading() as session:
        return is_valid(session, token, "session")


SignedIn = Annotated[Visitor, Depends(signed_in)]


async def own_form(request: Request, visitor: SignedIn) -> None:
    """Refuse a form that none of our pages has sent."""
    await check_form(request, visitor.session)


# ---- routes


@router.get("/login/{token}")
def ask(token: str, parts: Parts) -> Response:
    """A button to press: programs that open every link in a mail would otherwise use it up."""
    with parts.reading() as session:
        if not is_valid(session, token, "login"):
            return _refused()
    return page("login.html", token=token, mark=form_mark(token))


@router.post("/login/{token}")
async def enter(token: str, request: Request, parts: Parts) -> Response:
    """Into the studio, once."""
    await check_form(request, token)
    session_token = await run_in_threadpool(_entered, parts, token)
    if session_token is None:
        return _refused()
    response = RedirectResponse("/studio/", 303)
    _set_cookie(response, parts.config, session_token, SESSION_S)
    return response


@router.post("/logout", dependencies=[Depends(own_form)])
async def leave(visitor: SignedIn, parts: Parts) -> Response:
    """Out of the studio; the session ends everywhere."""
    await run_in_threadpool(_left, parts, visitor.session)
    response = notice(200, "Signed out", "Run `aircheck login` for an address that lets you in again.")
    _set_cookie(response, parts.config, "", 0)
    return response


def _entered(parts: Web, token: str) -> str | None:
    with parts.catalogue() as session:
        return use_login(session, token)


def _left(parts: Web, token: str) -> None:
    with parts.catalogue() as session:
        session.execute(delete(KeyRow).where(KeyRow.sha256 == hashed(token)))


def _set_cookie(response: Response, config: WebConfig, value: str, max_age_s: int) -> None:
    response.set_cookie(
        cookie_name(config), value, max_age=max_age_s, path="/", secure=config.secure_cookies, httponly=True, samesite="lax"
    )


def _refused() -> Response:
    return notice(
        410,
        "This address has been used",
        "It opened the studio once, or its 15 minutes are over. Run `aircheck login` for a new one.",
    )
