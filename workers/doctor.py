"""Everything that must be well before the first room ends, looked at now: each finding says what was seen and how to mend it."""

import contextlib
import os
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import httpx

from pipeline.errors import AircheckError
from pipeline.stores import Store, open_store
from workers.settings import Settings

Verdict = Literal["ok", "warn", "bad"]

PYTHONS = ((3, 11), (3, 14))
FREE_WARN_BYTES, FREE_BAD_BYTES = 5 << 30, 500 << 20
SKEW_WARN_S, SKEW_BAD_S = 5.0, 20.0
ANSWER_S = 5.0
SOUND = bytes(range(64))
NO_STORE = "no-store"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at; `fix` is a command or a setting, "" when nothing needs one."""

    name: str
    verdict: Verdict
    said: str
    fix: str = ""


def examine(settings: Settings) -> tuple[Finding, ...]:
    """Every finding, in the order an operator would look."""
    return tuple(finding for name, look in CHECKS.items() for finding in _looked(name, look, settings))


def _looked(name: str, look: "Look", settings: Settings) -> Iterator[Finding]:
    try:
        yield from look(settings)
    except AircheckError as error:
        said, _, fix = str(error).partition("; ")
        yield Finding(name=name, verdict="bad", said=said, fix=fix)
    except Exception as error:  # a check must never keep the others from being made
        yield Finding(name=name, verdict="bad", said=f"could not be looked at: {type(error).__name__}: {error}")


def _python(_settings: Settings) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    good = PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]
    yield Finding(name="python", verdict="ok" if good else "warn", said=version, fix="" if good else "use Python 3.11 to 3.14")


def _data(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir
    place = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(place, os.W_OK | os.X_OK):
        yield Finding(name="data_dir", verdict="bad", said=f"{folder} cannot be written", fix=f"sudo chown -R $USER {place}")
        return
    free_bytes = shutil.disk_usage(place).free
    said = f"{folder}, {free_bytes / 1e9:,.1f} GB free"
    verdict: Verdict = "bad" if free_bytes < FREE_BAD_BYTES else "warn" if free_bytes < FREE_WARN_BYTES else "ok"
    yield Finding(name="data_dir", verdict=verdict, said=said, fix="" if verdict == "ok" else "make room, or move data_dir")


def _ffmpeg(settings: Settings) -> Iterator[Finding]:
    from pipeline import ffmpeg, formats

    binary = ffmpeg.find()
    has = ffmpeg.encoders(binary)
    needs = {name: formats.named(name).recipe(1, settings.audio.encode).codec for name in settings.audio.formats}
    missing = sorted(f"{codec} (for {name})" for name, codec in needs.items() if codec not in has)
    said = f"{ffmpeg.version(binary)} at {binary}"
    if missing:
        said = f"{said} has no encoder {', '.join(missing)}"
        yield Finding(name="ffmpeg", verdict="bad", said=said, fix="pip install --force-reinstall imageio-ffmpeg")
    else:
        yield Finding(name="ffmpeg", verdict="ok", said=said)


def _speech(settings: Settings) -> Iterator[Finding]:
    from pipeline import shelf
    from pipeline.engines import SpeechPlan

    speech = settings.speech
    if speech.engine == "none":
        yield Finding(
            name="speech", verdict="warn", said="episodes get no words: speech.engine is none", fix="speech.engine = auto"
        )
        return
    engine = "faster_whisper" if speech.engine == "auto" else speech.engine
    plan = SpeechPlan(engine=speech.engine, model=speech.model, device=speech.device, download=speech.download)
    said, _, fix = shelf.take("pipeline.engines", engine).reason_unavailable(plan).partition("; ")
    yield Finding(name="speech", verdict="warn" if said else "ok", said=said or f"{engine} {speech.model}".rstrip(), fix=fix)


def _database(settings: Settings) -> Iterator[Finding]:
    from sqlalchemy import select
    from sqlalchemy.engine import make_url

    from feeds.catalogue import db_now
    from workers.database import open_database

    database = open_database(settings.database_url)
    try:
        with database.read() as session:
            now_s = session.scalar(select(db_now()))
    finally:
        database.close()
    yield _timed("database", make_url(settings.database_url).render_as_string(hide_password=True), now_s)


def _redis(settings: Settings) -> Iterator[Finding]:
    if not settings.redis_url:
        yield Finding(name="redis", verdict="ok", said="not used: bells ring within one process (redis_url is empty)")
        return
    import redis

    with redis.Redis.from_url(settings.redis_url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S) as client:
        try:
            seconds, micros = client.time()
        except redis.RedisError as error:
            yield Finding(name="redis", verdict="bad", said=f"does not answer: {error}", fix="start it, or correct redis_url")
            return
    yield _timed("redis", "answers", seconds + micros / 1e6)


def _timed(name: str, said: str, their_s: float | None) -> Finding:
    """A finding about something with a clock of its own."""
    skew_s = abs(time.time() - their_s) if their_s is not None else 0.0
    if skew_s <= SKEW_WARN_S:
        return Finding(name=name, verdict="ok", said=said)
    verdict: Verdict = "bad" if skew_s > SKEW_BAD_S else "warn"
    return Finding(
        name=name, verdict=verdict, said=f"{said}; its clock is {skew_s:,.0f} s from ours", fix="timedatectl set-ntp true"
    )


# ---- stores and what listeners reach


def _public_store(settings: Settings) -> Iterator[Finding]:
    store = open_store(settings.store.url, endpoint_url=settings.store.endpoint_url)
    with _probe(store) as key:
        yield _kept("store.url", settings.store.url, store, key)
        yield from _address(settings.public_url, key)


def _private_store(settings: Settings) -> Iterator[Finding]:
    if settings.store.private_url == settings.store.url:
        said = "private and public files lie in the same place, so that listeners could reach what is private"
        yield Finding(name="store.private_url", verdict="bad", said=said, fix="let store.private_url name another place")
        return
    store = open_store(settings.store.private_url, endpoint_url=settings.store.endpoint_url)
    with _probe(store) as key:
        yield _kept("store.private_url", settings.store.private_url, store, key)


@contextlib.contextmanager
def _probe(store: Store) -> Iterator[str]:
    key = f"_probe/{uuid.uuid4().hex}.mp3"
    store.put(key, SOUND, mime_type="audio/mpeg", cache_control=NO_STORE)
    try:
        yield key
    finally:
        store.delete(key)


def _kept(name: str, url: str, store: Store, key: str) -> Finding:
    stat = store.stat(key)
    if stat is None or store.get(key) != SOUND:
        return Finding(
            name=name, verdict="bad", said=f"{url} does not give back what was written", fix="look at the store's rights"
        )
    return _timed(name, f"{url} is written and read", stat.modified_at.timestamp())


def _address(public_url: str, key: str) -> Iterator[Finding]:
    """Whether listeners reach the store under the public address, as podcast apps ask for it."""
    yield from _address_itself(public_url)
    address = f"{public_url}/{key}"
    asked = {"Range": "bytes=0-1", "Origin": "https://player.example"}
    try:
        with httpx.Client(timeout=ANSWER_S) as client:
            head, part = client.head(address), client.get(address, headers=asked)
    except httpx.HTTPError as error:
        said = f"{public_url} does not answer: {error or type(error).__name__}"
        yield Finding(name="public_url", verdict="warn", said=said, fix="aircheck up")
        return
    wrong = [told for told, good in _wishes(head, part).items() if not good]
    if wrong:
        yield Finding(
            name="public_url", verdict="bad", said=f"{address}: {', '.join(wrong)}", fix="let public_url lead to store.url"
        )
    else:
        yield Finding(name="public_url", verdict="ok", said=f"{public_url} serves the store: length, type, ranges, CORS")


def _wishes(head: httpx.Response, part: httpx.Response) -> dict[str, bool]:
    """What went wrong in words, and whether it did not."""
    if head.status_code != 200:
        return {f"HEAD answers {head.status_code} for a file that lies in the store": False}
    return {
        "HEAD tells no or another length": head.headers.get("content-length") == str(len(SOUND)),
        f"the type is {head.headers.get('content-type')}, not audio/mpeg": head.headers.get("content-type") == "audio/mpeg",
        f"a range is answered with {part.status_code}, not 206": part.status_code == 206 and part.content == SOUND[:2],
        "other sites may not read it (no Access-Control-Allow-Origin: *)": part.headers.get("access-control-allow-origin") == "*",
    }


def _address_itself(public_url: str) -> Iterator[Finding]:
    host = urlsplit(public_url).hostname or ""
    if host in {"localhost", "127.0.0.1", "::1"} or host.endswith(".local"):
        said = f"{public_url} leads to this machine only: no podcast app elsewhere can follow the feed"
        yield Finding(name="address", verdict="warn", said=said, fix="public_url = https://your.host")
    elif not public_url.startswith("https://"):
        said = f"{public_url} is not https, which several podcast apps insist on"
        yield Finding(name="address", verdict="warn", said=said, fix="public_url = https://…")


# ---- what rooms and pages need


def _hooks(settings: Settings) -> Iterator[Finding]:
    hooks = settings.hooks
    absent = [root for root in hooks.roots if not Path(root).is_dir()]
    if absent:
        said = f"{', '.join(absent)} in hooks.roots is no folder"
        yield Finding(name="hooks", verdict="bad", said=said, fix=f"mkdir -p {' '.join(absent)}")
    elif not hooks.secret.get_secret_value():
        said, needed = "POST /hooks/rooms is closed: no hooks.secret is set", bool(hooks.roots)
        fix = "export AIRCHECK_HOOKS__SECRET=…" if needed else ""
        yield Finding(name="hooks", verdict="warn" if needed else "ok", said=said, fix=fix)
    else:
        yield Finding(name="hooks", verdict="ok", said=f"POST /hooks/rooms is open, below {', '.join(hooks.roots) or 'no folder'}")


def _fonts(_settings: Settings) -> Iterator[Finding]:
    from PIL import ImageFont

    from feeds.pages.assets import font_path

    stems = ("instrument-sans-latin", "newsreader-latin")
    try:
        for stem in stems:
            ImageFont.truetype(font_path(stem), 20)
    except OSError as error:
        fix = "pip install --force-reinstall pillow aircheck"
        yield Finding(name="fonts", verdict="bad", said=f"covers cannot be drawn: {error}", fix=fix)
    else:
        yield Finding(name="fonts", verdict="ok", said=f"{len(stems)} fonts for covers and pages")


Look = Callable[[Settings], Iterator[Finding]]
CHECKS: dict[str, Look] = {
    "python": _python, "data_dir": _data, "ffmpeg": _ffmpeg, "speech": _speech, "database": _database, "redis": _redis,
    "store.url": _public_store, "store.private_url": _private_store, "hooks": _hooks, "fonts": _fonts,
}  # fmt: skip
