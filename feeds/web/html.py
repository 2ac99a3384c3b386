"""Our own pages: templates beside this file, and the few files they need, held in memory."""

import hashlib
import re
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from io import BytesIO

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from feeds import soundcheck
from feeds.pages.assets import assets, font_faces
from feeds.web.objects import Opened
from pipeline.clock import spoken, written
from pipeline.stores import Stat, mime_type_of

_SINCE = datetime(2020, 1, 1, tzinfo=UTC)


@cache
def static_files() -> dict[str, tuple[Stat, bytes]]:
    """Name to what is known of a file and its bytes; the style has the fonts of all our pages and the colours of our pictures."""
    folder = files("feeds.web") / "static"
    contents = {file.name: file.read_bytes() for file in folder.iterdir()}
    contents["studio.css"] = font_faces("/").encode() + contents["studio.css"] + soundcheck.style().encode()
    return {name: _held(name, content) for name, content in contents.items()}


def shared_asset(name: str) -> Opened | None:
    """A file that public pages share, for a store that has not got it (yet)."""
    asset = assets().get(name)
    return None if asset is None else Opened(stat=_stat(name, asset.content, asset.mime_type), file=BytesIO(asset.content))


def _held(name: str, content: bytes) -> tuple[Stat, bytes]:
    return _stat(name, content, mime_type_of(name)), content


def _stat(name: str, content: bytes, mime_type: str) -> Stat:
    digest = hashlib.sha256(content).hexdigest()
    return Stat(
        key=name, size_bytes=len(content), mime_type=mime_type, etag=f'"{digest[:32]}"', sha256=digest,
        modified_at=_SINCE, cache_control="public, max-age=31536000, immutable",
    )  # fmt: skip


def static_file(name: str) -> Opened | None:
    """The named file as if it lay in a store, or None."""
    held = static_files().get(name)
    return Opened(stat=held[0], file=BytesIO(held[1])) if held else None


def static_url(name: str) -> str:
    """Its address, which changes with its bytes."""
    return f"/studio/static/{name}?v={static_files()[name][0].sha256[:8]}"


def written_size(size_bytes: float) -> str:
    """`42 MB`, `640 kB`: as people read it."""
    for unit in ("B", "kB", "MB", "GB"):
        if size_bytes < 999.5 or unit == "GB":
            return f"{size_bytes:.1f} {unit}" if unit == "GB" and size_bytes < 10 else f"{size_bytes:.0f} {unit}"
        size_bytes /= 1000
    raise AssertionError(unit)


def coded(sentence: str) -> Markup:
    """What stands between backticks as code; everything is escaped."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(sentence))))  # noqa: S704 - escaped just before


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("feeds.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    templates.globals["static"] = static_url
    templates.filters.update(written=written, spoken=spoken, size=written_size, coded=coded)
    return templates


def rendered(template: str, **values: object) -> str:
    """The template filled in; everything is escaped."""
    return _templates().get_template(template).render(values)


def page(template: str, status: int = 200, **values: object) -> HTMLResponse:
    """A whole page."""
    return HTMLResponse(rendered(template, **values), status)


def notice(status: int, heading: str, said: str) -> HTMLResponse:
    """A calm page that says one thing."""
    return page("notice.html", status, heading=heading, said=said)
