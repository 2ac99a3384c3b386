"""The web app. Routes in the order they are asked: health, the doors that were handed in, the studio, and last the public files."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from fastapi import APIRouter, FastAPI
from sqlalchemy.orm import Session

from feeds.web.parts import Web, WebConfig
from feeds.web.work import Work
from pipeline.stores import Store

__all__ = ["WebConfig", "create_app"]


def create_app(
    *,
    catalogue: Callable[[], AbstractContextManager[Session]],
    public: Store,
    private: Store,
    work: Work,
    config: WebConfig,
    routers: Sequence[APIRouter] = (),
) -> FastAPI:
    """The app, ready to be served. `catalogue` opens a session that commits when its block ends well; `routers` are further doors."""
    app = FastAPI(title="Aircheck", version=config.version, openapi_url=None)
    app.state.web = Web(catalogue=catalogue, public=public, private=private, work=work, config=config)
    for router in routers:
        app.include_router(router)
    return app
