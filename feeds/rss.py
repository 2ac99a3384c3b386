"""A show's feed as RSS. Pure: the same rows give the same bytes. The only file that knows feedgen, and its habits.

feedgen (1.0.0) writes the plain RSS; everything in a namespace comes from tags.py and stands behind it, never from feedgen's own
podcast extension, which knows no true/false and drops some covers in silence. While it writes a date it changes the locale of
the whole process, so feeds are written one at a time; and it stamps the present time unless it is told another.
"""

import hashlib
import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from feedgen.entry import FeedEntry
from feedgen.feed import FeedGenerator
from lxml import etree

from feeds import xml
from feeds.catalogue import Episode, Show
from feeds.listing import newest_first
from feeds.notes import plain
from feeds.site import Site
from feeds.tags import CHANNEL_TAGS, ITEM_TAGS, NAMESPACES, Channel, Item, Tag, author
from feeds.xml import Filling
from pipeline.text import clean_line

T = TypeVar("T")

MIME_TYPE = "application/rss+xml; charset=utf-8"
_ONE_AT_A_TIME = threading.Lock()
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_ITEM_BEGINS, _ITEM_ENDS = b"    <item>\n", b"    </item>\n"
_GUID = re.compile(rb'\n      <guid isPermaLink="false">([0-9a-f-]{36})</guid>\n')
_CHANNEL_ENDS = b"  </channel>\n</rss>\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """An episode that is left out of the feed, and why."""

    slug: str
    title: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """The feed's bytes, and who is not in it."""

    content: bytes
    quarantined: tuple[Quarantined, ...]

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def render(show: Show, episodes: Sequence[Episode], site: Site, *, standing: Mapping[str, memoryview] | None = None) -> Feed:
    """The feed of these episodes, newest first; one that cannot be written is left out and named.

    `standing` holds items by guid that were rendered from the same rows before (`items_of` an earlier feed).
    """
    with _ONE_AT_A_TIME:
        written: list[tuple[Episode, bytes | memoryview]] = []
        quarantined: list[Quarantined] = []
        for episode in sorted(episodes, key=newest_first):
            try:
                item = (standing or {}).get(episode.guid) or _item(Item(show=show, episode=episode, site=site))
                written.append((episode, item))
            except Exception as error:  # whatever is wrong with one episode, the others stay in the feed
                quarantined.append(_quarantined(episode, error))
        head = _channel(Channel(show=show, episodes=[episode for episode, _ in written], site=site))
    return Feed(content=b"".join([head, *(item for _, item in written), _CHANNEL_ENDS]), quarantined=tuple(quarantined))


def items_of(feed: bytes) -> dict[str, memoryview]:
    """The items of a feed of ours as they are written in it, by guid; views of it, for it may be large."""
    view, found = memoryview(feed), {}
    begin = feed.find(_ITEM_BEGINS)
    while begin >= 0:
        end = feed.index(_ITEM_ENDS, begin) + len(_ITEM_ENDS)
        if guid := _GUID.search(feed, begin, end):
            found[guid[1].decode()] = view[begin:end]
        begin = feed.find(_ITEM_BEGINS, end)
    return found


def _quarantined(episode: Episode, error: Exception) -> Quarantined:
    why = "there is no MP3 of it" if isinstance(error, StopIteration) else f"{type(error).__name__}: {error}"
    return Quarantined(slug=episode.slug, title=clean_line(episode.title), why=clean_line(why))


# ---- the channel


def _channel(channel: Channel) -> bytes:
    """Everything of the feed before its first item."""
    show, site = channel.show, channel.site
    title = clean_line(show.title) or show.slug
    feed = FeedGenerator()
    feed.title(title)
    feed.description(plain(show.description) or title)
    feed.language(clean_line(show.language) or "en")
    feed.copyright(author(show))
    feed.generator(clean_line(site.generator))
    feed.image(url=site.url(f"{show.slug}/cover.jpg"), title=title, link=site.show_url(show))
    feed.lastBuildDate(max((e.published_at or e.started_at for e in channel.episodes), default=_LONG_AGO))
    feed.link(href=site.show_url(show))
    feed.register_extension("aircheck", _Namespaces, atom=False)
    content: bytes = feed.rss_str(pretty=True)
    if not channel.episodes:
        content = re.sub(rb"\n *<lastBuildDate>[^<]*</lastBuildDate>", b"", content)
    return content.removesuffix(_CHANNEL_ENDS) + xml.lines(_filled(CHANNEL_TAGS, channel), "    ").encode()


# ---- an item


def _item(item: Item) -> bytes:
    """The item's lines, as they stand inside the channel."""
    entry = FeedEntry()
    entry.title(item.title)
    entry.link(href=item.site.episode_url(item.episode))
    entry.guid(item.episode.guid, permalink=False)
    entry.description(item.notes)
    entry.content(item.notes)
    entry.enclosure(item.site.url(item.enclosure.key), str(item.enclosure.size_bytes), item.enclosure.mime_type)
    rows = xml.lines(_filled(ITEM_TAGS, item), "      ")
    return _lines(entry.rss_entry()).replace(_ITEM_ENDS, rows.encode() + _ITEM_ENDS)


def _lines(item: Any) -> bytes:
    rss = etree.Element("rss", nsmap=dict(NAMESPACES))
    etree.SubElement(rss, "channel").append(item)
    whole: bytes = etree.tostring(rss, encoding="UTF-8", pretty_print=True)
    return whole[whole.index(_ITEM_BEGINS) : whole.rindex(b"  </channel>")]


# ---- tags


def _filled(tags: Iterable[Tag[T]], source: T) -> list[tuple[str, Filling]]:
    return [(tag.name, filling) for tag in tags for filling in tag.fill(source)]


class _Namespaces:
    """Declares our namespaces on the rss element; the interface is that of feedgen's extensions."""

    def extend_ns(self) -> dict[str, str]:
        return dict(NAMESPACES)

    def extend_rss(self, rss: Any) -> Any:
        return rss
