"""Repair: whatever makes a store differ from what was meant, the jobs put it right again by themselves."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from fakes_house import a_house
from fixtures_database import empty_database
from fixtures_quick import quick_sound
from sqlalchemy import select, update
from structlog.testing import capture_logs

from bench.trial.quick import quick_bodies
from feeds.catalogue import Episode, EpisodeRow, Show, ShowRow, add_show, episodes
from feeds.check import check
from feeds.from_store import from_store
from feeds.publish import feed_etag
from pipeline.stores import Store, mime_type_of
from workers import ledger, publishing, repair
from workers.database import Database
from workers.heart import Heart
from workers.house import House
from workers.intake import Accepted
from workers.ledger import Claim, JobRow, NextJob
from workers.ledger.asking import REST_S
from workers.repair import repair_episodes, repair_feeds
from workers.work_loop import Outcome, WorkLoop, silent

__all__ = ["quick_sound"]

Send = Callable[..., Accepted]
FEED = "tuesday/feed.xml"


@dataclass
class Shop:
    """A house that works, without bells and sweeps."""

    house: House
    show: Show

    @property
    def public(self) -> Store:
        return self.house.public

    @property
    def loop(self) -> WorkLoop:
        return WorkLoop(self.house.database, quick_bodies(self.house, speed=1e9), ring=silent)

    def work(self) -> None:
        """Until nothing is left to do."""
        while self.is_left():
            for queue in ledger.QUEUES:
                self.loop.hear(queue)

    def is_left(self) -> bool:
        with self.house.database.read() as session:
            waiting = select(JobRow.id).where(JobRow.kind != "notify", JobRow.state.in_(("ready", "running")))
            return session.scalar(waiting.limit(1)) is not None

    def asked(self) -> set[str]:
        """The kinds of the jobs that wait."""
        with self.house.database.read() as session:
            return set(session.scalars(select(JobRow.kind).where(JobRow.state == "ready")))

    def episode(self) -> Episode:
        with self.house.database.read() as session:
            return episodes(session, "tuesday")[0]

    def feed(self) -> str:
        return (self.public.get(FEED) or b"").decode()

    def repairs(self) -> int:
        with self.house.database.read() as session:
            return session.get_one(ShowRow, self.show.id).repairs

    def is_sound(self) -> bool:
        with self.house.database.read() as session:
            rows, meant = episodes(session, "tuesday"), session.get_one(ShowRow, self.show.id).feed_etag
        found = check(self.public.get(FEED) or b"", self.show, rows, from_store(self.public, self.house.site))
        return found == () and meant == feed_etag(self.public, "tuesday")

    def spoil(self, key: str, content: bytes = b"mine", mime_type: str = "") -> None:
        stat = self.public.stat(key)
        self.public.put(key, content, mime_type=mime_type or (stat.mime_type if stat else "text/plain"), cache_control="")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return empty_database(request, tmp_path)


@pytest.fixture
def shop(
    database: Database, show: Show, tmp_path: Path, quick_sound: Path, send: Send, monkeypatch: pytest.MonkeyPatch
) -> Shop:  # fmt: skip
    """A show with two episodes that are complete and published; its feed may be written again at once."""
    monkeypatch.setitem(REST_S, "feed", 0.0)
    (tmp_path / "quick").symlink_to(quick_sound)
    shop = Shop(a_house(database, tmp_path, public_url="https://pods.example"), show)
    send("EG_1")
    send("EG_2")
    shop.work()
    assert shop.is_sound() and shop.feed().count("<item>") == 2
    return shop


# ---- feeds


def test_what_stands_as_it_was_meant_is_left_alone(shop: Shop) -> None:
    assert (repair_feeds(shop.house), repair_episodes(shop.house)) == (0, 0)
    assert (shop.asked() - {"notify"}, shop.repairs()) == (set(), 0)


def test_a_feed_that_somebody_overwrote_is_right_again(shop: Shop) -> None:
    good = shop.feed()
    shop.spoil(FEED, b"<rss/>")
    with capture_logs() as logs:
        assert repair_feeds(shop.house) == 1
    assert [(line["event"], line["show"], line["what"]) for line in logs] == [("repaired", "tuesday", "feed")]
    shop.work()
    assert shop.feed() == good and shop.is_sound() and shop.repairs() == 1
    assert repair_feeds(shop.house) == 0


def test_a_feed_that_was_deleted_is_there_again(shop: Shop) -> None:
    shop.public.delete(FEED)
    assert repair_feeds(shop.house) == 1
    shop.work()
    assert shop.is_sound()


def test_where_one_feed_is_wrong_every_file_of_the_show_is_looked_at(shop: Shop) -> None:
    page = f"{shop.episode().prefix}index.html"
    good = shop.public.get(page)
    shop.spoil(page)
    shop.spoil(FEED, b"<rss/>")
    repair_feeds(shop.house)
    shop.work()
    assert shop.public.get(page) == good


def test_the_feed_of_a_show_that_has_none_goes(shop: Shop) -> None:
    feed = shop.public.get(FEED) or b""
    with shop.house.database.begin() as session:
        session.execute(update(ShowRow).values(access="members"))
        ledger.feed_changed(session, shop.show.id)
    shop.work()
    assert (shop.public.stat(FEED), repair_feeds(shop.house)) == (None, 0)
    shop.spoil(FEED, feed)
    assert repair_feeds(shop.house) == 1
    shop.work()
    assert shop.public.stat(FEED) is None


def test_a_feed_that_is_about_to_be_written_is_left_alone(shop: Shop) -> None:
    shop.spoil(FEED, b"<rss/>")
    with shop.house.database.begin() as session:
        ledger.feed_changed(session, shop.show.id)
    assert repair_feeds(shop.house) == 0 and shop.repairs() == 0
    shop.work()
    assert shop.is_sound()


def test_a_doubt_that_comes_while_the_show_is_published_is_not_lost(shop: Shop) -> None:
    with shop.house.database.begin() as session:
        ledger.feed_changed(session, shop.show.id)

    def feed(claim: Claim, heart: Heart) -> Outcome:
        outcome = publishing.feed(shop.house, claim, heart)
        shop.house.database.patiently(lambda session: repair.distrust(session, shop.show.id))
        return outcome

    WorkLoop(shop.house.database, {"feed": feed}, ring=silent).work_one("publish")
    with shop.house.database.read() as session:
        assert session.get_one(ShowRow, shop.show.id).feed_etag == ""
    assert "feed" in shop.asked()
    shop.work()
    assert shop.is_sound()


def test_every_show_has_its_turn_and_the_one_just_published_has_it_first(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repair, "FEEDS", 6)
    with shop.house.database.begin() as session:
        others = [add_show(session, f"show-{n}", "https://pods.example").id for n in range(9)]
        session.execute(update(ShowRow).where(ShowRow.id == shop.show.id).values(looked_at=2e9))
    shop.spoil(FEED, b"<rss/>")
    assert repair_feeds(shop.house) == 1
    for _ in range(2):
        repair_feeds(shop.house)
    with shop.house.database.read() as session:
        assert all(session.scalars(select(ShowRow.looked_at).where(ShowRow.id.in_(others))))


# ---- episodes


@pytest.mark.parametrize("harm", ["gone", "cut short", "of another type"])
def test_an_enclosure_that_is_lost_is_made_again_and_its_episode_returns_under_its_guid(shop: Shop, harm: str) -> None:
    episode, good = shop.episode(), shop.feed()
    mp3 = episode.renditions[0]
    content = shop.public.get(mp3.key) or b""
    if harm == "gone":
        shop.public.delete(mp3.key)
    else:
        shop.spoil(mp3.key, content[:-1] if harm == "cut short" else content, "text/plain" if harm == "of another type" else "")
    with capture_logs() as logs:
        assert repair_episodes(shop.house) == 1
    assert [(line["event"], line["lost"]) for line in logs] == [("repaired", [mp3.key])]
    assert shop.asked() >= {"audio", "feed"} and shop.repairs() == 1
    shop.loop.hear("publish")
    assert episode.guid not in shop.feed() and shop.feed().count("<item>") == 1
    shop.work()
    assert shop.feed() == good and shop.public.get(mp3.key) == content and shop.is_sound()
    assert repair_episodes(shop.house) == 0


def test_another_rendition_that_is_lost_is_made_again(shop: Shop) -> None:
    opus = shop.episode().renditions[1].key
    shop.public.delete(opus)
    assert repair_episodes(shop.house) == 1
    shop.work()
    assert shop.public.stat(opus) and shop.is_sound()


def test_other_bytes_of_the_same_length_are_put_right(shop: Shop) -> None:
    mp3 = shop.episode().renditions[0]
    content = shop.public.get(mp3.key) or b""
    shop.spoil(mp3.key, content[::-1], "")
    assert repair_episodes(shop.house) == 1
    shop.work()
    assert shop.public.get(mp3.key) == content and shop.is_sound()


@pytest.mark.parametrize("harm", [None, b"", b"{}"], ids=["gone", "empty", "of another kind"])
def test_words_that_are_lost_are_written_down_again(shop: Shop, harm: bytes | None) -> None:
    key = shop.episode().words_key
    if harm is None:
        shop.house.private.delete(key)
    else:
        shop.house.private.put(key, harm, mime_type="application/json", cache_control="")
    assert repair_episodes(shop.house) == 1 and shop.asked() - {"notify"} == {"words"}
    shop.work()
    assert repair_episodes(shop.house) == 0 and shop.is_sound() and shop.repairs() == 1


@pytest.mark.parametrize("harm", ["gone", "cut short"])
@pytest.mark.parametrize("name", ["transcript.vtt", "index.html"])
def test_a_document_that_is_lost_is_written_again(shop: Shop, name: str, harm: str) -> None:
    key = shop.episode().prefix + name
    good = shop.public.get(key) or b""
    shop.public.delete(key)
    if harm == "cut short":
        shop.public.put(key, good[:-9], mime_type=mime_type_of(key), cache_control="")
    assert repair_episodes(shop.house) == 1 and shop.asked() - {"notify"} == {"feed"}
    shop.work()
    assert shop.public.get(key) == good and repair_episodes(shop.house) == 0


def test_an_episode_that_is_being_worked_on_is_left_alone(shop: Shop) -> None:
    episode = shop.episode()
    shop.public.delete(episode.renditions[1].key)
    with shop.house.database.begin() as session:
        ledger.arm(session, NextJob(kind="words"), show_id=shop.show.id, recording_id=episode.recording_id)
    assert repair_episodes(shop.house) == 0 and shop.repairs() == 0


def test_what_cannot_be_made_again_is_told_and_not_asked_for_for_ever(shop: Shop) -> None:
    episode = shop.episode()
    shop.public.delete(episode.renditions[0].key)
    with shop.house.database.begin() as session:
        mine = (JobRow.recording_id == episode.recording_id) & (JobRow.kind == "audio")
        session.execute(update(JobRow).where(mine).values(state="failed"))
    repair_episodes(shop.house)
    shop.work()
    assert episode.guid not in shop.feed()
    with capture_logs() as logs:
        repair_episodes(shop.house)
    assert [line["event"] for line in logs] == ["lost"] and shop.asked() <= {"notify"}
    assert shop.repairs() == 1


def test_who_was_left_out_of_the_feed_is_looked_at_next(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repair, "EPISODES", 1)
    episode = shop.episode()
    shop.public.delete(episode.renditions[0].key)
    with shop.house.database.begin() as session:
        session.execute(update(EpisodeRow).where(EpisodeRow.guid == episode.guid).values(looked_at=2e9))
        ledger.feed_changed(session, shop.show.id)
    shop.work()
    assert repair_episodes(shop.house) == 1
    shop.work()
    assert shop.feed().count("<item>") == 2 and shop.is_sound()
