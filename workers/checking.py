"""`aircheck feed SHOW --check`: the feed and everything it points at, asked for as an app would ask."""

import contextlib
from collections.abc import Iterator

import httpx

from feeds.catalogue import episodes, find_show
from feeds.check import check
from feeds.findings import Fetch, Finding
from feeds.from_store import from_store
from pipeline.errors import Refused
from workers.house import House

TIMEOUT_S = 20.0


def feed_of(house: House, show_slug: str) -> bytes:
    """The feed as it lies in the store. Errors: `Refused` where there is no show or nothing was written yet."""
    with house.database.read() as session:
        if find_show(session, show_slug) is None:
            raise Refused(f"there is no show {show_slug}; see: aircheck show list", code="unknown_show")
    content = house.public.get(f"{show_slug}/feed.xml")
    if content is None:
        raise Refused(f"the feed of {show_slug} is not written yet; workers write it: aircheck up", code="no_feed")
    return content


def check_feed(house: House, show_slug: str) -> tuple[Finding, ...]:
    """The verdict on the feed; asked at its public address, or where nobody answers there, of the store."""
    content = feed_of(house, show_slug)
    with house.database.read() as session:
        show, rows = find_show(session, show_slug), episodes(session, show_slug)
    assert show
    with _asking(house, f"{show_slug}/feed.xml") as fetch:
        return check(content, show, rows, fetch)


@contextlib.contextmanager
def _asking(house: House, known_key: str) -> Iterator[Fetch]:
    with httpx.Client(timeout=TIMEOUT_S) as client:
        yield client.request if _answers(client, house.address(known_key)) else from_store(house.public, house.site)


def _answers(client: httpx.Client, url: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return client.head(url).status_code == 200
    return False
