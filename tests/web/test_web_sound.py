"""How an episode sounds, on its page in the studio: for whoever runs the show, and for nobody else."""

import re

import fakes_sound as sounds
import pytest
from fakes_studio import House
from starlette.testclient import TestClient

from feeds import soundcheck
from feeds.catalogue import json_of

FILES = tuple(soundcheck.FILES)


@pytest.fixture
def slug(house: House) -> str:
    house.opens_show(title="Late Build")
    slug = house.room_ends("What the outage taught us")
    house.becomes_audible(slug)
    told = sounds.told()
    assert told.sound is not None
    house.changes(slug, sound=json_of(told.sound), people=json_of(told.people))
    return slug


def test_the_page_shows_the_report_for_wide_and_for_narrow_screens(host: TestClient, slug: str) -> None:
    page = host.get(f"/studio/episodes/{slug}").text
    pictures = re.findall(r'<svg class="check (\w+)" viewBox="0 0 (\d+)', page)
    assert pictures == [("wide", "900"), ("narrow", "320")]
    assert page.count("50 Hz hum") == 2 and "Amara Osei from −33.9 LUFS to −19.1 LUFS" in page
    assert f'href="/studio/episodes/{slug}/files/sound.json"' in page


def test_its_colours_come_with_the_style_of_the_studio(host: TestClient, slug: str) -> None:
    style = host.get("/studio/static/studio.css").text
    used = set(
        re.findall(r'class="(?:heavy )?(\w+)(?: heavy)?" (?:fill|stroke)="currentColor"', host.get(f"/studio/episodes/{slug}").text)
    )
    assert len(used) > 10
    assert [name for name in used if f".check .{name}{{" not in style] == []


def test_the_report_can_be_taken_home_in_every_form(host: TestClient, slug: str) -> None:
    answers = {file: host.get(f"/studio/episodes/{slug}/files/{file}") for file in FILES}
    assert {file: answer.headers["content-type"] for file, answer in answers.items()} == {
        "sound.json": "application/json", "sound.svg": "image/svg+xml", "sound.png": "image/png",
    }  # fmt: skip
    assert answers["sound.json"].json()["voices"][1]["condition"]["clipped"] == 312
    for answer in answers.values():
        assert answer.headers["content-disposition"].startswith('attachment; filename="What the outage taught us - sound')
        assert "private" in answer.headers["cache-control"] and answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("file", FILES)
def test_a_stranger_gets_no_word_of_it_whether_it_is_published_or_not(
    house: House, stranger: TestClient, slug: str, file: str
) -> None:
    for _ in range(2):
        assert stranger.get(f"/studio/episodes/{slug}/files/{file}").status_code == 401
        assert stranger.get(f"/late-build/{slug}/{file}").status_code == 404
        house.publishes(slug)


def test_before_there_is_sound_there_is_nothing_to_report(house: House, host: TestClient, slug: str) -> None:
    waiting = house.room_ends("Another room")
    page = host.get(f"/studio/episodes/{waiting}").text
    assert 'id="soundcheck"' in page and 'class="check' not in page and "sound.json" not in page
    assert host.get(f"/studio/episodes/{waiting}/files/sound.json").status_code == 404
