"""What our feed says beyond plain RSS: a row a tag, with how to fill it. The order of the rows is their order in the feed."""

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import format_datetime
from functools import cached_property, lru_cache
from typing import Generic, TypeVar

from feeds import documents
from feeds.catalogue import Episode, Person, Show, StoredRendition
from feeds.categories import category_of
from feeds.notes import notes, web_address
from feeds.script import chapters_of, named, words_are_public
from feeds.site import Site
from feeds.xml import Filling
from pipeline.clock import written_ms
from pipeline.models import Chapter
from pipeline.telling import picture_file
from pipeline.text import clean_line

T = TypeVar("T")

NAMESPACES: Mapping[str, str] = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "podcast": "https://podcastindex.org/namespace/1.0",
    "psc": "http://podlove.org/simple-chapters",
}

ENCLOSURE_FORMAT = "mp3"
# Role in the room -> role in the podcast namespace's taxonomy, group "cast".
CAST = {"host": "host", "cohost": "co-host", "moderator": "co-host"}
MOST_HOSTS = 10


# ---- what rows are filled from


@dataclass(frozen=True, kw_only=True)
class Item:
    """An episode in a show's feed."""

    show: Show
    episode: Episode
    site: Site

    @cached_property
    def words_told(self) -> bool:
        return words_are_public(self.show, self.episode)

    @cached_property
    def chapters(self) -> tuple[Chapter, ...]:
        return chapters_of(self.episode, drafts=self.words_told)

    @cached_property
    def title(self) -> str:
        return clean_line(self.episode.title) or f"{clean_line(self.show.title)}, {self.episode.started_at:%Y-%m-%d}"

    @cached_property
    def notes(self) -> str:
        return notes(self.episode.description, self.chapters) or notes(self.title, ())

    @property
    def enclosure(self) -> StoredRendition:
        """The MP3; an episode without one has no place in a feed."""
        return next(r for r in self.episode.renditions if r.format == ENCLOSURE_FORMAT)

    @cached_property
    def folder_url(self) -> str:
        return self.site.url(self.episode.prefix)

    def url(self, name: str) -> str:
        """The address of a file in the episode's folder."""
        return self.folder_url + name


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A show's feed with what it holds, newest first."""

    show: Show
    episodes: Sequence[Episode]
    site: Site


# ---- what a row is


@dataclass(frozen=True, slots=True)
class Tag(Generic[T]):
    """`name` with its prefix, and the elements of that name that a show or an episode gets."""

    name: str
    fill: Callable[[T], Iterable[Filling]]


def _text(text: str) -> list[Filling]:
    return [Filling(text)] if text else []


def _yes_no(truth: bool) -> list[Filling]:
    return [Filling("true" if truth else "false")]


# ---- filling


def _links(channel: Channel) -> list[Filling]:
    own = Filling(attributes={"href": channel.site.feed_url(channel.show), "rel": "self", "type": "application/rss+xml"})
    return [own, *([Filling(attributes={"href": channel.site.hub_url, "rel": "hub"})] if channel.site.hub_url else [])]


def _owner(channel: Channel) -> list[Filling]:
    if not channel.show.owner_email:
        return []
    name = ("itunes:name", Filling(author(channel.show)))
    return [Filling(children=(name, ("itunes:email", Filling(clean_line(channel.show.owner_email)))))]


def _category(channel: Channel) -> list[Filling]:
    found = category_of(channel.show.category)
    if found is None:
        return []
    top, sub = found
    return [Filling(attributes={"text": top}, children=(("itunes:category", Filling(attributes={"text": sub})),) if sub else ())]


def _locked(channel: Channel) -> list[Filling]:
    return [Filling("yes", {"owner": clean_line(channel.show.owner_email)})]


def _hosts(channel: Channel) -> list[Filling]:
    """Everybody who hosts an episode, once each, those of the newest first."""
    hosts: dict[str, Person] = {}
    for person in (p for episode in channel.episodes for p in named(episode) if p.role == "host"):
        hosts.setdefault(clean_line(person.name), person)
    return [_person(host) for host in list(hosts.values())[:MOST_HOSTS]]


def _blocked(channel: Channel) -> list[Filling]:
    return [] if channel.show.access == "public" else [Filling("yes")]


def _channel_ai(channel: Channel) -> list[Filling]:
    return _ai(any(words_are_public(channel.show, episode) for episode in channel.episodes))


def _ai(machine_words: bool) -> list[Filling]:
    return [Filling("true", {"purpose": "ai-content"})] if machine_words else []


