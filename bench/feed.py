"""How long a show's feed takes: rebuilt, with one new episode, and unchanged; beside feedgen alone writing the same plain items.

python bench/feed.py [EPISODES ...]        default: 300 1000 10000
"""

import gc
import io
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from feedgen.feed import FeedGenerator

from bench.trial.shows import SITE, a_show, an_episode
from bench.trial.stores import Over
from feeds import rss
from feeds.catalogue import Episode
from feeds.listing import newest_first
from feeds.note import Note, Noted, base_of, digest, fingerprint_of, write_note
from feeds.publish import publish
from pipeline.stores import Stat, Store, open_store


class Shelf(Over):
    """A store where every MP3 seems to lie; it counts what is put."""

    written = 0

    def put(self, key: str, content: bytes | Path, **about: Any) -> Stat:
        self.written += 1
        return self.store.put(key, content, **about)

    def stat(self, key: str) -> Stat | None:
        if not key.endswith("episode.mp3"):
            return self.store.stat(key)
        return Stat(
            key=key, size_bytes=4_800, mime_type="audio/mpeg", etag='""', sha256="", modified_at=datetime(2026, 1, 1, tzinfo=UTC)
        )


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


if __name__ == "__main__":
    for wanted in map(int, sys.argv[1:] or ("300", "1000", "10000")):
        with tempfile.TemporaryDirectory() as scratch:
            measure(wanted, scratch)
