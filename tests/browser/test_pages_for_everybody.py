"""Every public page, in both themes and both widths, without a finding of axe."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

LOOKS = [
    {"viewport": {"width": width, "height": 900}, "color_scheme": scheme} for width in (390, 1280) for scheme in ("light", "dark")
]  # fmt: skip
NAMES = [f"{look['viewport']['width']}-{look['color_scheme']}" for look in LOOKS]  # type: ignore[index]


@pytest.mark.parametrize("context", LOOKS, ids=NAMES, indirect=True)
@pytest.mark.parametrize(
    "path",
    ["rich/index.html?t=233", "draft/index.html", "wordless/index.html", "mixed/index.html", "bare/index.html", "index.html"],
)
def test_axe_finds_nothing(page: Page, site: str, path: str) -> None:
    page.goto(site + path)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_axe_finds_nothing_while_searching_and_reading_along(page: Page, site: str) -> None:
    page.goto(f"{site}rich/index.html?t=233")
    page.get_by_role("searchbox").fill("kettle")
    page.locator(".turn > a").nth(4).click()
    page.mouse.wheel(0, 1200)
    expect(page.locator(".dock.up")).to_be_visible()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_a_shows_list_is_searched_by_its_words(page: Page, site: str) -> None:
    page.goto(f"{site}index.html")
    before = page.locator(".item:visible").count()
    page.get_by_role("searchbox").fill("outage nobody")
    assert page.locator(".item:visible").count() == before
    page.get_by_role("searchbox").fill("zeppelin")
    expect(page.locator(".nothing")).to_be_visible()


def test_the_newest_room_is_one_click_away(page: Page, site: str) -> None:
    page.goto(f"{site}index.html")
    page.get_by_role("link", name="What the outage taught us").first.click()
    page.wait_for_url("**/rich/index.html")


@pytest.mark.parametrize("context", [{"reduced_motion": "reduce"}], indirect=True)
def test_who_wants_no_motion_gets_none(page: Page, site: str) -> None:
    page.goto(f"{site}rich/index.html")
    moving = "[...document.querySelectorAll('*')].filter((e) => parseFloat(getComputedStyle(e).transitionDuration) > 0).length"
    assert page.evaluate(moving) == 0
