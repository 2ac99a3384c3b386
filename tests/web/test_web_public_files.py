"""The public store, served by a real server."""

import gzip
import hashlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from urllib.parse import urlsplit

import httpx
import pytest
from fakes_studio import House, served

from feeds.pages.assets import assets
from pipeline.stores import Store, mime_type_of

SOUND = os.urandom(600_000)
FEED = b"<rss>" + b"<item>an episode</item>" * 500 + b"</rss>"
TYPES = {
    "feed.xml": "application/rss+xml; charset=utf-8",
    "cover.jpg": "image/jpeg",
    "index.html": "text/html; charset=utf-8",
    "e/episode.mp3": "audio/mpeg",
    "e/episode.m4a": "audio/mp4",
    "e/episode.opus": "audio/ogg; codecs=opus",
    "e/transcript.vtt": "text/vtt; charset=utf-8",
    "e/transcript.srt": "application/x-subrip; charset=utf-8",
    "e/transcript.json": "application/json",
    "e/transcript.txt": "text/plain; charset=utf-8",
    "e/chapters.json": "application/json+chapters",
    "e/index.html": "text/html; charset=utf-8",
}


@contextmanager
def filled(house: House) -> Iterator[httpx.Client]:
    house.opens_show(title="Late Build", description="Nights with the pager.")
    for name in TYPES:
        house.stores(f"late-build/{name}", SOUND if name.endswith("mp3") else FEED)
    with served(house.app()) as url, httpx.Client(base_url=url, headers={"Accept-Encoding": "identity"}) as client:
        yield client


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """One server for every test that only asks."""
    house = House(tmp_path_factory.mktemp("house"))
    with filled(house) as client:
        yield client
    house.close()


@pytest.fixture
def own_web(house: House) -> Iterator[httpx.Client]:
    """A server whose files a test may change."""
    with filled(house) as client:
        yield client


def test_every_file_has_its_exact_type(web: httpx.Client) -> None:
    assert {name: web.get(f"/late-build/{name}").headers["content-type"] for name in TYPES} == TYPES


