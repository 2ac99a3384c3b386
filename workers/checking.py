"""`aircheck feed SHOW --check`: the feed and everything it points at, asked for over HTTP as an app would."""

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping

import httpx
import uvicorn

from feeds.catalogue import episodes, find_show
from feeds.check import check
from feeds.findings import Fetch, Finding
from pipeline.errors import Broken, Refused
from workers.house import House
from workers.serving import app_of, listening

TIMEOUT_S = 20.0
START_S = 10.0


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
    """The verdict on the feed; asked at its public address, or where nobody answers there, at our own app."""
    content = feed_of(house, show_slug)
    with house.database.read() as session:
        show, rows = find_show(session, show_slug), episodes(session, show_slug)
    assert show
    with _asking(house, f"{show_slug}/feed.xml") as fetch:
        return check(content, show, rows, fetch)


@contextlib.contextmanager
def _asking(house: House, known_key: str) -> Iterator[Fetch]:
    with httpx.Client(timeout=TIMEOUT_S) as client:
        if _answers(client, house.address(known_key)):
            yield client.request
            return
        with _our_app(house) as here:
            public = house.site.public_url.rstrip("/")

            def ask(method: str, url: str, *, headers: Mapping[str, str] | None = None) -> httpx.Response:
                return client.request(method, here + url.removeprefix(public) if url.startswith(public) else url, headers=headers)

            yield ask


def _answers(client: httpx.Client, url: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return client.head(url).status_code == 200
    return False


@contextlib.contextmanager
def _our_app(house: House) -> Iterator[str]:
    """The app on a free port of this machine, while the block lasts."""
    with listening("127.0.0.1", 0) as door:
        server = uvicorn.Server(uvicorn.Config(app_of(house), access_log=False, log_config=None, log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
        thread.start()
        ends_at = time.monotonic() + START_S
        while not server.started:
            if time.monotonic() > ends_at:
                raise Broken("our own app did not start, so the feed could not be checked", code="not_up")
            time.sleep(0.02)
        try:
            yield f"http://127.0.0.1:{door.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
