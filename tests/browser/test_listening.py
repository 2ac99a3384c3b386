"""The episode's page in a real browser, with real sound: play, seek, share, read along."""

import random
import re
from collections.abc import Callable

import fakes_pages as room
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from feeds.pages.strip import CHAPTER_GAP

CLOCK = ".clock .now"
PLAYING = "() => !document.querySelector('audio').paused && document.querySelector('audio').currentTime"


@pytest.fixture
def opened(page: Page, site: str) -> Callable[..., Page]:
    """Open the rich episode, or another one, with a query."""

    def opens(query: str = "", episode: str = "rich") -> Page:
        page.goto(f"{site}{episode}/index.html{query}")
        return page

    return opens


def at(page: Page) -> float:
    return float(page.evaluate("document.querySelector('audio').currentTime"))


def plays_from(page: Page, second: float) -> None:
    page.wait_for_function(f"{PLAYING} > {second} && document.querySelector('audio').currentTime < {second + 5}", polling=50)


def marked(page: Page, name: str) -> list[str]:
    return page.evaluate("(name) => [...(CSS.highlights.get(name) ?? [])].map((range) => range.toString())", name)


def test_pressing_play_plays_and_the_button_says_pause(opened: Callable[..., Page]) -> None:
    page = opened()
    page.get_by_role("button", name="Play", exact=True).click()
    plays_from(page, 0.3)
    expect(page.locator(".transport .play")).to_have_attribute("aria-label", "Pause")
    page.locator(".transport .play").click()
    assert page.evaluate("document.querySelector('audio').paused")


