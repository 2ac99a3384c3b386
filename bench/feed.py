"""How long a show's feed takes: rebuilt, with one new episode, and unchanged; beside feedgen alone writing the same plain items.
And a burst: episodes of one show that finish at once, published by the real jobs into a folder and into S3.

python bench/feed.py [EPISODES ...]        default: 300 1000 10000
python bench/feed.py burst [EPISODES]      default: 50
"""

import gc
import io
import os
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).parent.parent))

from fakes_feeds import SITE, a_show, an_episode
from fakes_rooms import a_room
from feedgen.feed import FeedGenerator

from bench.trial.quick import quick_bodies
from bench.trial.servers import S3_CREDENTIALS, S3Server
from feeds import rss
from feeds.catalogue import Episode, Show, ShowRow, add_show
from feeds.listing import newest_first
from feeds.note import Note, Noted, base_of, digest, fingerprint_of, write_note
from feeds.publish import publish
from pipeline.stores import Abilities, Stat, Store, open_store
from workers.broker import start_workers
from workers.heart import Heart
from workers.house import House
from workers.intake import IntakeRules, accept
from workers.ledger import Claim
from workers.settings import Settings, StoreSettings
from workers.wiring import open_house
from workers.work_loop import Outcome, WorkLoop


class Shelf:
    """A store in a folder where every MP3 seems to lie."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.written = 0

    def put(self, key: str, content: bytes | Path, **about: Any) -> Stat:
        self.written += 1
        return self.store.put(key, content, **about)

    def stat(self, key: str) -> Stat | None:
        if not key.endswith("episode.mp3"):
            return self.store.stat(key)
        return Stat(
            key=key, size_bytes=4_800, mime_type="audio/mpeg", etag='""', sha256="", modified_at=datetime(2026, 1, 1, tzinfo=UTC)
        )

    def get(self, key: str) -> bytes | None:
        return self.store.get(key)

    def download(self, key: str, to: Path) -> None:
        self.store.download(key, to)

    def delete(self, key: str) -> None:
        self.store.delete(key)

    def keys(self, prefix: str) -> Iterator[str]:
        return self.store.keys(prefix)

    @property
    def conditional(self) -> bool:
        return self.store.conditional

    def probe(self) -> Abilities:
        return self.store.probe()

    def tidy(self, older_than_s: float) -> int:
        return self.store.tidy(older_than_s)

    def read(self, key: str, first: int, length: int, *, etag: str = "") -> bytes | None:
        return self.store.read(key, first, length, etag=etag)


def published(episodes: Sequence[Episode], folder: str) -> tuple[Shelf, Store]:
    """The stores as a publishing leaves them, without the pages, whose making is not measured here."""
    public, private = Shelf(open_store(f"file://{folder}/public")), open_store(f"file://{folder}/private")
    base, newest = base_of(a_show(), SITE), sorted(episodes, key=newest_first)
    prints = {e.slug: fingerprint_of(e, base) for e in newest}
    feed = rss.render(a_show(), newest, SITE)
    stat = public.put("tuesday/feed.xml", feed.content, mime_type=rss.MIME_TYPE, cache_control="")
    note = Note(
        base=base, listed=digest(base, *prints.values()), feed_sha256=feed.sha256, feed_etag=stat.etag,
        episodes={slug: Noted(fingerprint=printed, files=("index.html",)) for slug, printed in prints.items()},
    )  # fmt: skip
    write_note(private, a_show(), note)
    public.written = 0
    return public, private


def plain_feedgen(episodes: Sequence[Episode]) -> None:
    """The same titles, notes and enclosures by feedgen alone: nothing of the podcast namespaces."""
    feed = FeedGenerator()
    feed.title("Tuesday")
    feed.link(href="https://pods.example/")
    feed.description("Talk")
    for episode in episodes:
        entry = feed.add_entry(order="append")
        entry.title(episode.title)
        entry.guid(episode.guid)
        entry.description(episode.description)
        entry.enclosure("https://pods.example/e.mp3", "4800", "audio/mpeg")
        entry.pubDate(episode.started_at)
    io.BytesIO(feed.rss_str()).getvalue()


def seconds(work: Callable[[], object], times: int = 3) -> float:
    """The best of some runs, in this process's own seconds."""
    taken = []
    for _ in range(times):
        gc.collect()
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def measure(count: int, folder: str) -> None:
    episodes = [an_episode(number) for number in range(count)]
    audible = replace(episodes[0], words=None, words_key="", chapters=(), state="audible")
    rebuilt_s = seconds(lambda: rss.render(a_show(), episodes, SITE))
    public, private = published(episodes, folder)
    same_s = seconds(lambda: publish(a_show(), episodes, public=public, private=private, site=SITE))
    writes = public.written
    stat = public.stat("tuesday/feed.xml")
    size_mb = stat.size_bytes / 1e6 if stat else 0.0
    new_s = seconds(lambda: publish(a_show(), [*episodes[1:], audible], public=public, private=private, site=SITE), times=1)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    plain_s = seconds(lambda: plain_feedgen(episodes))
    print(
        f"{count:>6} episodes, {size_mb:5.1f} MB, peak {peak_mb:4.0f} MB: "
        f"rebuilt {rebuilt_s:5.2f} s, {rebuilt_s / plain_s:4.1f} x feedgen alone; one changed {new_s:5.2f} s; "
        f"unchanged {same_s:5.2f} s, {writes} writes"
    )


