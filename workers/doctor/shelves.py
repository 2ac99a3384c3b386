"""The stores: an object is written, read, ranged, listed and removed, and asked for at its public address as an app would."""

import uuid
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx

from pipeline.stores import Stat, Store, open_store
from workers.doctor.findings import ANSWER_S, Finding, bad, deaf, timed, well, worrying
from workers.settings import Settings

SOUND = bytes(range(64))
TYPE, NO_STORE, NAME = "audio/mpeg", "no-store", "Doctor's sound.mp3"
PREFIX = "_probe/"
RIGHTS = "look at the store's rights and at what it says of itself"


def public_store(settings: Settings) -> Iterator[Finding]:
    """The public one, and what listeners reach of it."""
    yield from _address_itself(settings.public_url)
    yield from _store("store.url", settings.store.url, settings)


def private_store(settings: Settings) -> Iterator[Finding]:
    """The private one."""
    if settings.store.private_url == settings.store.url:
        said = "private and public files lie in the same place, so that listeners could reach what is private"
        yield bad("store.private_url", said, "let store.private_url name another place")
        return
    yield from _store("store.private_url", settings.store.private_url, settings)


def _store(name: str, url: str, settings: Settings) -> Iterator[Finding]:
    endpoint = settings.store.endpoint_url
    if url.startswith("s3://") and (why := deaf(endpoint, 443 if endpoint.startswith("https") else 80)):
        yield bad(name, why, "start it, or correct store.endpoint_url")
        return
    store = open_store(url, endpoint_url=endpoint)
    key = f"{PREFIX}{uuid.uuid4().hex}.mp3"
    put = store.put(key, SOUND, mime_type=TYPE, cache_control=NO_STORE, filename=NAME)
    try:
        yield _kept(name, url, store, key)
        if name == "store.url":
            yield from _reached(settings.public_url, key, put)
    finally:
        store.delete(key)
    if store.stat(key) is not None:
        yield bad(f"{name}.delete", f"{url} keeps what was deleted", RIGHTS)


def _kept(name: str, url: str, store: Store, key: str) -> Finding:
    stat = store.stat(key)
    wishes = {
        "it does not give back what was written": stat is not None and store.get(key) == SOUND,
        "it gives no ranges": store.read(key, 2, 5) == SOUND[2:7],
        "it does not list what lies there": key in store.keys(PREFIX),
        "it forgets the type": stat is not None and stat.mime_type == TYPE,
        "it forgets how long it may be cached": stat is not None and stat.cache_control == NO_STORE,
        "it forgets what it is saved as": stat is not None and "filename" in stat.disposition,
    }
    wrong = [told for told, good in wishes.items() if not good]
    if stat is None or wrong:
        return bad(name, f"{url}: {', '.join(wrong)}", RIGHTS)
    able = store.probe()
    checked = "checksums" if able.checksums else "no checksums"
    said = f"{url} is written, read, ranged and listed; conditional writes: {able.conditional}, {checked}"
    return timed(name, said, stat.modified_at.timestamp())


# ---- what listeners reach


def _reached(public_url: str, key: str, put: Stat) -> Iterator[Finding]:
    """Whether listeners reach the store under the public address, as podcast apps ask for it."""
    address = f"{public_url}/{key}"
    asked = {"Range": "bytes=0-1", "Origin": "https://player.example"}
    try:
        with httpx.Client(timeout=ANSWER_S) as client:
            head, part = client.head(address), client.get(address, headers=asked)
    except httpx.HTTPError as error:
        yield worrying("public_url", f"{public_url} does not answer: {error or type(error).__name__}", "aircheck up")
        return
    wrong = [told for told, good in _wishes(head, part, put).items() if not good]
    if wrong:
        yield bad("public_url", f"{address}: {', '.join(wrong)}", "let public_url lead to store.url")
    else:
        yield well("public_url", f"{public_url} serves the store: length, type, name, caching, ranges, CORS")


def _wishes(head: httpx.Response, part: httpx.Response, put: Stat) -> dict[str, bool]:
    """What went wrong in words, and whether it did not."""
    if head.status_code != 200:
        return {f"HEAD answers {head.status_code} for a file that lies in the store": False}
    kind, cached = head.headers.get("content-type"), head.headers.get("cache-control", "")
    return {
        "HEAD tells no or another length": head.headers.get("content-length") == str(len(SOUND)),
        f"the type is {kind}, not {TYPE}": kind == TYPE,
        f"it may be cached as {cached!r}, not as the store says": put.cache_control in cached,
        "it has no name to be saved under (Content-Disposition)": "filename" in head.headers.get("content-disposition", ""),
        f"a range is answered with {part.status_code}, not 206": part.status_code == 206 and part.content == SOUND[:2],
        "other sites may not read it (no Access-Control-Allow-Origin: *)": part.headers.get("access-control-allow-origin") == "*",
    }


def _address_itself(public_url: str) -> Iterator[Finding]:
    host = urlsplit(public_url).hostname or ""
    if host in {"localhost", "127.0.0.1", "::1"} or host.endswith(".local"):
        said = f"{public_url} leads to this machine only: no podcast app elsewhere can follow the feed"
        yield worrying("address", said, "public_url = https://your.host")
    elif not public_url.startswith("https://"):
        yield worrying("address", f"{public_url} is not https, which several podcast apps insist on", "public_url = https://…")