def test_a_file_carries_what_caches_and_players_of_other_sites_need(web: httpx.Client) -> None:
    answer = web.get("/late-build/e/episode.mp3")
    assert answer.content == SOUND
    assert answer.headers["etag"] == f'"{hashlib.sha256(SOUND).hexdigest()[:32]}"'
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "Content-Range" in answer.headers["access-control-expose-headers"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-length"] == str(len(SOUND))


def test_a_head_says_the_same_without_a_body(web: httpx.Client) -> None:
    head, get = web.head("/late-build/e/episode.mp3"), web.get("/late-build/e/episode.mp3")
    same = {"content-type", "content-length", "etag", "last-modified", "cache-control", "accept-ranges"}
    assert head.status_code == 200 and head.content == b""
    assert {name: head.headers[name] for name in same} == {name: get.headers[name] for name in same}


def test_a_part_of_a_file(web: httpx.Client) -> None:
    answer = web.get("/late-build/e/episode.mp3", headers={"Range": "bytes=299990-300009"})
    assert (answer.status_code, answer.content) == (206, SOUND[299_990:300_010])
    assert answer.headers["content-range"] == "bytes 299990-300009/600000" and answer.headers["content-length"] == "20"
    assert answer.headers["content-type"] == "audio/mpeg"


def test_the_end_of_a_file(web: httpx.Client) -> None:
    assert web.get("/late-build/e/episode.mp3", headers={"Range": "bytes=-7"}).content == SOUND[-7:]


def test_parts_together_are_the_file(web: httpx.Client) -> None:
    edges = [*range(0, 600_000, 70_001), 600_000]
    parts = [web.get("/late-build/e/episode.mp3", headers={"Range": f"bytes={a}-{b - 1}"}).content for a, b in pairwise(edges)]
    assert b"".join(parts) == SOUND


def test_a_part_beyond_the_end_is_416(web: httpx.Client) -> None:
    answer = web.get("/late-build/e/episode.mp3", headers={"Range": "bytes=600000-"})
    assert (answer.status_code, answer.content, answer.headers["content-range"]) == (416, b"", "bytes */600000")


def test_an_unchanged_file_is_not_sent_again(web: httpx.Client) -> None:
    first = web.get("/late-build/feed.xml")
    by_etag = web.get("/late-build/feed.xml", headers={"If-None-Match": first.headers["etag"]})
    by_date = web.get("/late-build/feed.xml", headers={"If-Modified-Since": first.headers["last-modified"]})
    for answer in (by_etag, by_date):
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", first.headers["etag"])
        assert answer.headers["access-control-allow-origin"] == "*"


def test_a_part_of_a_file_that_was_replaced_meanwhile_is_the_whole_new_one(house: House, own_web: httpx.Client) -> None:
    old = own_web.get("/late-build/e/episode.m4a")
    house.stores("late-build/e/episode.m4a", SOUND[:5000])
    answer = own_web.get("/late-build/e/episode.m4a", headers={"Range": "bytes=0-9", "If-Range": old.headers["etag"]})
    assert (answer.status_code, answer.content) == (200, SOUND[:5000])
    assert answer.headers["etag"] != old.headers["etag"]


def test_text_is_compressed_when_asked_for_and_the_same_text(web: httpx.Client) -> None:
    plain = web.get("/late-build/feed.xml")
    with web.stream("GET", "/late-build/feed.xml", headers={"Accept-Encoding": "gzip"}) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip" and answer.headers["content-length"] == str(len(raw))
    assert gzip.decompress(raw) == FEED and len(raw) < len(FEED) / 5
    assert answer.headers["etag"] == plain.headers["etag"][:-1] + '-gzip"'
    head = web.head("/late-build/feed.xml", headers={"Accept-Encoding": "gzip"})
    assert head.headers["content-length"] == str(len(raw)) and head.headers["etag"] == answer.headers["etag"]
    again = web.get("/late-build/feed.xml", headers={"Accept-Encoding": "gzip", "If-None-Match": head.headers["etag"]})
    assert again.status_code == 304


def test_a_compressed_feed_follows_its_bytes(house: House, own_web: httpx.Client) -> None:
    asked = {"Accept-Encoding": "gzip"}
    before = own_web.get("/late-build/feed.xml", headers=asked)
    house.stores("late-build/feed.xml", FEED.replace(b"an episode", b"another one"))
    after = own_web.get("/late-build/feed.xml", headers=asked)
    assert b"another one" in after.content and after.headers["etag"] != before.headers["etag"]


def test_a_folder_shows_its_page_and_keeps_what_was_asked_of_it(web: httpx.Client) -> None:
    assert web.get("/late-build/").content == web.get("/late-build/index.html").content
    assert web.get("/late-build/e/").headers["content-type"] == "text/html; charset=utf-8"
    moved = web.get("/late-build/e?t=14m31s")
    assert (moved.status_code, moved.headers["location"]) == (301, "/late-build/e/?t=14m31s")


def test_the_first_page_names_the_public_shows(house: House, own_web: httpx.Client) -> None:
    house.opens_show("secret-club", title="Secret Club", access="private")
    house.stores("secret-club/index.html", b"<p>no</p>")
    page = own_web.get("/").text
    assert "Late Build" in page and "Nights with the pager." in page and 'href="/late-build/"' in page
    assert "Secret" not in page


def test_without_a_public_show_the_first_page_is_the_studio(house: House) -> None:
    with served(house.app()) as url:
        answer = httpx.get(url)
    assert (answer.status_code, answer.headers["location"]) == (303, "/studio/")


def test_an_unknown_address_is_a_calm_404(web: httpx.Client) -> None:
    answer = web.get("/late-build/none/", headers={"Accept": "text/html"})
    assert answer.status_code == 404 and "There is nothing at this address." in answer.text
    assert web.head("/late-build/none.mp3").status_code == 404
    assert web.get("/late-build/none.mp3").json()["error"]["message"] == "There is nothing at this address."


def test_a_withdrawn_episode_is_gone(house: House, own_web: httpx.Client) -> None:
    slug = house.room_ends("The one with the mistake")
    assert own_web.get(f"/late-build/{slug}/episode.mp3").status_code == 404
    house.changes(slug, state="withdrawn")
    for path in ("", "index.html", "episode.mp3"):
        assert own_web.get(f"/late-build/{slug}/{path}").status_code == 410


HOSTILE = [
    "/../aircheck.db",
    "/late-build/../../aircheck.db",
    "/%2e%2e/aircheck.db",
    "/%252e%252e/aircheck.db",
    "/..%2faircheck.db",
    "/late-build/..%5c..%5caircheck.db",
    "/.aircheck/notes/late-build/feed.xml.json",
    "/late-build/.hidden",
    "/late-build/./feed.xml",
    "/late-build//feed.xml",
    "/late-build/feed.xml/",
    "/late-build/feed.xml%00.mp3",
    "/late-build/feed.xml::$DATA",
    "/late-build/%0d%0aSet-Cookie:%20a=b",
    "/late-build/%C3%A9.mp3",
    "//etc/passwd",
    "/file:///etc/passwd",
    "/C:/windows",
    "/~root/",
    "/%00",
    "/%ff%fe",
    "/" + "a/" * 2000,
    "/" + "a" * 5000,
]


@pytest.mark.parametrize("path", HOSTILE)
def test_no_address_leads_out_of_the_store(web: httpx.Client, path: str) -> None:
    status, head, body = asked_raw(str(web.base_url), path)
    assert status in {"404", "400", "414"}
    assert b"SQLite" not in body and b"root:" not in body and "set-cookie" not in head


def asked_raw(base_url: str, path: str) -> tuple[str, str, bytes]:
    """What a client that tidies no address is answered."""
    at = urlsplit(base_url)
    with socket.create_connection((at.hostname or "", at.port or 80), timeout=10) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {at.netloc}\r\nAccept: text/html\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.split(b" ")[1].decode(), head.decode("latin-1").lower(), body


def test_a_link_in_the_store_to_another_site_cannot_be_made_from_an_address(web: httpx.Client) -> None:
    status, head, _ = asked_raw(str(web.base_url), "//evil.example/late-build")
    assert status == "404" and "location" not in head


def test_fonts_are_there_before_the_first_episode_is_published(web: httpx.Client) -> None:
    name, asset = next((name, asset) for name, asset in assets().items() if name.endswith(".woff2"))
    answer = web.get(f"/_assets/{name}")
    assert answer.content == asset.content and answer.headers["content-type"] == "font/woff2"
    assert "immutable" in answer.headers["cache-control"]


def test_other_sites_may_ask_for_parts(web: httpx.Client) -> None:
    answer = web.options(
        "/late-build/e/episode.mp3", headers={"Origin": "https://player.example", "Access-Control-Request-Method": "GET"}
    )
    assert answer.status_code == 204 and "Range" in answer.headers["access-control-allow-headers"]


def test_no_file_of_the_store_takes_an_address_of_ours(house: House, own_web: httpx.Client) -> None:
    for key in ("studio/x.html", "api/x.html", "hooks/x.html", "private/x.html"):
        house.stores(key, b"<p>no</p>")
        assert own_web.get(f"/{key}", headers={"Accept": "text/html"}).status_code in {401, 404}
        assert "access-control-allow-origin" not in own_web.options(f"/{key}").headers


def test_a_reader_sees_the_old_bytes_or_the_new_ones_while_a_file_is_replaced_again_and_again(
    house: House, own_web: httpx.Client
) -> None:
    versions = [bytes([n]) * (200_000 + n) for n in range(1, 6)]
    house.stores("late-build/e/episode.m4a", versions[0])
    stop = threading.Event()

    def replace() -> None:
        while not stop.wait(0.002):
            for version in versions:
                house.stores("late-build/e/episode.m4a", version)

    writer = threading.Thread(target=replace)
    writer.start()
    try:
        for _ in range(60):
            answer = own_web.get("/late-build/e/episode.m4a")
            assert answer.status_code == 503 or (
                answer.content in versions and answer.headers["etag"] == f'"{hashlib.sha256(answer.content).hexdigest()[:32]}"'
            )
    finally:
        stop.set()
        writer.join()


def test_a_listener_who_leaves_in_the_middle_harms_nobody(house: House, own_web: httpx.Client) -> None:
    house.stores("late-build/e/episode.mp3", os.urandom(20_000_000))
    for _ in range(5):
        with own_web.stream("GET", "/late-build/e/episode.mp3") as answer:
            next(answer.iter_raw(1000))
    assert own_web.get("/healthz").status_code == 200


def test_a_file_has_the_name_that_listeners_save_it_under(house: House, own_web: httpx.Client) -> None:
    house.public.put("late-build/e/episode.mp3", SOUND, mime_type="audio/mpeg", cache_control="", filename="Late Build - Ünten.mp3")
    for method in ("GET", "HEAD"):
        answer = own_web.request(method, "/late-build/e/episode.mp3", headers={"Range": "bytes=0-9"})
        told = "inline; filename=\"Late Build - Unten.mp3\"; filename*=UTF-8''Late%20Build%20-%20%C3%9Cnten.mp3"
        assert answer.headers["content-disposition"] == told
    assert "content-disposition" not in own_web.get("/late-build/feed.xml").headers


class Far:
    """A store whose objects are no files of this machine; tells what is read of them, and may have them replaced just before."""

    def __init__(self, near: Store) -> None:
        self.near, self.stat = near, near.stat
        self.read_bytes: list[int] = []
        self.before_reading: Callable[[int], None] = lambda _first: None

    def read(self, key: str, first: int, length: int, *, etag: str = "") -> bytes | None:
        self.before_reading(first)
        self.read_bytes.append(length)
        return self.near.read(key, first, length, etag=etag)


@pytest.fixture
def far(house: House) -> Far:
    house.opens_show()
    house.public = far = Far(house.public)  # type: ignore[assignment]
    return far


def put(far: Far, content: bytes, key: str = "late-build/e/episode.mp3") -> None:
    far.near.put(key, content, mime_type=mime_type_of(key), cache_control="")


@pytest.mark.parametrize("size_bytes", [0, 100_000, 9_000_000])
def test_a_store_far_away_is_served_the_same(house: House, far: Far, size_bytes: int) -> None:
    content = os.urandom(size_bytes)
    put(far, content)
    with served(house.app()) as url, httpx.Client(base_url=url) as client:
        assert client.get("/late-build/e/episode.mp3").content == content
        part = client.get("/late-build/e/episode.mp3", headers={"Range": "bytes=-10"})
        assert (part.status_code, part.content) == (206 if content else 416, content[-10:])
        assert client.get("/late-build/e/none.mp3").status_code == 404


def test_of_a_store_far_away_only_what_is_wanted_is_read(house: House, far: Far) -> None:
    put(far, os.urandom(9_000_000))
    with served(house.app()) as url, httpx.Client(base_url=url) as client:
        head = client.head("/late-build/e/episode.mp3")
        assert client.get("/late-build/e/episode.mp3", headers={"If-None-Match": head.headers["etag"]}).status_code == 304
        assert far.read_bytes == []
        client.get("/late-build/e/episode.mp3", headers={"Range": "bytes=4000000-4000001"})
        assert far.read_bytes == [2]
        client.get("/late-build/e/episode.mp3")
        assert max(far.read_bytes) <= 2**20 and sum(far.read_bytes) == 9_000_002


def test_what_is_replaced_far_away_before_it_is_sent_is_looked_at_anew(house: House, far: Far) -> None:
    put(far, b"old" * 2000)
    versions = iter([b"new" * 1000])

    def replace_once(_first: int) -> None:
        for version in versions:
            put(far, version)

    far.before_reading = replace_once
    with served(house.app()) as url:
        answer = httpx.get(f"{url}/late-build/e/episode.mp3")
    assert (answer.status_code, answer.content) == (200, b"new" * 1000)


def test_what_is_replaced_far_away_while_it_is_sent_breaks_off_and_is_never_a_mixture(house: House, far: Far) -> None:
    put(far, b"o" * 3_000_000)
    far.before_reading = lambda first: put(far, b"n" * 3_000_000) if first else None
    with served(house.app()) as url, pytest.raises(httpx.RemoteProtocolError, match="closed"):
        httpx.get(f"{url}/late-build/e/episode.mp3")


def test_a_feed_far_away_is_compressed(house: House, far: Far) -> None:
    put(far, FEED, "late-build/feed.xml")
    with served(house.app()) as url:
        answer = httpx.get(f"{url}/late-build/feed.xml", headers={"Accept-Encoding": "gzip"})
    assert answer.content == FEED and answer.headers["content-encoding"] == "gzip"
