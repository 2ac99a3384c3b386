"""A show's rows become its files in the public store: only what changed, what is pointed at first, the feed last.

Whoever calls holds the show's lease, and is asked again before every write whether he still does. The feed is only put over the
one that stood before the rows were read: a writer who fell asleep does not put an old feed over a newer one, and is `Overtaken`.
Any step may be repeated or cut short: the next call ends with the same bytes.
"""

import hashlib
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from pydantic import TypeAdapter, ValidationError

from feeds import pages, rss
from feeds.catalogue import Episode, Show
from feeds.files import (
    COVER,
    FEED,
    PAGE,
    PublicFile,
    episode_files,
    feed_file,
    is_episode_file,
    is_standing,
    put,
    shared_files,
    show_page_file,
    standing,
)
from feeds.listing import OPEN, is_listed, is_open, newest_first
from feeds.note import Note, Noted, base_of, digest, fingerprint_of, forget_note, read_note, write_note
from feeds.pictures import kept_key, read_pictures, with_pictures
from feeds.rss import Quarantined as Quarantined
from feeds.script import tell, words_are_public
from feeds.site import Site as Site
from feeds.tags import ENCLOSURE_FORMAT
from pipeline.models import Transcript
from pipeline.stores import Overtaken, Stat, Store
from pipeline.text import clean_line

# The enclosures of so many of the newest episodes are looked at at every publishing; those of older ones when they changed.
LOOKED_AT = 300
HANDS = 8
NOTE_EVERY_S = 1.0
_TRANSCRIPT = TypeAdapter(Transcript)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What publishing did; nothing written and nothing removed means that the files stood already."""

    # keys of the public store, in the order in which they were written and removed
    writes: tuple[str, ...]
    removed: tuple[str, ...]
    # episodes whose files stood already
    skipped: int
    # who was left out of the feed, or published without words, and why
    quarantined: tuple[Quarantined, ...]
    # empty: the show has no public feed
    feed_sha256: str
    feed_etag: str


def feed_etag(public: Store, show_slug: str) -> str:
    """The etag of the feed that stands, "" for none. Look before the rows are read, and it cannot be newer than they are."""
    stat = public.stat(f"{show_slug}/{FEED}")
    return stat.etag if stat else ""


def read_words(private: Store, episode: Episode) -> Transcript | None:
    """The machine's words of the episode, or None where they are not to be read."""
    try:
        return _TRANSCRIPT.validate_json(private.get(episode.words_key) or b"")
    except ValidationError:
        return None


def unguarded() -> None:
    """For publishing where nobody else does."""


def publish(
    show: Show,
    episodes: Sequence[Episode],
    *,
    public: Store,
    private: Store,
    site: Site,
    over: str | None = None,
    must_hold: Callable[[], None] = unguarded,
    force: bool = False,
) -> Published:
    """Bring the show's public files up to its rows.

    `over` is the `feed_etag` that stood before the rows were read. `must_hold` raises when the show is another's to publish, and
    nothing is written any more. `force` believes no note of what stands and looks at every file. Errors: `Overtaken` when another
    has put a feed meanwhile.
    """
    before = feed_etag(public, show.slug) if over is None else over
    publishing = _Publishing(show, public=public, private=private, site=site, before=before, must_hold=must_hold)
    if show.access not in OPEN:
        return publishing.withdrawn()
    if not force:
        publishing.recall()
    return publishing.published(episodes)


@dataclass(slots=True, kw_only=True)
class _Told:
    """An episode on its way into the feed."""

    episode: Episode
    fingerprint: str
    # names of its files in its folder, and their size together
    files: tuple[str, ...]
    size_bytes: int
    # its files stood already
    fresh: bool
    # they stand now
    stands: bool
    trouble: str = ""
    # the trouble keeps it out of the feed
    out: bool = False

    def hold_back(self, why: str) -> None:
        self.trouble, self.out = why, True

    @property
    def noted(self) -> Noted:
        fingerprint = self.fingerprint if self.stands and not self.trouble else ""
        return Noted(fingerprint=fingerprint, files=self.files, size_bytes=self.size_bytes)


