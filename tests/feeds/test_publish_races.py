"""Two who publish the same show: whoever is late, or whose show it is no more, puts nothing old over anything new."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from fakes_feeds import SITE, Diary, a_show, an_episode, upload
from fakes_house import a_house
from fakes_rooms import a_room
from fakes_work import until
from fixtures_database import RULES, database, empty_database, empty_sqlite, show
from fixtures_quick import quick_sound

from bench.trial.quick import quick_bodies
from bench.trial.reader import Reader
from feeds.catalogue import Episode, Show, ShowRow
from feeds.catalogue import episodes as episodes_of
from feeds.check import check
from feeds.from_store import from_store
from feeds.publish import HANDS, Published, feed_etag, publish
from pipeline.errors import Stopped
from pipeline.stores import Overtaken, Stat, Store, open_store
from workers.database import Database
from workers.house import House
from workers.intake import accept
from workers.repair import repair_feeds
from workers.work_loop import WorkLoop, silent

__all__ = ["database", "empty_sqlite", "quick_sound", "show"]
pytest_plugins = ["fakes_s3"]

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


# ---- real processes


TESTS = Path(__file__).parent.parent
BLIND = "blind"
BLIND_PLACES = ["folder without conditions", pytest.param("s3 without conditions", marks=pytest.mark.slow)]
ROOMS = 4


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the processes publish to."""

    store_url: str
    endpoint_url: str = ""
    blind: bool = False


@dataclass(kw_only=True)
class Stage:
    """One show, and the processes that publish it."""

    house: House
    place: Place
    show: Show
    crew: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def publisher(self, at_the_feed: str = "go on") -> subprocess.Popen[bytes]:
        place, url = self.place, self.house.database.engine.url.render_as_string(hide_password=False)
        command = [sys.executable, str(TESTS / "feeds" / "publishing_worker.py"), url, str(self.house.settings.data_dir)]
        command += [place.store_url, place.endpoint_url, at_the_feed, *([BLIND] if place.blind else ())]
        paths = os.pathsep.join((str(TESTS), str(TESTS.parent)))
        worker = subprocess.Popen(command, stdin=subprocess.PIPE, env={**os.environ, "PYTHONPATH": paths})
        self.crew.append(worker)
        return worker

    def end(self) -> None:
        for worker in self.crew:
            worker.send_signal(signal.SIGCONT)
            worker.kill()
            worker.communicate()

    def storm(self, reader: Reader, publishers: int) -> None:
        """Rooms end one after another; whenever one does, its publishers are killed and stopped for a while."""
        dice = random.Random(publishers)
        crew = [self.publisher() for _ in range(publishers)]
        for number in range(1, ROOMS + 1):
            self.episode_ends(number)
            for _ in range(3):
                crew = [self.harm(worker, dice) for worker in crew]
                time.sleep(dice.uniform(0.1, 1.0))
            for worker in crew:
                worker.send_signal(signal.SIGCONT)
            until(lambda number=number: len(reader.history.seen) == number, 120)  # type: ignore[misc]

    def harm(self, worker: subprocess.Popen[bytes], dice: random.Random) -> subprocess.Popen[bytes]:
        """The worker is left alone, made to stand still, woken, or killed and replaced."""
        if stands_still(worker):
            worker.send_signal(signal.SIGCONT)
        elif dice.random() < 0.4:
            worker.send_signal(signal.SIGSTOP)
        elif dice.random() < 0.5:
            worker.kill()
            worker.communicate()
            return self.publisher()
        return worker

    def repairs(self) -> int:
        with self.house.database.read() as session:
            return session.get_one(ShowRow, self.show.id).repairs

    def episode_ends(self, number: int) -> None:
        """A room ends, is audible and, at once, complete."""
        with self.house.database.begin() as session:
            accept(session, a_room(f"EG_{number}"), "/recordings", provider="livekit", event_id=f"EV_{number}", defaults=RULES)
        loop = WorkLoop(self.house.database, quick_bodies(self.house, speed=1e9), ring=silent)
        loop.hear("audio")
        loop.hear("words")

    def is_published(self, episodes: int) -> bool:
        """Everything stands, and is what was meant."""
        with self.house.database.read() as session:
            row = session.get_one(ShowRow, self.show.id)
            rows, etag, behind = episodes_of(session, "tuesday"), row.feed_etag, row.feed_rev > row.published_rev
        if behind or len(rows) < episodes or not etag or etag != feed_etag(self.house.public, "tuesday"):
            return False
        return check(self.house.public.get(FEED) or b"", self.show, rows, from_store(self.house.public, self.house.site)) == ()

    def reader(self) -> Reader:
        return Reader(from_store(self.house.public, self.house.site), f"https://pods.example/{FEED}")


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return empty_database(request, tmp_path)


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param.startswith("folder"):
        return Place(store_url=(tmp_path / "public").as_uri(), blind=request.param == "folder without conditions")
    bucket = request.getfixturevalue("s3_bucket")
    service = request.getfixturevalue("s3_refusing" if request.param == "s3 without conditions" else "s3_service")
    return Place(store_url=f"s3://{bucket}", endpoint_url=service)


