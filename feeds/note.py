"""What publishing remembers of a show in the private store: it spares rendering, and losing it changes nothing but time."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

import feeds
import pipeline
from feeds.catalogue import Episode, Show, ShowAudio
from feeds.site import Site
from pipeline.edits import Edits
from pipeline.stores import Store

_LIBRARIES = ("feedgen", "lxml", "nh3", "jinja2", "pillow", "segno")


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """The files of an episode as they stand: their names in its folder, their size, and what they were rendered from."""

    # empty: to be rendered again whatever its rows say
    fingerprint: str
    files: tuple[str, ...]
    # of all of them together
    size_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What stands in the public store."""

    # somebody began to write and has not ended: there may be files that are not named here
    torn: bool = False
    # fingerprints of what every file depends on, and of what the show's page and feed were rendered from
    base: str = ""
    listed: str = ""
    feed_sha256: str = ""
    feed_etag: str = ""
    # by episode slug
    episodes: Mapping[str, Noted] = field(default_factory=dict)


_NOTE = TypeAdapter(Note)
_EPISODE = TypeAdapter(Episode)
_BASE: TypeAdapter[tuple[Show, Site]] = TypeAdapter(tuple[Show, Site])


def read_note(private: Store, show: Show) -> Note | None:
    """The note, or None when there is none that can be read."""
    try:
        return _NOTE.validate_json(private.get(_key(show)) or b"")
    except ValidationError:
        return None


def write_note(private: Store, show: Show, note: Note) -> None:
    private.put(_key(show), _NOTE.dump_json(note), mime_type="application/json", cache_control="private, no-store")


def forget_note(private: Store, show: Show) -> None:
    private.delete(_key(show))


def _key(show: Show) -> str:
    return f"{show.slug}/published.json"


# ---- fingerprints


def base_of(show: Show, site: Site) -> str:
    """Changes when the show, the addresses or the code that renders do; not with its revision counters or how it shall sound."""
    return digest(build(), _BASE.dump_json((replace(show, feed_rev=0, published_rev=0, audio=ShowAudio()), site)))


def fingerprint_of(episode: Episode, base: str) -> str:
    """Changes when anything does that one of the episode's files or its item could show."""
    shown = replace(episode, edits=Edits(), edits_heard=Edits(), original=None)
    return digest(base, _EPISODE.dump_json(shown))


def digest(*parts: str | bytes) -> str:
    """One hash of all parts."""
    hashed = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        hashed.update(b"%d:" % len(content) + content)
    return hashed.hexdigest()


@cache
def build() -> str:
    """Changes with every change of the code and templates that render."""
    files = [*_below(feeds), *_below(pipeline)]
    return digest(*(version(name) for name in _LIBRARIES), *(part for path in files for part in (path.name, path.read_bytes())))


def _below(package: Any) -> list[Path]:
    root = Path(package.__path__[0])
    return sorted(
        path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts and "web" not in path.parts
    )
