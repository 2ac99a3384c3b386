"""How a show is followed: links that open an app, and a code that opens the page on a phone."""

import io
from dataclasses import dataclass
from urllib.parse import quote

import segno


@dataclass(frozen=True, slots=True, kw_only=True)
class AppLink:
    """An app and the address that makes it follow the show."""

    app: str
    url: str


def app_links(feed_url: str) -> tuple[AppLink, ...]:
    """One link an app, as each of them wants it (facts: podlove-subscribe-button's client table)."""
    bare = feed_url.split("://", 1)[-1]
    return (
        AppLink(app="Apple Podcasts", url=f"podcast://{bare}"),
        AppLink(app="Overcast", url=f"overcast://x-callback-url/add?url={quote(feed_url, safe='')}"),
        AppLink(app="Pocket Casts", url=f"pktc://subscribe/{bare}"),
        AppLink(app="AntennaPod", url=f"antennapod-subscribe://{bare}"),
    )


def qr_svg(url: str) -> str:
    """The address as an inline SVG without colours of its own; the same address gives the same text."""
    out = io.BytesIO()
    segno.make(url, error="m", micro=False).save(
        out, kind="svg", border=0, xmldecl=False, svgns=False, omitsize=True, svgclass="qr", lineclass=None, nl=False
    )
    return out.getvalue().decode()
