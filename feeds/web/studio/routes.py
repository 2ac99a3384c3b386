"""The studio's addresses. Every page works without script; events only spare the reload."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Header, HTTPException, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from feeds import catalogue
from feeds.catalogue import Episode
from feeds.web.html import page, static_file
from feeds.web.login import SignedIn, is_still_in, own_form, signed_in
from feeds.web.objects import answered, respond
from feeds.web.parts import Parts, Web
from feeds.web.studio.board import PAGE_EPISODES, Board, Look, View, count
from feeds.web.studio.events import Pace, Told, events
from feeds.web.studio.files import attachment, document

# what the sign-in page needs is open, everything else is for those who are in
open_router = APIRouter(prefix="/studio", include_in_schema=False)
router = APIRouter(prefix="/studio", include_in_schema=False, dependencies=[Depends(signed_in)])


class Desk:
    """What the studio keeps between requests; losing it costs nothing but time."""

    def __init__(self) -> None:
        self.board = Board()
        self.told = Told()
        self.pace = Pace()


def desk_of(connection: HTTPConnection) -> Desk:
    """The desk of the app that answers."""
    return cast(Desk, connection.app.state.desk)


def view_of(
    episode: Annotated[str, Query(max_length=64)] = "",
    show: Annotated[str, Query(max_length=64)] = "",
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> View:
    """What the address asks to see."""
    return View(episode=episode, show=show, page=page)


Kept = Annotated[Desk, Depends(desk_of)]
Asked = Annotated[View, Depends(view_of)]


@open_router.get("")
async def without_slash() -> Response:
    """The address as people type it."""
    return RedirectResponse("/studio/", 303)


@open_router.get("/static/{name}")
async def static(request: Request, name: str) -> Response:
    """Style, scripts and the mark."""
    found = static_file(name)
    if found is None:
        raise HTTPException(404)
    return await answered(request, found)


# ---- pages


@router.get("/")
def episodes(parts: Parts, desk: Kept, visitor: SignedIn, view: Asked) -> Response:
    """Every episode, the newest first, with its state as it is now."""
    view = View(show=view.show, page=view.page)
    look = desk.board.look(parts, view, _now())
    with parts.reading() as session:
        shows, total = catalogue.shows(session), count(session, view.show)
    return page(
        "episodes.html", look=look, view=view, shows=shows, total=total, has_older=view.page * PAGE_EPISODES < total, reload_s=30,
        mark=visitor.form_mark, version=parts.config.version,
    )  # fmt: skip


@router.get("/episodes/{slug}")
def episode(slug: str, parts: Parts, desk: Kept, visitor: SignedIn) -> Response:
    """One episode: how far it is, how it sounds, and everything to take home."""
    found = _found(parts, slug)
    view = View(episode=found.slug, show=found.show_slug)
    look = desk.board.look(parts, view, _now())
    if look is None:
        raise HTTPException(404, "There is no such episode.")
    with parts.reading() as session:
        shows, total = catalogue.shows(session), count(session)
    return page(
        "episode.html", look=look, view=view, shows=shows, total=total, episode=found, mark=visitor.form_mark,
        reload_s=0 if found.renditions else 10, version=parts.config.version,
    )  # fmt: skip


# ---- what changes


@router.get("/events")
async def live(
    parts: Parts, desk: Kept, visitor: SignedIn, view: Asked, last_event_id: Annotated[str, Header(max_length=64)] = ""
) -> Response:
    """What that page shows, as it changes, for as long as the session lasts."""

    def look() -> Look | None:
        return desk.board.look(parts, view, _now()) if is_still_in(parts, visitor.session) else None

    stream = events(_in_thread(look), desk.told, last_event_id, desk.pace)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


def _in_thread(look: Callable[[], Look | None]) -> Callable[[], Awaitable[Look | None]]:
    async def looked() -> Look | None:
        return await run_in_threadpool(look)

    return looked


# ---- what a creator can do


@router.post("/episodes/{slug}/retry", dependencies=[Depends(own_form)])
async def retry(slug: str, parts: Parts) -> Response:
    """Go on from where it failed."""
    return await run_in_threadpool(_asked, parts, slug, parts.work.retry)


@router.post("/episodes/{slug}/cancel", dependencies=[Depends(own_form)])
async def cancel(slug: str, parts: Parts) -> Response:
    """Stop working on it."""
    return await run_in_threadpool(_asked, parts, slug, parts.work.cancel)


@router.api_route("/episodes/{slug}/listen/{format_name}", methods=["GET", "HEAD"])
async def listen(request: Request, slug: str, format_name: str, parts: Parts) -> Response:
    """A rendition to be heard, published or not."""
    found = await run_in_threadpool(_found, parts, slug)
    key = next((r.key for r in found.renditions if r.format == format_name), "")
    return await _stored(request, parts, key, {"Cache-Control": "private, no-cache"})


@router.api_route("/episodes/{slug}/files/{file}", methods=["GET", "HEAD"])
async def take_home(request: Request, slug: str, file: str, parts: Parts) -> Response:
    """A rendition or a document, saved under the episode's name."""
    found = await run_in_threadpool(_found, parts, slug)
    saved = {"Content-Disposition": attachment(found.title, file), "Cache-Control": "private, no-cache"}
    key = next((r.key for r in found.renditions if r.key.rpartition("/")[2] == file), "")
    if key:
        return await _stored(request, parts, key, saved)
    written = await run_in_threadpool(document, found, file, parts.private)
    if written is None:
        raise HTTPException(404)
    length = {"Content-Type": written[1], "Content-Length": str(len(written[0]))}
    return Response(written[0] if request.method == "GET" else b"", headers=saved | length)


def _asked(parts: Web, slug: str, work: Callable[[str], None]) -> Response:
    found = _found(parts, slug)
    work(found.recording_id)
    return RedirectResponse(f"/studio/episodes/{found.slug}", 303)


def _found(parts: Web, slug: str) -> Episode:
    with parts.reading() as session:
        found = catalogue.find_episode(session, slug)
    if found is None:
        raise HTTPException(404, "There is no such episode.")
    return found


async def _stored(request: Request, parts: Web, key: str, headers: Mapping[str, str]) -> Response:
    """From the private store what must not be public (yet), from the public one the rest."""
    for store in (parts.private, parts.public):
        if key and (response := await respond(request, store, key, headers)):
            return response
    raise HTTPException(404, "This file is not there (any more).")


def _now() -> datetime:
    return datetime.now(UTC)
