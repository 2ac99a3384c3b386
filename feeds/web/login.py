"""The studio's door: an address that opens once, and the session it gives."""

import secrets

from sqlalchemy import select
from sqlalchemy.orm import Session

from feeds.catalogue import KeyRow, db_now
from feeds.web.security import hashed

LOGIN_S = 15 * 60
SESSION_S = 30 * 24 * 3600


def new_login(session: Session) -> str:
    """A secret for `/studio/login/{secret}`: opens the studio once within 15 minutes. Only its hash is kept."""
    return _new_key(session, "login", LOGIN_S)


def _new_key(session: Session, kind: str, valid_s: float) -> str:
    token = secrets.token_urlsafe(32)
    now = session.scalar(select(db_now())) or 0.0
    session.add(KeyRow(sha256=hashed(token), kind=kind, expires_at=now + valid_s))
    session.flush()
    return token
