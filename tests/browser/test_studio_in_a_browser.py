"""The studio as its host sees it, in a real browser over a real server."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from fakes_hands import done
from fakes_studio import House, served
from playwright.sync_api import BrowserContext, Page, expect

from feeds.web.work import Late

SOUND = ("fetch", "probe", "arrange", "listen", "clean", "level", "encode", "verify", "upload")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    house.opens_show(title="Late Build")
    expect.set_options(timeout=60_000)
    yield house
    expect.set_options(timeout=5_000)
    house.close()


@pytest.fixture
def studio(house: House, page: Page) -> Iterator[Page]:
    """A tab whose host has just signed in."""
    with served(house.app()) as url:
        page.goto(f"{url}/studio/login/{house.login()}")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Episodes")).to_be_visible()
        yield page
        page.goto("about:blank")


def audible(house: House, name: str = "Thursday room", minutes: float = 1.5) -> str:
    slug = house.room_ends(name)
    house.becomes_audible(slug, formats=("wav",), minutes=minutes)
    return slug


def opened(studio: Page, slug: str) -> None:
    studio.goto(f"{studio.url.split('/studio/')[0]}/studio/episodes/{slug}")


def now_s(studio: Page) -> float:
    minutes, seconds = studio.locator("[data-now]").inner_text().split(":")
    return int(minutes) * 60 + int(seconds)


def test_a_room_appears_and_becomes_an_episode_without_a_reload(house: House, studio: Page) -> None:
    studio.evaluate("window.untouched = true")
    slug = house.room_ends("Thursday room")
    row = studio.locator(f"#e-{slug}")
    expect(row).to_contain_text("Received")
    house.work.works(slug, "encode", 0.5, eta_s=(20, 30))
    expect(row).to_contain_text("Encoding")
    expect(row.locator("[data-play]")).to_have_count(0)
    house.becomes_audible(slug)
    house.work.works(slug, "transcribe", 0.3, audio_s=3449)
    expect(row).to_contain_text("Writing the words")
    expect(row.get_by_role("button", name="Play Thursday room")).to_be_visible()
    house.becomes_complete(slug)
    house.publishes(slug)
    house.work.ends(slug)
    expect(row).to_contain_text("Public since")
    assert studio.evaluate("window.untouched")


def test_the_strip_fills_as_the_words_are_written(house: House, studio: Page) -> None:
    slug = audible(house)
    house.work.works(slug, "transcribe", 0.25, audio_s=59, done=done(*SOUND))
    opened(studio, slug)
    bar = studio.get_by_role("progressbar", name="How much is written")
    expect(bar).to_have_attribute("aria-valuenow", "25")
    width = studio.locator(".strip.wide clipPath rect")
    before = float(width.get_attribute("width") or 0)
    house.work.works(slug, "transcribe", 0.75, audio_s=59, done=done(*SOUND))
    expect(bar).to_have_attribute("aria-valuenow", "75")
    assert float(width.get_attribute("width") or 0) == pytest.approx(3 * before, rel=0.05)


def test_it_plays_and_goes_on_playing_while_the_page_changes(house: House, studio: Page) -> None:
    slug = audible(house)
    house.work.works(slug, "transcribe", 0.25, audio_s=59)
    opened(studio, slug)
    studio.get_by_role("button", name="Play Thursday room").click()
    expect(studio.get_by_role("button", name="Pause Thursday room")).to_be_visible()
    house.work.works(slug, "transcribe", 0.75, audio_s=59)
    expect(studio.get_by_role("progressbar", name="How much is written")).to_have_attribute("aria-valuenow", "75")
    expect(studio.get_by_role("button", name="Pause Thursday room")).to_be_visible()
    expect(studio.locator("[data-now]")).to_have_text(re.compile("0:0[2-9]"))
    studio.get_by_role("button", name="Pause Thursday room").click()
    expect(studio.get_by_role("button", name="Play Thursday room")).to_be_visible()


def test_a_touch_on_the_strip_and_the_arrow_keys_go_there(house: House, studio: Page) -> None:
    opened(studio, audible(house))
    seek = studio.get_by_role("slider", name="Where to listen")
    box = seek.bounding_box()
    assert box is not None
    seek.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    length_s = float(seek.get_attribute("max") or 0)
    assert now_s(studio) == pytest.approx(length_s / 2, abs=2)
    seek.focus()
    before = now_s(studio)
    seek.press("ArrowRight")
    assert now_s(studio) == pytest.approx(before + 5, abs=3)
    expect(seek).to_have_attribute("aria-valuetext", re.compile(r"^\d+:\d\d of \d+:\d\d$"))


def test_a_chapter_is_heard_from_its_beginning(house: House, studio: Page) -> None:
    slug = audible(house)
    edges = [
        {"start_s": s, "end_s": s + 20, "title": t, "source": "computed", "url": ""}
        for s, t in ((0, "Doors open"), (62, "The page"))
    ]
    house.changes(slug, chapters=edges, state="complete")
    opened(studio, slug)
    studio.get_by_role("link", name="The page").click()
    expect(studio.locator("[data-now]")).to_have_text(re.compile("0:4[0-9]"))  # 62 s of room, 22.5 of them cut before


def test_trying_again_is_one_press(house: House, studio: Page) -> None:
    slug = house.room_ends("Thursday room", state="failed")
    house.work.fails(slug, "probe", "Jonas's track stops at 41:07.")
    expect(studio.locator(f"#e-{slug}")).to_contain_text("Could not finish")
    studio.get_by_role("button", name="Try again").click()
    expect(studio.get_by_role("heading", name="Thursday room")).to_be_visible()
    expect(studio.get_by_text("Received", exact=True).first).to_be_visible()
    assert house.work.retried == [slug]


def test_a_file_is_saved_under_the_episodes_name(house: House, studio: Page) -> None:
    slug = audible(house, "What the outage taught us")
    opened(studio, slug)
    with studio.expect_download() as saved:
        studio.get_by_role("link", name="WAV").click()
    assert saved.value.suggested_filename == "What the outage taught us.wav"


def test_where_something_holds_the_stream_back_the_page_asks_for_itself(house: House, studio: Page) -> None:
    studio.route("**/studio/events*", lambda route: None)  # never answered
    studio.reload()
    slug = house.room_ends("Thursday room")
    expect(studio.locator(f"#e-{slug}")).to_contain_text("Received")


@pytest.mark.parametrize("context", [{"viewport": {"width": 390, "height": 844}}], indirect=True)
def test_a_lost_connection_is_said_and_found_again(house: House, context: BrowserContext) -> None:
    with served(house.app()) as url:
        tab = context.new_page()  # complains about the lost connection, as it should
        tab.goto(f"{url}/studio/login/{house.login()}")
        tab.get_by_role("button", name="Sign in").click()
        # a page that is not there yet cannot tell of the loss
        expect(tab.locator("#episodes")).to_be_attached()
        tab.wait_for_load_state("load")
        context.set_offline(True)
        expect(tab.get_by_text("Progress paused, reconnecting")).to_be_visible()
        slug = house.room_ends("Thursday room")
        context.set_offline(False)
        expect(tab.locator(f"#e-{slug}")).to_contain_text("Received")
        expect(tab.get_by_text("Progress paused, reconnecting")).to_be_hidden()
        tab.goto("about:blank")


def test_a_line_that_the_browser_knows_to_be_dead_is_said_at_once(studio: Page) -> None:
    assert studio.evaluate("(dispatchEvent(new Event('offline')), document.getElementById('paused').hidden)") is False
    studio.evaluate("dispatchEvent(new Event('online'))")
    expect(studio.get_by_text("Progress paused, reconnecting")).to_be_hidden()


def test_signing_out_elsewhere_closes_the_page(house: House, studio: Page) -> None:
    house.room_ends("Thursday room")
    expect(studio.get_by_text("Thursday room")).to_be_visible()
    studio.get_by_role("button", name="Sign out").click()
    expect(studio.get_by_role("heading", name="Signed out")).to_be_visible()


@pytest.mark.parametrize("context", [{"java_script_enabled": False}], indirect=True)
def test_without_script_everything_is_there(house: House, studio: Page) -> None:
    slug = audible(house)
    house.becomes_complete(slug)
    studio.reload()
    studio.get_by_role("link", name="Thursday room", exact=True).click()
    expect(studio.locator("audio[controls]")).to_be_visible()
    expect(studio.get_by_role("link", name="VTT")).to_be_visible()
    expect(studio.get_by_text("9,522 words", exact=True).first).to_be_visible()


# ---- every state, both sizes, both themes


SIZES = [{"viewport": {"width": w, "height": 844}, "color_scheme": s} for w in (390, 1280) for s in ("light", "dark")]


@pytest.mark.parametrize("context", SIZES, indirect=True, ids=lambda o: f"{o['viewport']['width']}-{o['color_scheme']}")
def test_every_page_is_for_everybody_and_fits(house: House, studio: Page) -> None:
    base = studio.url.split("/studio/")[0]
    slugs = every_state(house)
    for path in ("/studio/", *(f"/studio/episodes/{slug}" for slug in slugs), f"/studio/login/{house.login()}"):
        studio.goto(base + path)
        found = Axe().run(studio)
        assert found.violations_count == 0, f"{path}\n{found.generate_report()}"
        assert studio.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def a_late_room(name: str, **more: Any) -> Late:
    said = {"said": "Nobody works at the queue audio.", "next": "Start somebody: `aircheck work --queues audio`."}
    since = datetime(2026, 11, 20, 7, 36, tzinfo=UTC)
    return Late(recording_id=f"EG_{name}", name=name, show_slug="late-build", since=since, **{**said, **more})


def test_a_late_room_is_told_and_no_more_once_it_can_be_heard_without_a_reload(house: House, studio: Page) -> None:
    studio.evaluate("window.untouched = true")
    house.work.late_rooms = (a_late_room("Thursday room"),)
    notice = studio.get_by_role("region", name="One room cannot be heard yet")
    expect(notice).to_contain_text("aircheck work --queues audio")
    house.work.late_rooms = ()
    expect(notice).to_have_count(0)
    assert studio.evaluate("window.untouched")


def every_state(house: House) -> list[str]:
    house.work.late_rooms = tuple(a_late_room(f"A room of many words, number {n}") for n in range(9))
    received, working, words, failed, public = (house.room_ends(f"A room of many words, number {n}", days_ago=n) for n in range(5))
    house.work.waits(received)
    house.work.works(working, "encode", 0.4, eta_s=(30, 40), done=done("fetch", "probe", fetch="3 tracks, 214 MB"))
    for slug in (words, public):
        house.becomes_audible(slug)
    house.work.works(words, "transcribe", 0.6, audio_s=3449, eta_s=(100, 130), usual_s=(180, 240), done=done(*SOUND))
    house.work.fails(failed, "probe", "Jonas's track stops at 41:07 and nothing after it can be read.")
    house.becomes_complete(public)
    house.publishes(public)
    return [received, working, words, failed, public]