def test_before_play_three_requests_no_sound_and_no_other_host(page: Page, site: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{site}rich/index.html", wait_until="networkidle")
    page.mouse.wheel(0, 5000)
    page.wait_for_timeout(300)
    seen = [url for url in asked if not url.startswith("data:")]
    assert len(seen) <= 3 and all(url.startswith(site.removesuffix("late-build/")) for url in seen)
    assert not [url for url in seen if "episode." in url]


def test_a_chapter_is_a_click_away(opened: Callable[..., Page]) -> None:
    page, chapter = opened(), room.CHAPTERS[3]
    page.get_by_role("link", name=chapter.title).last.click()
    plays_from(page, chapter.start_s)
    expect(page.locator(".transport .here")).to_have_text(chapter.title)
    expect(page.locator(".labels li.on")).to_have_text(chapter.title)
    assert re.search(r"\?t=\d+$", page.locator(".chapters a").nth(3).get_attribute("href") or "")


def test_a_shared_address_opens_at_its_second_without_playing(opened: Callable[..., Page]) -> None:
    page = opened("?t=233")
    expect(page.locator(CLOCK)).to_have_text("3:53")
    assert page.evaluate("document.querySelector('audio').paused")
    page.locator(".transport .play").click()
    plays_from(page, 233)


@pytest.mark.parametrize(
    ("query", "clock"), [("?t=1m5s", "1:05"), ("?t=2m", "2:00"), ("?t=99999", "9:14"), ("?t=nonsense", "0:00"), ("?t=-4", "0:00")]
)
def test_every_way_to_write_a_time_opens_somewhere_sensible(opened: Callable[..., Page], query: str, clock: str) -> None:
    expect(opened(query).locator(CLOCK)).to_have_text(clock)


def test_a_shared_passage_ends_where_it_should(opened: Callable[..., Page]) -> None:
    page = opened("?t=100,101.5")
    page.locator(".transport .play").click()
    page.wait_for_function("() => document.querySelector('audio').currentTime > 101 && document.querySelector('audio').paused")
    assert 101.4 < at(page) < 102.3


def test_the_share_button_copies_the_permanent_address(opened: Callable[..., Page]) -> None:
    page = opened("?t=233")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Share at 3:53").click()
    expect(page.locator(".share")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == f"{room.SITE.url('late-build/rich/index.html')}?t=233"


def test_keys_play_skip_search_and_step_through_chapters(opened: Callable[..., Page]) -> None:
    page = opened("?t=100")
    page.keyboard.press("l")
    expect(page.locator(CLOCK)).to_have_text("2:10")
    page.keyboard.press("j")
    expect(page.locator(CLOCK)).to_have_text("1:55")
    page.get_by_role("slider", name="Place in the episode").focus()
    page.keyboard.press("PageDown")
    page.keyboard.press("PageDown")
    assert "0:00 of 9:14, chapter 1, Doors open" in (page.get_by_role("slider").get_attribute("aria-valuetext") or "")
    page.keyboard.press("PageUp")
    expect(page.locator(".transport .here")).to_have_text(room.CHAPTERS[1].title)
    page.keyboard.press("k")
    plays_from(page, room.CHAPTERS[1].start_s)
    page.keyboard.press(" ")
    assert page.evaluate("document.querySelector('audio').paused")
    page.keyboard.press("/")
    page.keyboard.type("kettle jk")
    assert page.evaluate("document.querySelector('audio').paused")
    expect(page.get_by_role("searchbox")).to_have_value("kettle jk")


def test_a_place_on_the_strip_is_the_second_it_shows(opened: Callable[..., Page]) -> None:
    page = opened()
    box = page.locator(".strip").bounding_box()
    assert box
    for place in (0.1, 0.37, 0.5, 0.83):
        page.mouse.click(box["x"] + place * box["width"], box["y"] + 40)
        head = page.locator(".head").bounding_box()
        assert head and abs(head["x"] + 1 - (box["x"] + place * box["width"])) < CHAPTER_GAP + 1
    first = page.locator(".labels li").nth(4).bounding_box()
    assert first
    page.mouse.click(first["x"] + 1, box["y"] + 40)
    expect(page.locator(".transport .here")).to_have_text(room.CHAPTERS[4].title)


def test_the_place_is_remembered_in_this_browser(opened: Callable[..., Page]) -> None:
    page = opened()
    link = page.locator(".turn > a").nth(8)
    link.click()
    plays_from(page, int((link.get_attribute("href") or "").removeprefix("?t=")))
    page.locator(".transport .play").click()
    kept = page.locator(CLOCK).text_content()
    page.reload()
    expect(page.locator(CLOCK)).to_have_text(kept or "")


def test_speed_is_kept_and_used(opened: Callable[..., Page]) -> None:
    page = opened()
    page.get_by_label("Speed").select_option("1.5")
    page.reload()
    page.locator(".transport .play").click()
    plays_from(page, 0.1)
    assert page.evaluate("document.querySelector('audio').playbackRate") == 1.5


def test_the_word_that_is_said_is_the_word_that_is_marked(opened: Callable[..., Page]) -> None:
    page = opened("?t=1")
    page.locator(".transport .play").click()
    plays_from(page, 1)
    page.locator(".transport .play").click()
    dice = random.Random(5)
    alone = [
        w for s, later in zip(room.SEGMENTS, room.SEGMENTS[1:], strict=False) for w in s.words if w.end_s < later.start_s - 0.2
    ]
    for word in dice.sample(alone, 25):
        page.evaluate(
            "(t) => new Promise((done) => { const a = document.querySelector('audio');"
            "a.addEventListener('seeked', () => requestAnimationFrame(done), {once: true}); a.currentTime = t; })",
            (word.start_s + word.end_s) / 2,
        )
        assert marked(page, "now") == [word.text]


def test_search_finds_every_place_and_steps_through_them(opened: Callable[..., Page]) -> None:
    page = opened()
    said = " ".join(s.text for s in room.SEGMENTS).lower().count("kettle")
    page.get_by_role("searchbox").fill("KETTLE")
    expect(page.locator(".search output")).to_have_text(f"1 of {said}")
    assert marked(page, "found") == ["kettle"] * said and marked(page, "hit") == ["kettle"]
    page.keyboard.press("Enter")
    expect(page.locator(".search output")).to_have_text(f"2 of {said}")
    page.get_by_role("searchbox").fill("zeppelin")
    expect(page.locator(".search output")).to_have_text("Not said")


def test_the_page_follows_until_the_reader_scrolls_and_then_offers_the_way_back(opened: Callable[..., Page]) -> None:
    page = opened("?t=300")
    page.locator(".transport .play").click()
    plays_from(page, 300)
    page.locator("#transcript").scroll_into_view_if_needed()
    page.locator(".turn").nth(3).scroll_into_view_if_needed()
    page.mouse.move(400, 400)
    page.mouse.wheel(0, 700)
    expect(page.locator(".dock.up")).to_be_visible()
    back = page.get_by_role("button", name="Back to now")
    back.click()
    expect(back).to_be_hidden()
    expect(page.locator(".turn.on")).to_be_in_viewport()


def test_the_dock_stands_in_for_the_player_when_that_is_out_of_view(opened: Callable[..., Page]) -> None:
    page = opened("?t=233")
    expect(page.locator(".dock")).to_be_hidden()
    page.locator(".by").scroll_into_view_if_needed()
    page.locator(".dock").get_by_role("button", name="Play").click()
    plays_from(page, 233)
    expect(page.locator(".dock small")).to_contain_text("3:5")


def test_a_sound_that_cannot_be_loaded_is_told(context: BrowserContext, site: str) -> None:
    page = context.new_page()
    page.route("**/episode.*", lambda route: route.abort())
    page.goto(f"{site}rich/index.html")
    page.locator(".transport .play").click()
    expect(page.locator(".problem")).to_contain_text("could not be loaded")


@pytest.mark.parametrize("context", [{"java_script_enabled": False}], indirect=True)
def test_without_script_the_browsers_own_player_and_the_whole_transcript_stand(opened: Callable[..., Page]) -> None:
    page = opened()
    expect(page.locator("audio[controls]")).to_be_visible()
    expect(page.locator(".transport")).to_be_hidden()
    words = " ".join(page.locator(".turn > span").all_text_contents()).split()
    assert words == " ".join(s.text for s in room.SEGMENTS).split()
    expect(page.locator(".turn").last).to_be_visible()
    assert page.locator(".chapters a").nth(2).get_attribute("href") == f"episode.mp3#t={room.CHAPTERS[2].start_s:.2f}".rstrip("0")


# ---- phones and paper


@pytest.mark.parametrize("context", [{"viewport": {"width": 390, "height": 844}, "has_touch": True}], indirect=True)
@pytest.mark.parametrize("episode", ["rich", "draft", "wordless", "mixed", "bare"])
def test_nothing_reaches_past_the_edge_of_a_phone(opened: Callable[..., Page], episode: str) -> None:
    page = opened("?t=60", episode)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    play = page.locator(".transport .play").bounding_box()
    assert play and play["y"] + play["height"] < 844


@pytest.mark.parametrize("context", [{"viewport": {"width": 390, "height": 844}}], indirect=True)
def test_a_long_transcript_is_folded_on_a_phone_and_opens_for_button_and_search(opened: Callable[..., Page]) -> None:
    page = opened()
    last = page.locator(".turn").last
    assert last.get_attribute("hidden") == "until-found"
    page.get_by_role("button", name="Read the whole transcript").click()
    assert last.get_attribute("hidden") is None
    page.reload()
    page.get_by_role("searchbox").fill("good night to everybody")
    expect(page.locator(".turn").last).to_be_in_viewport()


@pytest.mark.parametrize("context", [{"viewport": {"width": 1280, "height": 720}}], indirect=True)
def test_play_is_in_view_on_a_small_laptop(opened: Callable[..., Page]) -> None:
    expect(opened().locator(".transport .play")).to_be_in_viewport(ratio=1)


def test_on_paper_there_is_the_transcript_and_no_player(opened: Callable[..., Page]) -> None:
    page = opened()
    page.emulate_media(media="print")
    expect(page.locator(".transport")).to_be_hidden()
    expect(page.locator(".side")).to_be_hidden()
    expect(page.locator(".turn").last).to_be_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(0, 0, 0)"
