"""A show's page: the newest room on the stage, the others below, at any number of episodes."""

import gzip
from datetime import timedelta

import fakes_pages as room
import pytest
from reads_html import read

from feeds.catalogue import Episode
from feeds.pages import show_page
from feeds.pages.follow import app_links, qr_svg
from feeds.pages.show import DRAWN_EPISODES


def episodes(count: int) -> list[Episode]:
    newest = room.episode()
    return [
        room.episode(
            slug=f"e{n:09}",
            title=f"Room number {count - n}",
            started_at=newest.started_at - timedelta(days=7 * n),
            sound=newest.sound,
        )
        for n in range(count)
    ]


def test_the_newest_room_is_on_the_stage_and_every_other_in_the_list() -> None:
    page = read(show_page(room.show(), episodes(5), room.SITE))
    assert page.one("article", class_="newest").one("h2").text == "Room number 5"
    assert [h.text for h in page.all("h3")] == ["Room number 4", "Room number 3", "Room number 2", "Room number 1"]
    assert page.all("h3")[0].one("a").attributes["href"] == "e000000001/index.html"


def test_a_show_without_episodes_says_what_will_happen() -> None:
    page = read(show_page(room.show(), [], room.SITE))
    assert "Nothing here yet." in page.one("section", class_="list").text and not page.all("article")


def test_a_show_with_one_episode_has_no_empty_list() -> None:
    assert "This is the first one." in read(show_page(room.show(), episodes(1), room.SITE)).text


def test_old_episodes_are_listed_but_not_drawn() -> None:
    raw = show_page(room.show(), episodes(DRAWN_EPISODES + 400), room.SITE)
    page = read(raw)
    assert len(page.all("article")) == DRAWN_EPISODES + 400
    assert len(page.all("div", class_="strip")) == DRAWN_EPISODES
    assert len(gzip.compress(raw, 9)) < 60_000


def test_search_appears_when_there_is_something_to_search() -> None:
    assert not read(show_page(room.show(), episodes(3), room.SITE)).all("input")
    assert read(show_page(room.show(), episodes(12), room.SITE)).all("input", type="search")


@pytest.mark.parametrize("text", room.HOSTILE)
def test_no_name_of_a_show_or_an_episode_becomes_markup(text: str) -> None:
    hostile = read(
        show_page(room.show(title=text, description=text, author=text), [room.episode(title=text, description=text)] * 2, room.SITE)
    )
    assert len(hostile.all("script")) == 3 and not hostile.all("img") and hostile.one("h1").text == text
    assert [h.text for h in hostile.all("h3")] == [text]


def test_apps_get_the_feed_in_the_form_each_of_them_wants() -> None:
    links = {link.app: link.url for link in app_links("https://radio.example/late-build/feed.xml")}
    assert links == {
        "Apple Podcasts": "podcast://radio.example/late-build/feed.xml",
        "Overcast": "overcast://x-callback-url/add?url=https%3A%2F%2Fradio.example%2Flate-build%2Ffeed.xml",
        "Pocket Casts": "pktc://subscribe/radio.example/late-build/feed.xml",
        "AntennaPod": "antennapod-subscribe://radio.example/late-build/feed.xml",
    }


def test_the_feed_address_is_always_shown_beside_the_apps() -> None:
    assert (
        "https://radio.example/late-build/feed.xml"
        in read(show_page(room.show(), episodes(2), room.SITE)).one("section", class_="follow").text
    )


def test_the_code_is_the_same_text_for_the_same_address() -> None:
    assert qr_svg("https://a.example/") == qr_svg("https://a.example/") != qr_svg("https://b.example/")