class _Publishing:
    """One publishing of one show."""

    def __init__(
        self, show: Show, *, public: Store, private: Store, site: Site, before: str, must_hold: Callable[[], None]
    ) -> None:
        self.show, self.public, self.private, self.site = show, public, private, site
        self.before, self.must_hold = before, must_hold
        self.base = base_of(show, site)
        self.note = Note()
        self.told: list[_Told] = []
        self.writes: list[str] = []
        self.removed: list[str] = []
        self.noted_at_s = -NOTE_EVERY_S
        self.writing = threading.Lock()

    def recall(self) -> None:
        """Believe the note of what stands: nothing of it when the feed it speaks of is gone, not its feed when that is another."""
        note = read_note(self.private, self.show) or Note()
        if self.before == note.feed_etag:
            self.note = note
        elif self.before:
            self.note = replace(note, listed="", feed_sha256="", feed_etag="")

    def published(self, episodes: Sequence[Episode]) -> Published:
        before = self._standing()
        self.told = [self._begun(e, before) for e in sorted(episodes, key=newest_first) if is_open(self.show, e)]
        if self.note.base != self.base:
            self._put(shared_files(self.show))
        self._tell_all([one for one in self.told if not one.fresh])
        listed = [one for one in self.told if is_listed(self.show, one.episode) and not one.out]
        self._check_enclosures(listed)
        feed = self._put_feed([one for one in listed if not one.out])
        self._remove(before)
        self._remember(replace(feed, base=self.base, episodes=self._episodes_noted()))
        if feed.feed_etag != self.before:
            self._must_stand(feed.feed_etag)
        return self._report(feed)

    def withdrawn(self) -> Published:
        """A show that is not public has no public files: the feed goes first."""
        shows_own = [key for name in (FEED, PAGE, COVER) if self.public.stat(key := f"{self.show.slug}/{name}")]
        self._delete(shows_own)
        self._remove(self._found())
        if read_note(self.private, self.show):
            self.must_hold()
            forget_note(self.private, self.show)
        return self._report(Note())

    def _report(self, feed: Note) -> Published:
        return Published(
            writes=tuple(self.writes), removed=tuple(self.removed), skipped=sum(one.fresh for one in self.told),
            quarantined=tuple(_quarantined(one) for one in self.told if one.trouble),
            feed_sha256=feed.feed_sha256, feed_etag=feed.feed_etag,
        )  # fmt: skip

    # ---- episodes

    def _begun(self, episode: Episode, before: Mapping[str, tuple[str, ...]]) -> _Told:
        fingerprint = fingerprint_of(episode, self.base)
        noted = self.note.episodes.get(episode.slug)
        fresh = noted is not None and noted.fingerprint == fingerprint
        files, size_bytes = before.get(episode.slug, ()), noted.size_bytes if noted else 0
        return _Told(episode=episode, fingerprint=fingerprint, files=files, size_bytes=size_bytes, fresh=fresh, stands=fresh)

    def _tell_all(self, changed: Sequence[_Told]) -> None:
        with ThreadPoolExecutor(HANDS) as hands:
            for _ in hands.map(self._tell, changed):
                pass

    def _tell(self, told: _Told) -> None:
        """Render the episode's files and put them into the store; what lies there is looked at where something did."""
        transcript = self._words_of(told)
        try:
            files = self._rendered(told, transcript)
        except Exception as error:  # whatever is wrong with one episode, the others go on
            told.hold_back(f"{type(error).__name__}: {error}")
            return
        names = tuple(file.key.removeprefix(told.episode.prefix) for file in files)
        for name, file in zip(names, files, strict=True):
            if name not in told.files or not standing(self.public, file):
                self._written(file)
        told.files, told.size_bytes = names, sum(len(file.content) for file in files)
        told.stands = True

    def _words_of(self, told: _Told) -> Transcript | None:
        """The words that may be told; None also when the store has lost them, which is a trouble."""
        if not words_are_public(self.show, told.episode):
            return None
        words = read_words(self.private, told.episode)
        if words is None:
            told.trouble = f"its words cannot be read at {told.episode.words_key} in the private store: published without them"
        return words

    def _rendered(self, told: _Told, transcript: Transcript | None) -> tuple[PublicFile, ...]:
        pictures = self._pictures_of(told)
        script = tell(told.episode, transcript, folder_url=self.site.url(told.episode.prefix))
        if not script.segments:
            told.episode = _wordless(told.episode)
        return episode_files(self.show, told.episode, script, self.site, pictures)

    def _pictures_of(self, told: _Told) -> Mapping[str, bytes]:
        """Those of its chapters by sha256; chapters whose picture the store has lost go without it, which is a trouble."""
        pictures = read_pictures(self.private, told.episode)
        lost = next((c.image for c in told.episode.chapters if c.image and c.image not in pictures), "")
        if lost:
            where = kept_key(told.episode, lost)
            told.trouble = f"a chapter's picture cannot be read at {where} in the private store: published without it"
            told.episode = with_pictures(told.episode, pictures)
        return pictures

    def _check_enclosures(self, listed: Sequence[_Told]) -> None:
        """Hold back whatever the feed would point at in vain."""
        looked_at = [one for n, one in enumerate(listed) if n < LOOKED_AT or not one.fresh]
        with ThreadPoolExecutor(HANDS) as hands:
            for one, why in zip(looked_at, hands.map(self._why_silent, looked_at), strict=True):
                if why:
                    one.hold_back(why)

    def _why_silent(self, told: _Told) -> str:
        enclosure = next((r for r in told.episode.renditions if r.format == ENCLOSURE_FORMAT), None)
        if enclosure is None:
            return "there is no MP3 of it"
        stat = self.public.stat(enclosure.key)
        if stat is None:
            return f"{enclosure.key} is not in the store"
        stands, stated = (stat.size_bytes, stat.mime_type), (enclosure.size_bytes, enclosure.mime_type)
        return "" if stands == stated else f"{enclosure.key} is {stands[0]} bytes of {stands[1]}, not {stated[0]} of {stated[1]}"

    # ---- the show

    def _put_feed(self, listed: Sequence[_Told]) -> Note:
        """What is to be noted of the feed; the show's page and the feed are put when anything in them changed."""
        fingerprint = digest(self.base, *(one.fingerprint for one in listed))
        if self.note.listed == fingerprint and all(one.fresh for one in listed):
            return self.note
        feed = rss.render(self.show, [one.episode for one in listed], self.site, standing=self._items_standing(listed))
        for poisoned in feed.quarantined:
            next(one for one in listed if one.episode.slug == poisoned.slug).hold_back(poisoned.why)
        page = pages.show_page(self.show, [one.episode for one in listed if not one.out], self.site)
        self._put([show_page_file(self.show, page)])
        etag = self._feed_put(feed_file(self.show, feed.content))
        return Note(listed=fingerprint, feed_sha256=feed.sha256, feed_etag=etag)

    def _feed_put(self, file: PublicFile) -> str:
        """The etag of the feed, put over the one that stood when we began, or over none at all."""
        stat = self.public.stat(file.key)
        if stat and is_standing(stat, file):
            return stat.etag
        if (stat.etag if stat else "") != self.before:
            raise self._overtaken()
        return self._written(file, if_match=self.before).etag

    def _must_stand(self, etag: str) -> None:
        """What a store without conditions cannot promise is looked at: that nobody put another feed at the same moment."""
        if feed_etag(self.public, self.show.slug) != etag:
            raise self._overtaken()

    def _overtaken(self) -> Overtaken:
        return Overtaken(f"somebody else has published {self.show.slug} meanwhile; it is done again from the rows as they are now")

    def _items_standing(self, listed: Sequence[_Told]) -> Mapping[str, memoryview]:
        """The items of the feed as it stands that need no rendering."""
        if not any(one.fresh for one in listed):
            return {}
        content = self.public.get(f"{self.show.slug}/{FEED}") or b""
        if hashlib.sha256(content).hexdigest() != self.note.feed_sha256:
            return {}
        items = rss.items_of(content)
        return {guid: items[guid] for one in listed if one.fresh and (guid := one.episode.guid) in items}

    # ---- what stands

    def _standing(self) -> Mapping[str, tuple[str, ...]]:
        """The names of our files by episode slug: as noted, or as found where no note can be believed."""
        if self.note.torn or not self.note.base:
            return self._found()
        return {slug: noted.files for slug, noted in self.note.episodes.items()}

    def _found(self) -> Mapping[str, tuple[str, ...]]:
        names: dict[str, list[str]] = defaultdict(list)
        for key in self.public.keys(f"{self.show.slug}/"):
            slug, _, name = key.removeprefix(f"{self.show.slug}/").partition("/")
            if is_episode_file(name):
                names[slug].append(name)
        return {slug: tuple(found) for slug, found in names.items()}

    def _remove(self, before: Mapping[str, tuple[str, ...]]) -> None:
        """What is no longer told goes, after the feed that pointed at it; audio is not ours to remove."""
        now = {one.episode.slug: one.files for one in self.told}
        self._delete(
            f"{self.show.slug}/{slug}/{name}"
            for slug, names in sorted(before.items())
            for name in names
            if name not in now.get(slug, ())
        )

    # ---- the note

    def _episodes_noted(self) -> dict[str, Noted]:
        return {one.episode.slug: one.noted for one in self.told if one.files}

    def _remember(self, note: Note) -> None:
        if note != self.note or self.writes or self.removed:
            self.must_hold()
            write_note(self.private, self.show, note)

    def _remember_progress(self) -> None:
        """Before the first change, and now and then: who is killed goes on from here."""
        if time.monotonic() - self.noted_at_s >= NOTE_EVERY_S:
            self.must_hold()
            write_note(self.private, self.show, replace(self.note, torn=True, episodes=self._episodes_noted()))
            self.noted_at_s = time.monotonic()

    # ---- writing

    def _put(self, files: Iterable[PublicFile]) -> None:
        for file in files:
            if not standing(self.public, file):
                self._written(file)

    def _written(self, file: PublicFile, *, if_match: str | None = None) -> Stat:
        with self.writing:
            self._remember_progress()
            self.writes.append(file.key)
        self.must_hold()
        return put(self.public, file, if_match=if_match)

    def _delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._remember_progress()
            self.must_hold()
            self.public.delete(key)
            self.removed.append(key)


def _wordless(episode: Episode) -> Episode:
    return replace(episode, words=replace(episode.words, count=0)) if episode.words else episode


def _quarantined(told: _Told) -> Quarantined:
    return Quarantined(slug=told.episode.slug, title=clean_line(told.episode.title), why=clean_line(told.trouble, 500))
