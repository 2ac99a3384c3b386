"""Two who publish the same show: whoever is late, or whose show it is no more, puts nothing old over anything new."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes_feeds import SITE, Diary, a_show, an_episode, upload

from feeds.catalogue import Episode
from feeds.check import check
from feeds.from_store import from_store
from feeds.publish import HANDS, Published, feed_etag, publish
from pipeline.errors import Stopped
from pipeline.stores import Overtaken, Stat, Store

Publish = Callable[..., Published]
FEED = "tuesday/feed.xml"


@pytest.fixture
def episodes(public: Diary, private: Diary) -> list[Episode]:
    both = [an_episode(1), an_episode(2)]
    upload(public, private, *both)
    return both


class Crowded(Diary):
    """A store where somebody else puts a feed right before ours arrives, or right after; `blind` to conditions if that is so."""

    def __init__(self, store: Store, *, right: str, blind: bool) -> None:
        super().__init__(store)
        self.right, self.blind = right, blind

    def put(self, key: str, content: bytes | Path, **about: Any) -> Stat:
        if self.blind:
            about.pop("if_match", None)
        if key != FEED:
            return super().put(key, content, **about)
        if self.right == "before":
            self.put_theirs()
        stat = super().put(key, content, **about)
        if self.right == "after":
            self.put_theirs()
        return stat

    def put_theirs(self) -> None:
        self.store.put(FEED, b"<rss/>", mime_type="application/rss+xml; charset=utf-8", cache_control="")


def test_a_feed_that_came_after_the_rows_were_read_is_not_overwritten(
    publishing: Publish, public: Diary, private: Diary, episodes: list[Episode]
) -> None:
    publishing(episodes[:1])
    seen = feed_etag(public, "tuesday")
    newer = publishing(episodes)
    with pytest.raises(Overtaken):
        publish(a_show(), episodes[:1], public=Crowded(public, right="never", blind=True), private=private, site=SITE, over=seen)
    assert feed_etag(public, "tuesday") == newer.feed_etag and episodes[1].guid.encode() in (public.get(FEED) or b"")
    assert publishing(episodes).feed_etag == newer.feed_etag


@pytest.mark.parametrize(("right", "blind"), [("before", False), ("after", True)])
def test_a_feed_that_comes_in_the_last_moment_is_noticed(
    publishing: Publish, public: Diary, private: Diary, episodes: list[Episode], right: str, blind: bool
) -> None:
    publishing(episodes[:1])
    with pytest.raises(Overtaken):
        publish(a_show(), episodes, public=Crowded(public, right=right, blind=blind), private=private, site=SITE)
    assert public.get(FEED) == b"<rss/>"
    assert FEED in publishing(episodes).writes and is_sound(public, episodes)


@pytest.mark.parametrize("after", [0, 1, 4, 9, 14, 19, 22])
def test_who_may_not_publish_any_more_writes_no_more(
    publishing: Publish, public: Diary, private: Diary, episodes: list[Episode], after: int
) -> None:
    public.forget()
    private.forget()
    asked: list[str] = []

    def must_hold() -> None:
        asked.append("may we?")
        if len(asked) > after:
            raise Stopped("another's by now")

    with pytest.raises(Stopped):
        publish(a_show(), episodes, public=public, private=private, site=SITE, must_hold=must_hold)
    assert len(public.puts) + len(private.puts) <= after
    assert len(asked) <= after + HANDS and public.stat(FEED) is None
    publishing(episodes)
    assert is_sound(public, episodes)


def test_the_etag_that_is_told_is_that_of_the_feed_that_stands(publishing: Publish, public: Diary, episodes: list[Episode]) -> None:
    first, again = publishing(episodes), publishing(episodes)
    assert first.feed_etag == again.feed_etag == feed_etag(public, "tuesday") != ""
    assert publishing(episodes, a_show(access="private")).feed_etag == feed_etag(public, "tuesday") == ""


def is_sound(public: Store, episodes: list[Episode]) -> bool:
    return check(public.get(FEED) or b"", a_show(), episodes, from_store(public, SITE)) == ()
