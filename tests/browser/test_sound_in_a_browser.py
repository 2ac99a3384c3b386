"""The report of an episode's sound as browsers draw it: in the studio at every width, and as a file of its own."""

from collections.abc import Iterator
from pathlib import Path

import fakes_sound as sounds
import pytest
from fakes_studio import House, served
from playwright.sync_api import Page, expect

from feeds import soundcheck
from feeds.catalogue import json_of

# every line of the picture that is shown: left, top, right, bottom, and those of the picture
LINES = """svg => {
    const rect = e => { const r = e.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom] }
    return [rect(svg), [...svg.querySelectorAll('text')].map(rect)]
}"""
# A line is as high as its font says, which is more than its letters take.
SLACK_PX = 4


@pytest.fixture
def studio(tmp_path: Path, page: Page) -> Iterator[Page]:
    """The page of an episode with a crowd in it, and names in every script."""
    house = House(tmp_path)
    house.opens_show(title="Late Build")
    slug = house.room_ends("What the outage taught us")
    house.becomes_audible(slug)
    crowd = sounds.crowd()
    assert crowd.sound is not None
    house.changes(slug, sound=json_of(crowd.sound), people=json_of(crowd.people))
    with served(house.app()) as url:
        page.goto(f"{url}/studio/login/{house.login()}")
        page.get_by_role("button", name="Sign in").click()
        page.goto(f"{url}/studio/episodes/{slug}")
        yield page
        page.goto("about:blank")
    house.close()


def no_two_meet(lines: list[list[float]]) -> bool:
    boxes = sorted(line for line in lines if line[2] > line[0])
    return not any(
        other[0] < one[2] - SLACK_PX and other[1] < one[3] - SLACK_PX and one[1] < other[3] - SLACK_PX
        for n, one in enumerate(boxes) for other in boxes[n + 1 :]
    )  # fmt: skip


@pytest.mark.parametrize("width", [390, 700, 1024, 1280, 1600])
def test_one_picture_is_shown_and_every_line_of_it_can_be_read(studio: Page, width: int) -> None:
    studio.set_viewport_size({"width": width, "height": 900})
    shown = studio.locator("svg.check:visible")
    expect(shown).to_have_count(1)
    picture, lines = shown.evaluate(LINES)
    assert all(line[0] >= picture[0] - 1 and line[2] <= picture[2] + 1 for line in lines)
    assert no_two_meet(lines)
    assert min(line[3] - line[1] for line in lines) >= 11
    assert studio.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width_px", [320, 900])
@pytest.mark.parametrize("name", ["told", "crowd", "mixed"])
def test_the_file_stands_on_its_own_in_whatever_font_there_is(page: Page, tmp_path: Path, name: str, width_px: int) -> None:
    episode = sounds.ROOMS[name]()
    written = soundcheck.file_of(episode, "sound.svg", width_px)
    assert written is not None
    path = tmp_path / "sound.svg"
    path.write_bytes(written[0])
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    picture, lines = page.locator("svg").evaluate(LINES)
    assert asked == [path.as_uri()]
    assert all(line[0] >= picture[0] and line[2] <= picture[2] for line in lines)
    assert no_two_meet(lines)


@pytest.mark.parametrize("context", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True)
def test_paper_follows_the_theme_and_the_stage_does_not(page: Page, tmp_path: Path, context: object) -> None:
    written = soundcheck.file_of(sounds.told(), "sound.svg")
    assert written is not None
    path = tmp_path / "sound.svg"
    path.write_bytes(written[0])
    page.goto(path.as_uri())
    is_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    colour = "e => getComputedStyle(e).color"
    assert page.locator(".card").first.evaluate(colour) == ("rgb(23, 23, 30)" if is_dark else "rgb(255, 255, 255)")
    assert page.locator(".stage").first.evaluate(colour) == "rgb(17, 17, 24)"
