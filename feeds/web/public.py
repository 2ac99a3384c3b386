"""The public store as a web server serves it; only where no bucket and no web server stands before us."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, HTTPException
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from feeds import catalogue
from feeds.catalogue import RESERVED_SLUGS, EpisodeRow, ShowRow
from feeds.web.html import page, shared_asset
from feeds.web.objects import answered, respond
from feeds.web.parts import Parts, Web
from pipeline.stores import is_key

router = APIRouter(include_in_schema=False)
_OPEN = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Accept-Ranges, Content-Length, Content-Range, ETag"}
_FOLDER = re.compile(r"[a-z0-9-]+(?:/[a-z0-9-]+)*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """A show on the first page."""

    slug: str
    title: str
    description: str


@router.api_route("/", methods=["GET", "HEAD"])
async def front(parts: Parts) -> Response:
    """The public shows, or the studio while there are none."""
    fronts = await run_in_threadpool(_fronts, parts)
    return page("front.html", shows=fronts) if fronts else RedirectResponse("/studio/", 303)


def _fronts(parts: Web) -> Sequence[Front]:
    with parts.reading() as session:
        shows = [show for show in catalogue.shows(session) if show.access == "public"]
    published = [show for show in shows if parts.public.stat(f"{show.slug}/index.html") is not None]
    return [Front(slug=show.slug, title=show.title, description=show.description) for show in published]


@router.api_route("/{key:path}", methods=["GET", "HEAD"])
async def public_file(request: Request, key: str, parts: Parts) -> Response:
    """A file of the public store; an address that ends in a slash is that folder's page."""
    wanted = f"{key}index.html" if key.endswith("/") else key
    if _is_ours(key):
        raise HTTPException(404, "There is nothing at this address.")
    if is_key(wanted) and (found := await respond(request, parts.public, wanted, _OPEN)):
        return found
    if key.startswith("_assets/") and (asset := shared_asset(key.removeprefix("_assets/"))):
        return await answered(request, asset, _OPEN)
    if await run_in_threadpool(_is_folder, parts, key):
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"/{key}/{query}", 301)
    if await run_in_threadpool(_is_withdrawn, parts, key):
        raise HTTPException(410, "This episode was taken down by its host.")
    raise HTTPException(404, "There is nothing at this address.")


@router.options("/{key:path}")
async def preflight(key: str) -> Response:
    """Players of other sites may ask for parts of our files."""
    if _is_ours(key):
        raise HTTPException(404, "There is nothing at this address.")
    allowed = {
        "Access-Control-Allow-Methods": "GET, HEAD",
        "Access-Control-Allow-Headers": "Range, If-None-Match, If-Modified-Since",
    }
    return Response(status_code=204, headers={"Access-Control-Allow-Origin": "*", **allowed, "Access-Control-Max-Age": "86400"})


def _is_ours(key: str) -> bool:
    """Whether the address belongs to the app itself, so that no show can ever have it."""
    return key.partition("/")[0] in RESERVED_SLUGS - {"_assets"}


def _is_folder(parts: Web, key: str) -> bool:
    return _FOLDER.fullmatch(key) is not None and parts.public.stat(f"{key}/index.html") is not None


def _is_withdrawn(parts: Web, key: str) -> bool:
    show, _, rest = key.partition("/")
    episode = rest.partition("/")[0]
    if not (is_key(show) and is_key(episode)):
        return False
    query = select(EpisodeRow.state).join(ShowRow).where(ShowRow.slug == show, EpisodeRow.slug == episode)
    with parts.reading() as session:
        return session.scalar(query) == "withdrawn"
