"""What the web stands on, opened by whoever wires it, and how a request finds it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends
from sqlalchemy.orm import Session
from starlette.requests import HTTPConnection

from feeds.web.objects import Local
from feeds.web.work import Work
from pipeline.stores import Store

Opens = Callable[[], AbstractContextManager[Session]]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebConfig:
    """What an operator may choose about the web."""

    # where people reach us, such as https://pods.example.org
    public_url: str
    # True behind https: cookies get Secure and the __Host- name
    secure_cookies: bool = False
    version: str = "0"
    # False: /metrics answers only to this machine
    open_metrics: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """Everything a route may use."""

    # opens a session whose changes are committed when the block ends well
    catalogue: Opens
    # opens a session that writes nothing, and so waits for no writer
    reading: Opens
    public: Store
    private: Store
    work: Work
    config: WebConfig

    @property
    def pages_at(self) -> str:
        """Where public pages are reached: here where we serve them ourselves, else at their public address."""
        return "" if isinstance(self.public, Local) else self.config.public_url.rstrip("/")


def web_of(connection: HTTPConnection) -> Web:
    """The parts of the app that answers."""
    return cast(Web, connection.app.state.web)


Parts = Annotated[Web, Depends(web_of)]