@lru_cache(1000)
def _person(person: Person) -> Filling:
    role, image, page = CAST.get(person.role, "guest"), web_address(person.image), web_address(person.url)
    return Filling(clean_line(person.name, 128), {"role": role, "group": "cast", "img": image, "href": page})


def _transcripts(item: Item) -> list[Filling]:
    if not item.words_told:
        return []
    assert item.episode.words
    language = clean_line(item.episode.words.language or item.episode.language or item.show.language, 35)
    return [
        Filling(
            attributes={
                "url": item.url(d.FILE), "type": d.MIME_TYPE, "language": language, "rel": "captions" if d.CAPTIONS else "",
            }
        )
        for d in documents.in_feed("transcript")
    ]  # fmt: skip


def _chapter_files(item: Item) -> list[Filling]:
    forms = documents.in_feed("chapters") if item.chapters else ()
    return [Filling(attributes={"url": item.url(d.FILE), "type": d.MIME_TYPE}) for d in forms]


def _simple_chapters(item: Item) -> list[Filling]:
    chapters = tuple(("psc:chapter", Filling(attributes=_simple_chapter(item, c))) for c in item.chapters)
    return [Filling(attributes={"version": "1.2"}, children=chapters)] if chapters else []


def _simple_chapter(item: Item, chapter: Chapter) -> dict[str, str]:
    name = picture_file(chapter)
    return {
        "start": written_ms(chapter.start_s), "title": chapter.title, "href": web_address(chapter.url),
        "image": item.url(name) if name else "",
    }  # fmt: skip


def _people(item: Item) -> list[Filling]:
    return [_person(person) for person in named(item.episode)]


def _alternates(item: Item) -> list[Filling]:
    return [_alternate(item, r) for r in item.episode.renditions if r.sha384] if item.episode.state == "complete" else []


def _alternate(item: Item, rendition: StoredRendition) -> Filling:
    hashed = base64.b64encode(bytes.fromhex(rendition.sha384)).decode()
    return Filling(
        attributes={
            "type": rendition.mime_type, "length": str(rendition.size_bytes), "bitrate": str(rendition.bitrate_kbps * 1000),
            "title": f"{rendition.format.upper()} {rendition.bitrate_kbps} kbps",
            "default": "true" if rendition.format == ENCLOSURE_FORMAT else "",
        },
        children=(
            ("podcast:source", Filling(attributes={"uri": item.site.url(rendition.key)})),
            ("podcast:integrity", Filling(attributes={"type": "sri", "value": f"sha384-{hashed}"})),
        ),
    )  # fmt: skip


def author(show: Show) -> str:
    """Who speaks for the show."""
    return clean_line(show.author) or clean_line(show.title)


def whole_seconds(item: Item) -> int:
    """The length of what the enclosure plays; at least 1, as 0 means unknown."""
    return max(1, round(item.enclosure.duration_s))


# ---- the rows

CHANNEL_TAGS: tuple[Tag[Channel], ...] = (
    Tag("atom:link", _links),
    Tag("itunes:author", lambda c: _text(author(c.show))),
    Tag("itunes:owner", _owner),
    Tag("itunes:image", lambda c: [Filling(attributes={"href": c.site.url(f"{c.show.slug}/cover.jpg")})]),
    Tag("itunes:category", _category),
    Tag("itunes:explicit", lambda c: _yes_no(c.show.explicit)),
    Tag("itunes:type", lambda _: _text("episodic")),
    Tag("itunes:block", _blocked),
    Tag("podcast:guid", lambda c: _text(clean_line(c.show.guid))),
    Tag("podcast:locked", _locked),
    Tag("podcast:medium", lambda _: _text("podcast")),
    Tag("podcast:block", _blocked),
    Tag("podcast:person", _hosts),
    Tag("podcast:txt", _channel_ai),
)

ITEM_TAGS: tuple[Tag[Item], ...] = (
    Tag("pubDate", lambda i: _text(format_datetime(i.episode.started_at))),
    Tag("itunes:title", lambda i: _text(i.title)),
    Tag("itunes:author", lambda i: _text(author(i.show))),
    Tag("itunes:duration", lambda i: _text(str(whole_seconds(i)))),
    Tag("itunes:episodeType", lambda _: _text("full")),
    Tag("itunes:explicit", lambda i: _yes_no(i.show.explicit)),
    Tag("itunes:image", lambda i: [Filling(attributes={"href": i.url("cover.jpg")})]),
    Tag("podcast:person", _people),
    Tag("podcast:transcript", _transcripts),
    Tag("podcast:chapters", _chapter_files),
    Tag("psc:chapters", _simple_chapters),
    Tag("podcast:alternateEnclosure", _alternates),
    Tag("podcast:txt", lambda i: _ai(i.words_told)),
)
