"""The web app. Routes in the order they are asked: health, the doors that were handed in, the studio, and last the public files."""

import logging
from collections.abc import Sequence

import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from feeds.web import health, login
from feeds.web import public as public_files
from feeds.web.html import notice
from feeds.web.parts import Opens, Web, WebConfig
from feeds.web.security import Guarded, MaskSecrets, guard, masked
from feeds.web.studio import routes as studio
from feeds.web.work import Work
from pipeline.errors import AircheckError, Refused
from pipeline.stores import Store

__all__ = ["WebConfig", "create_app"]

log = structlog.get_logger(__name__)
_mask = MaskSecrets()

_HEADINGS = {
    401: ("Sign in", "Run `aircheck login` on the machine that runs Aircheck. It prints an address that opens this studio once."),
    403: ("Not from here", ""),
    404: ("Nothing here", "There is nothing at this address."),
    405: ("Not like this", "This address does not answer to that method."),
    409: ("Not now", ""),
    410: ("Gone", ""),
    413: ("Too large", ""),
    500: ("This broke on our side", "Nothing is lost. Try again, and tell whoever runs this machine."),
    503: ("Not well at the moment", "Something we need does not answer. Nothing is lost; try again in a minute."),
}


def create_app(
    *,
    catalogue: Opens,
    reading: Opens | None = None,
    public: Store,
    private: Store,
    work: Work,
    config: WebConfig,
    routers: Sequence[APIRouter] = (),
) -> FastAPI:
    """The app, ready to be served.

    `catalogue` opens a session that commits when its block ends well; `reading` one that writes nothing, where there is a cheaper
    one for that. `routers` are further doors, asked before the studio and the public files.
    """
    app = FastAPI(title="Aircheck", version=config.version, openapi_url=None)
    app.state.web = Web(catalogue=catalogue, reading=reading or catalogue, public=public, private=private, work=work, config=config)
    app.state.desk = studio.Desk()
    for router in (health.router, *routers, login.router, studio.open_router, studio.router, public_files.router):
        app.include_router(router)
    app.add_middleware(Guarded)
    app.add_exception_handler(HTTPException, _told)
    app.add_exception_handler(AircheckError, _failed)
    app.add_exception_handler(Exception, _broke)
    logging.getLogger("uvicorn.access").addFilter(_mask)
    return app


async def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    heading, said = _HEADINGS.get(error.status_code, ("This did not work", ""))
    told = error.detail if str(error.detail).endswith(".") else said  # without a full stop it repeats the status, no more
    response = _say(request, error.status_code, heading, told, "http_error")
    response.headers.update(error.headers or {})
    return response


async def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, AircheckError)
    if isinstance(error, Refused):
        return _say(request, 409, _HEADINGS[409][0], str(error), error.code)
    log.warning("could_not_answer", path=masked(request.url.path), code=error.code, error=str(error))
    return _say(request, 503, *_HEADINGS[503], error.code)


async def _broke(request: Request, _error: Exception) -> Response:
    """The error itself goes to the log of the server, which raises it again, and never into a page."""
    response = _say(request, 500, *_HEADINGS[500], "broken")
    guard(response.headers, request.url.path)
    return response


def _say(request: Request, status: int, heading: str, said: str, code: str) -> Response:
    """A page for people, JSON for programs."""
    if "text/html" in request.headers.get("accept", "") or request.url.path.startswith("/studio/"):
        return notice(status, heading, said)
    return JSONResponse({"error": {"code": code, "message": said or heading}}, status)
