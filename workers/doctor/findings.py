"""What a doctor finds: a verdict on one thing, what was seen, and how to mend it."""

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from workers.settings import Settings

Verdict = Literal["ok", "warn", "bad"]

SKEW_WARN_S, SKEW_BAD_S = 5.0, 20.0
# Whoever says nothing for so long is away.
ANSWER_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at; `fix` is a command or a setting, "" when nothing needs one."""

    name: str
    verdict: Verdict
    said: str
    fix: str = ""


Look = Callable[[Settings], Iterator[Finding]]


def well(name: str, said: str) -> Finding:
    """All is as it should be."""
    return Finding(name=name, verdict="ok", said=said)


def worrying(name: str, said: str, fix: str) -> Finding:
    """It works, and yet somebody should look at it."""
    return Finding(name=name, verdict="warn", said=said, fix=fix)


def bad(name: str, said: str, fix: str) -> Finding:
    """It does not work."""
    return Finding(name=name, verdict="bad", said=said, fix=fix)


def timed(name: str, said: str, their_s: float) -> Finding:
    """A finding about something with a clock of its own."""
    skew_s = abs(time.time() - their_s)
    if skew_s <= SKEW_WARN_S:
        return well(name, said)
    told = bad if skew_s > SKEW_BAD_S else worrying
    return told(name, f"{said}; its clock is {skew_s:,.0f} s from ours", "timedatectl set-ntp true")


def deaf(url: str, port: int) -> str:
    """Why nothing answers at that address' host; "" where something listens, or where it names no host to ask."""
    parts = urlsplit(url)
    if not parts.hostname:
        return ""
    try:
        socket.create_connection((parts.hostname, parts.port or port), ANSWER_S).close()
    except OSError as error:
        return f"nothing answers at {parts.hostname}:{parts.port or port}: {error.strerror or error}"
    return ""