# ---- a burst


class Counted(Shelf):
    """A store that counts the feeds that are put."""

    feeds = 0

    def put(self, key: str, content: bytes | Path, **about: Any) -> Stat:
        self.feeds += key.endswith("/feed.xml")
        return self.store.put(key, content, **about)

    def stat(self, key: str) -> Stat | None:
        return self.store.stat(key)


def burst(count: int, where: str, settings: Settings) -> None:
    """So many episodes have been uploaded and are finished in the same moment; a line about when they are in the feed."""
    with open_house(settings) as opened:
        public = Counted(opened.public)
        house = replace(opened, public=public)
        with house.database.begin() as session:
            show = add_show(session, "tuesday", SITE.public_url)
        receive(house, count)
        workers = start_workers(house.bells.broker, publishing(house), ("publish",))
        try:
            last_s = finish_at_once(house, count)
            began = time.monotonic()
            while not all_in_feed(house, show, count):
                time.sleep(0.01)
            took_s = time.monotonic() - began
        finally:
            workers.stop()
    print(
        f"{count} episodes at once, {where}: finished within {last_s:.2f} s, "
        f"in the feed {took_s:.2f} s later, {public.feeds} feed writes"
    )


def receive(house: House, count: int) -> None:
    rules = IntakeRules(default_show="tuesday", public_url=SITE.public_url)
    with house.database.begin() as session:
        for n in range(count):
            accept(session, a_room(f"EG_{n}"), "/recordings", provider="livekit", event_id=f"EV_{n}", defaults=rules)


def publishing(house: House) -> WorkLoop:
    return WorkLoop(house.database, quick_bodies(house, speed=1e9), ring=house.bells.ring)


def finish_at_once(house: House, count: int) -> float:
    """Every audio job is brought to its last moment, then all are let go; seconds until the last has been committed."""
    quick, ready = quick_bodies(house, speed=1e9)["audio"], threading.Barrier(count + 1)

    def audio(claim: Claim, heart: Heart) -> Outcome:
        outcome = quick(claim, heart)
        ready.wait()
        return outcome

    loop = WorkLoop(house.database, {"audio": audio}, ring=house.bells.ring)
    with ThreadPoolExecutor(count) as hands:
        for _ in range(count):
            hands.submit(loop.work_one, "audio")
        ready.wait()
        began = time.monotonic()
    return time.monotonic() - began


def all_in_feed(house: House, show: Show, count: int) -> bool:
    with house.database.read() as session:
        row = session.get_one(ShowRow, show.id)
    return row.feed_rev == row.published_rev and (house.public.get("tuesday/feed.xml") or b"").count(b"<item>") == count


def bursts(count: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        burst(count, "folder", Settings(data_dir=Path(scratch), public_url=SITE.public_url))
    with tempfile.TemporaryDirectory() as scratch, S3Server() as server:
        os.environ.update(S3_CREDENTIALS)
        public, private = (f"s3://{server.make_bucket(name)}" for name in ("public", "private"))
        stores = StoreSettings(url=public, private_url=private, endpoint_url=server.url)
        burst(count, "S3", Settings(data_dir=Path(scratch), public_url=SITE.public_url, store=stores))


if __name__ == "__main__":
    if sys.argv[1:2] == ["burst"]:
        bursts(int(sys.argv[2]) if sys.argv[2:] else 50)
    else:
        for wanted in map(int, sys.argv[1:] or ("300", "1000", "10000")):
            with tempfile.TemporaryDirectory() as scratch:
                measure(wanted, scratch)
