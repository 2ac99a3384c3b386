"""How long a show's feed takes: rebuilt, with one new episode, and unchanged; beside feedgen alone writing the same plain items.

python bench/feed.py [EPISODES ...]        default: 300 1000 10000
"""

import gc
import io
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from fakes_feeds import SITE, a_show, an_episode
from feedgen.feed import FeedGenerator

from feeds import rss
from feeds.catalogue import Episode
from feeds.note import Note, Noted, base_of, digest, fingerprint_of, write_note
from feeds.publish import newest_first, publish
from pipeline.stores import Stat, mime_type_of


class Memory:
    """A store that costs nothing, so that what is measured is ours."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.written = 0

    def put(self, key: str, content: bytes | Path, *, mime_type: str, cache_control: str) -> Stat:  # noqa: ARG002
        assert isinstance(content, bytes)
        self.objects[key] = content
        self.written += 1
        return self._stat(key, content)

    def get(self, key: str) -> bytes | None:
        return self.objects.get(key)

    def stat(self, key: str) -> Stat | None:
        if key.endswith("episode.mp3"):
            return replace(self._stat(key, b""), size_bytes=4_800)
        content = self.objects.get(key)
        return None if content is None else self._stat(key, content)

    def _stat(self, key: str, content: bytes) -> Stat:
        sha256 = digest(content)
        return Stat(
            key=key, size_bytes=len(content), mime_type=mime_type_of(key), etag=f'"{sha256}"', sha256=sha256,
            modified_at=datetime(2026, 1, 1, tzinfo=UTC),
        )  # fmt: skip

    def download(self, key: str, to: Path) -> None:
        to.write_bytes(self.objects[key])

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def keys(self, prefix: str) -> Iterator[str]:
        return iter(sorted(key for key in self.objects if key.startswith(prefix)))


def published(episodes: Sequence[Episode]) -> tuple[Memory, Memory]:
    """The stores as a publishing leaves them, without the pages, whose making is not measured here."""
    public, private = Memory(), Memory()
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


def measure(count: int) -> None:
    episodes = [an_episode(number) for number in range(count)]
    audible = replace(episodes[0], words=None, words_key="", chapters=(), state="audible")
    rebuilt_s = seconds(lambda: rss.render(a_show(), episodes, SITE))
    public, private = published(episodes)
    same_s = seconds(lambda: publish(a_show(), episodes, public=public, private=private, site=SITE))
    writes = public.written
    new_s = seconds(lambda: publish(a_show(), [*episodes[1:], audible], public=public, private=private, site=SITE), times=1)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    plain_s = seconds(lambda: plain_feedgen(episodes))
    print(
        f"{count:>6} episodes, {len(public.objects['tuesday/feed.xml']) / 1e6:5.1f} MB, peak {peak_mb:4.0f} MB: "
        f"rebuilt {rebuilt_s:5.2f} s, {rebuilt_s / plain_s:4.1f} x feedgen alone; one changed {new_s:5.2f} s; "
        f"unchanged {same_s:5.2f} s, {writes} writes"
    )


if __name__ == "__main__":
    for wanted in map(int, sys.argv[1:] or ("300", "1000", "10000")):
        measure(wanted)
