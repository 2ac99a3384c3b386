"""The verdict on a show's feed: against its rows, and against the bytes it points at.

Podcast apps do not notice most mistakes, so nothing is believed that can be looked at.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from email.utils import parsedate_to_datetime
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped]
from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]

from feeds.catalogue import Episode, Show
from feeds.categories import category_of
from feeds.check_bytes import check_cover, check_enclosure, check_sidecars
from feeds.findings import REPUBLISH, Fetch, Finding, attribute_of, duration_of, path_of, text_of
from feeds.listing import is_listed, is_open, newest_first
from feeds.script import words_are_public
from feeds.tags import ENCLOSURE_FORMAT

CHANNEL_NEEDS = ("title", "link", "description", "language", "itunes:author", "itunes:explicit", "podcast:guid", "podcast:locked")
ITEM_NEEDS = ("title", "guid", "pubDate", "description", "itunes:duration", "itunes:explicit")


def check(feed: bytes, show: Show, episodes: Sequence[Episode], fetch: Fetch) -> tuple[Finding, ...]:
    """Everything that is wrong, the channel first, then item by item; nothing: the feed is sound."""
    try:
        root: Element = fromstring(feed, forbid_dtd=True)
    except (ParseError, DefusedXmlException) as error:
        return (Finding(rule="well-formed", said=f"the feed of {show.slug} is no XML: {error}", fix=REPUBLISH),)
    channel = root.find("channel")
    if root.tag != "rss" or channel is None:
        return (Finding(rule="well-formed", said=f"the feed of {show.slug} has no rss and channel", fix=REPUBLISH),)
    items = channel.findall("item")
    return (
        *_channel(channel, show),
        *check_cover(attribute_of(channel, "itunes:image", "href"), show.slug, fetch),
        *_unique(items),
        *_complete([text_of(item, "guid") for item in items], show, episodes),
        *(finding for item in items for finding in _item(item, show, episodes, fetch)),
    )


# ---- the channel


def _channel(channel: Element, show: Show) -> Iterator[Finding]:
    yield from _needed(channel, CHANNEL_NEEDS, "the channel")
    if text_of(channel, "podcast:guid") not in ("", show.guid):
        yield Finding(rule="guid", said=f"podcast:guid is not the show's own, {show.guid}", fix=REPUBLISH)
    if category_of(show.category) is None:
        fix = f"aircheck show edit {show.slug} --category 'Society & Culture'"
        yield Finding(rule="category", said=f"{show.category!r} is no category of Apple's", fix=fix)
    if not any(link.get("rel") == "self" for link in channel.findall(path_of("atom:link"))):
        yield Finding(rule="self", said="the feed does not name its own address", fix=REPUBLISH)


def _needed(parent: Element, names: Sequence[str], whose: str) -> Iterator[Finding]:
    for name in names:
        if not text_of(parent, name):
            yield Finding(rule="required", said=f"{whose} has no {name}", fix=REPUBLISH)


def _unique(items: Sequence[Element]) -> Iterator[Finding]:
    guids = Counter(text_of(item, "guid") for item in items)
    enclosures = Counter(attribute_of(item, "enclosure", "url") for item in items)
    for value, count in (*guids.items(), *enclosures.items()):
        if value and count > 1:
            yield Finding(rule="unique", said=f"{count} items share {value}", fix="withdraw all episodes of these but one")


def _complete(shown: Sequence[str], show: Show, episodes: Sequence[Episode]) -> Iterator[Finding]:
    """The feed holds what is published, all of it, nothing else, newest first."""
    listed = {e.guid: e for e in sorted(episodes, key=newest_first) if is_open(show, e) and is_listed(show, e)}
    for guid, episode in listed.items():
        if guid not in shown:
            yield Finding(rule="complete", said=f"{_name(episode)} is published and not in the feed", fix=REPUBLISH)
    for guid in shown:
        if guid not in listed:
            yield Finding(rule="private", said=f"the feed shows {guid}, which is not published", fix=REPUBLISH)
    if [guid for guid in listed if guid in shown] != [guid for guid in dict.fromkeys(shown) if guid in listed]:
        yield Finding(rule="order", said="the items are not newest first", fix=REPUBLISH)


# ---- an item


def _item(item: Element, show: Show, episodes: Sequence[Episode], fetch: Fetch) -> Iterator[Finding]:
    episode = next((e for e in episodes if e.guid == text_of(item, "guid")), None)
    name = _name(episode) if episode else text_of(item, "title")
    yield from _needed(item, ITEM_NEEDS, name)
    if not _is_date(text_of(item, "pubDate")):
        yield Finding(rule="date", said=f"{name} has the date {text_of(item, 'pubDate')!r}", fix=REPUBLISH)
    if episode is not None:
        yield from _as_stored(item, show, episode)
    yield from check_enclosure(item, name, fetch)
    yield from check_cover(attribute_of(item, "itunes:image", "href"), name, fetch)
    yield from check_sidecars(item, name, fetch)


def _as_stored(item: Element, show: Show, episode: Episode) -> Iterator[Finding]:
    """The item against its rows."""
    name = _name(episode)
    mp3 = next((r for r in episode.renditions if r.format == ENCLOSURE_FORMAT), None)
    if mp3 is None:
        yield Finding(rule="enclosure", said=f"{name} has no MP3", fix=f"aircheck retry {episode.recording_id}")
        return
    for attribute, measured in (("length", str(mp3.size_bytes)), ("type", mp3.mime_type)):
        if (stated := attribute_of(item, "enclosure", attribute)) != measured:
            yield Finding(rule="enclosure", said=f"{name} states the {attribute} {stated!r}, it is {measured!r}", fix=REPUBLISH)
    if not abs(duration_of(item) - mp3.duration_s) <= 1:
        stated = text_of(item, "itunes:duration")
        yield Finding(rule="duration", said=f"{name} states {stated!r} and lasts {mp3.duration_s:.1f} s", fix=REPUBLISH)
    if words_are_public(show, episode) is not (item.find(path_of("podcast:transcript")) is not None):
        yield Finding(rule="transcript", said=f"{name}: its transcripts are not as its words", fix=REPUBLISH)


def _is_date(text: str) -> bool:
    try:
        return parsedate_to_datetime(text).tzinfo is not None
    except ValueError:
        return False


def _name(episode: Episode) -> str:
    return f"episode {episode.slug}"
