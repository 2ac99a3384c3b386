"""Object storage: keys to bytes. Each store is named by the scheme of its address (`s3://…` is s3/, `file:///…` folder.py).

What every store promises:

* `put` is whole or not at all: a reader sees the old bytes or the new ones, also when the writer is killed.
* A key is a relative ASCII path of at most 900 letters (`KEY`), without hidden parts: it follows from ids, never from what a room
  wrote. Others are refused when written or deleted, and are simply not there when read.
* `etag` is strong and follows the content; it carries its quotes, as in HTTP.
* A missing object is None. A store that is away, full or refuses us is `Hindered`, in one line: the work waits for it. Bytes that
  did not arrive as they were are `Broken`: tried again, and never handed on.

A store is a module with `Options`, a frozen dataclass of what the settings may offer, and `open_at(place, options)`.
"""

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol, cast

from pipeline import shelf
from pipeline.errors import Broken, Refused

KEY = re.compile(r"(?!.{901})(?:[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}/)*[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}", re.ASCII)

MIME_TYPES = {
    "chapters.json": "application/json+chapters",
    ".css": "text/css; charset=utf-8",
    ".flac": "audio/flac",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".m4a": "audio/mp4",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".opus": "audio/ogg; codecs=opus",
    ".png": "image/png",
    ".srt": "application/x-subrip; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".vtt": "text/vtt; charset=utf-8",
    ".wav": "audio/wav",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
    ".xml": "application/rss+xml; charset=utf-8",
}


class Overtaken(Broken):
    """Somebody else wrote the object meanwhile: look again at what is meant to lie there, before anything is written."""

    code = "overtaken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat:
    """What a store knows of one object without reading it."""

    key: str
    size_bytes: int
    mime_type: str
    # with its quotes, as in HTTP
    etag: str
    # "" where the store cannot tell
    sha256: str
    modified_at: datetime
    cache_control: str = ""
    # Content-Disposition; "" where the object has no name of its own
    disposition: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What a store was found to do, beyond what every store must."""

    # how it wants the etag of a conditional put: with its quotes, without them, or not at all
    conditional: Literal["quoted", "bare", "none"]
    # it refuses bytes that do not fit the digest they were sent with
    checksums: bool
    # it gives parts of an object
    ranges: bool


class Store(Protocol):
    """Somewhere that keeps bytes under keys."""

    def put(
        self, key: str, content: bytes | Path, *, mime_type: str, cache_control: str, filename: str = "",
        if_match: str | None = None,
    ) -> Stat:  # fmt: skip
        """What now lies there; whole or not at all.

        `filename` is what listeners save it as. `if_match` is the etag that must lie there until now, "" for none at all: where
        something else does, the put is `Overtaken`, unless that is this very content. A store that is not `conditional` ignores it.
        """
        ...

    def get(self, key: str) -> bytes | None:
        """The object's bytes, or None: for small objects."""
        ...

    def read(self, key: str, first: int, length: int, *, etag: str = "") -> bytes | None:
        """At most so many bytes from that one on, fewer at the end, or None; of the version with that etag, or `Overtaken`."""
        ...

    def download(self, key: str, to: Path) -> None:
        """Write the object into a file, whole or not at all; a missing object is `Broken`, for it may still come."""
        ...

    def stat(self, key: str) -> Stat | None:
        """What is known of the object, or None."""
        ...

    def delete(self, key: str) -> None:
        """Remove it; harmless when it is not there."""
        ...

    def keys(self, prefix: str) -> Iterator[str]:
        """Every key that begins with these letters, in order."""
        ...

    @property
    def conditional(self) -> bool:
        """Whether `if_match` is kept, also when many write at the same moment."""
        ...

    def probe(self) -> Abilities:
        """What this store can do; found out once."""
        ...

    def tidy(self, older_than_s: float) -> int:
        """Remove what killed writers left behind longer ago than that, and nobody else's; how much it was."""
        ...


class StoreModule(Protocol):
    """A file on this shelf."""

    Options: type

    def open_at(self, place: str, options: object) -> Store:
        """The store at that place: what follows `scheme://` in the address."""
        ...


def open_store(url: str, **offered: object) -> Store:
    """The store at that address; of what is offered it takes the options that it declares and that are not empty."""
    scheme, mark, place = url.partition("://")
    if not mark or not re.fullmatch(r"[a-z][a-z0-9_]*", scheme):
        raise Refused(f"{url!r} is no store address; write file:///path/to/folder or s3://bucket/prefix", code="bad_store_url")
    plug = cast(StoreModule, shelf.take("pipeline.stores", "folder" if scheme == "file" else scheme))
    known = {field.name for field in dataclasses.fields(plug.Options)}
    return plug.open_at(place, plug.Options(**{name: value for name, value in offered.items() if name in known and value}))


def is_key(key: str) -> bool:
    """Whether an object may have that key."""
    return KEY.fullmatch(key) is not None


def checked_key(key: str) -> str:
    """The key itself; refused when no object may have it."""
    if not is_key(key):
        raise Refused(f"{key[:80]!r} cannot be a key: small ASCII path parts without hidden names only", code="bad_key")
    return key


def mime_type_of(key: str) -> str:
    """The exact type that a file of that name is served with."""
    name = key.rpartition("/")[2]
    suffix = name[name.rfind(".") :] if "." in name else ""
    return MIME_TYPES.get(name) or MIME_TYPES.get(suffix.lower()) or "application/octet-stream"
