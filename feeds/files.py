"""The public files of a show and of an episode: keys, types, how long they may be kept, and whether they stand."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from feeds import documents, pages
from feeds.catalogue import Episode, Show
from feeds.pictures import is_picture
from feeds.site import Site
from pipeline.stores import Stat, Store, mime_type_of
from pipeline.telling import Script, picture_file

FOR_EVER = "public, max-age=31536000, immutable"
A_MINUTE = "public, max-age=60, must-revalidate"
A_WHILE = "public, max-age=300, stale-while-revalidate=300"

PAGE, COVER, FEED = "index.html", "cover.jpg", "feed.xml"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicFile:
    """A file as it shall lie in the public store."""

    key: str
    content: bytes
    mime_type: str
    cache_control: str


def shared_files(show: Show) -> Iterator[PublicFile]:
    """What no episode changes: the assets of all pages, and the show's cover."""
    for name, asset in pages.assets().items():
        yield PublicFile(key=f"_assets/{name}", content=asset.content, mime_type=asset.mime_type, cache_control=FOR_EVER)
    yield _file(f"{show.slug}/{COVER}", pages.show_cover(show), A_WHILE)


def episode_files(
    show: Show, episode: Episode, script: Script, site: Site, pictures: Mapping[str, bytes]
) -> tuple[PublicFile, ...]:
    """The pictures of an episode's chapters, its documents, its cover and, last, the page that leads to them."""
    shown = {picture_file(chapter): pictures[chapter.image] for chapter in script.chapters if chapter.image}
    written = [(document.FILE, document.render(script)) for document in documents.told_by(script)]
    return (
        *(_file(episode.prefix + name, content, FOR_EVER) for name, content in shown.items()),
        *(_file(episode.prefix + name, content, A_MINUTE) for name, content in written),
        _file(episode.prefix + COVER, pages.episode_cover(show, episode), A_WHILE),
        _file(episode.prefix + PAGE, pages.episode_page(show, episode, script, site), A_MINUTE),
    )


def is_episode_file(name: str) -> bool:
    """Whether publishing may give a file in an episode's folder that name; audio has others."""
    return name in (PAGE, COVER) or is_picture(name) or any(name == document.FILE for document in documents.shelved())


def show_page_file(show: Show, content: bytes) -> PublicFile:
    return _file(f"{show.slug}/{PAGE}", content, A_MINUTE)


def feed_file(show: Show, content: bytes) -> PublicFile:
    return _file(f"{show.slug}/{FEED}", content, A_WHILE)


def standing(store: Store, file: PublicFile) -> Stat | None:
    """What lies there, if it is this file already."""
    stat = store.stat(file.key)
    return stat if stat is not None and is_standing(stat, file) else None


def put(store: Store, file: PublicFile, *, if_match: str | None = None) -> Stat:
    """What now lies there; `if_match` as in `Store.put`."""
    return store.put(file.key, file.content, mime_type=file.mime_type, cache_control=file.cache_control, if_match=if_match)


def is_standing(stat: Stat, file: PublicFile) -> bool:
    """Whether what lies there is this file."""
    if (stat.size_bytes, stat.mime_type) != (len(file.content), file.mime_type):
        return False
    if stat.sha256:
        return stat.sha256 == hashlib.sha256(file.content).hexdigest()
    return stat.etag.strip('"') == hashlib.md5(file.content, usedforsecurity=False).hexdigest()


def _file(key: str, content: bytes, cache_control: str) -> PublicFile:
    return PublicFile(key=key, content=content, mime_type=mime_type_of(key), cache_control=cache_control)