@pytest.fixture
def s3_refusing(s3_gate: tuple[str, Any]) -> str:
    """The address of a service that knows no conditional puts, as Swift does not."""
    address, gate = s3_gate

    def put(self: Any) -> None:
        if {"If-Match", "If-None-Match"} & set(self.headers):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self._say(501, {}, b"<Error><Code>NotImplemented</Code></Error>")
            return
        if "Content-Type" not in self.headers:  # urllib would call it a form
            self.headers["Content-Type"] = "application/octet-stream"
        self._pass_on()

    gate.do_PUT = put
    return address


@pytest.fixture
def stage(database: Database, show: Show, tmp_path: Path, place: Place, quick_sound: Path) -> Iterator[Stage]:
    (tmp_path / "quick").symlink_to(quick_sound)
    house = a_house(database, tmp_path, public_url="https://pods.example")
    stage = Stage(house=replace(house, public=open_store(place.store_url, endpoint_url=place.endpoint_url)), place=place, show=show)
    yield stage
    stage.end()


def stands_still(worker: subprocess.Popen[bytes]) -> bool:
    return Path(f"/proc/{worker.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def sleeper_and_successor(stage: Stage, asleep: str) -> subprocess.Popen[bytes]:
    """Somebody falls asleep with the feed of the first episode in his hands, past his lease; then a second episode is published."""
    stage.episode_ends(1)
    sleeper = stage.publisher(asleep)
    until(lambda: stands_still(sleeper), 60)
    stage.episode_ends(2)
    stage.publisher()
    until(lambda: stage.is_published(2), 60)
    return sleeper


@pytest.mark.parametrize("place", ["folder", "s3"], indirect=True)
def test_who_falls_asleep_with_an_old_feed_in_his_hands_puts_it_over_nothing_newer(stage: Stage) -> None:
    sleeper = sleeper_and_successor(stage, "stand still")
    with stage.reader() as reader:
        sleeper.send_signal(signal.SIGCONT)
        stage.episode_ends(3)
        until(lambda: stage.is_published(3), 60)
        sleeper.stdin.close()
        assert sleeper.wait(60) == 0
        until(lambda: stage.is_published(3), 60)
    assert reader.history.violations == () and reader.history.reads > 3


@pytest.mark.parametrize("place", BLIND_PLACES, indirect=True)
def test_where_the_store_knows_no_conditions_the_sleeper_tells_what_he_did_and_it_is_put_right(stage: Stage) -> None:
    sleeper = sleeper_and_successor(stage, "stand still")
    sleeper.send_signal(signal.SIGCONT)
    until(lambda: stage.repairs() == 1, 60)
    until(lambda: stage.is_published(2), 60)


@pytest.mark.parametrize("place", ["folder without conditions", "s3 without conditions"], indirect=True)
def test_an_old_feed_whose_publisher_can_tell_nobody_is_found_and_put_right(stage: Stage) -> None:
    sleeper = sleeper_and_successor(stage, "stand still and die")
    new = stage.house.public.get(FEED)
    sleeper.send_signal(signal.SIGCONT)
    assert sleeper.wait(60) == -signal.SIGKILL
    assert stage.house.public.get(FEED) != new and not stage.is_published(2)
    assert repair_feeds(stage.house) == 1
    until(lambda: stage.is_published(2), 60)
    assert stage.house.public.get(FEED) == new


@pytest.mark.parametrize(
    ("place", "publishers"),
    [
        ("folder", 2),
        *(pytest.param(place, count, marks=pytest.mark.slow) for place, count in (("s3", 2), ("folder", 6), ("s3", 6))),
    ],
    indirect=["place"],
)
def test_publishers_that_are_killed_and_stopped_all_the_time_never_show_anything_wrong(stage: Stage, publishers: int) -> None:
    with stage.reader() as reader:
        stage.storm(reader, publishers)
        until(lambda: stage.is_published(ROOMS), 120)
    assert reader.history.violations == () and reader.history.changes >= ROOMS


@pytest.mark.parametrize("place", BLIND_PLACES, indirect=True)
def test_without_conditions_the_feed_is_right_in_the_end_whoever_was_killed_and_stopped(stage: Stage) -> None:
    with stage.reader() as reader:
        stage.storm(reader, 2)
        until(lambda: repair_feeds(stage.house) == 0 and stage.is_published(ROOMS), 120)
    assert [one for one in reader.history.violations if one.invariant == 2] == []
