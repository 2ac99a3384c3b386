"""Rooms that ended long ago and cannot be heard: the studio says so on top of its list, until they can."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from fakes_studio import House
from starlette.testclient import TestClient

from feeds.web.work import Late


@pytest.fixture(autouse=True)
def show(house: House) -> None:
    house.opens_show(title="Late Build")


def late(name: str, **more: Any) -> Late:
    said = {"said": "Nobody works at the queue audio.", "next": "Start somebody: `aircheck work --queues audio`."}
    plain = {"recording_id": f"EG_{name}", "show_slug": "late-build", "since": datetime(2026, 11, 20, 7, 36, tzinfo=UTC)}
    return Late(**{**plain, **said, "name": name, **more})


def section(html: str) -> str:
    found = re.search(r'<section id="late".*?</section>', html, re.DOTALL)
    return found[0] if found else ""


def test_a_late_room_is_told_with_its_reason_and_what_to_do(house: House, host: TestClient) -> None:
    house.work.late_rooms = (late("Thursday room"),)
    told = section(host.get("/studio/").text)
    assert "One room cannot be heard yet" in told and "Thursday room" in told
    assert "Nobody works at the queue audio." in told
    assert "Start somebody: <code>aircheck work --queues audio</code>." in told


def test_the_notice_goes_by_itself(house: House, host: TestClient) -> None:
    house.work.late_rooms = (late("Thursday room"),)
    assert section(host.get("/studio/").text)
    house.work.late_rooms = ()
    assert not section(host.get("/studio/").text)


def test_a_held_room_that_has_no_episode_is_told_all_the_same(house: House, host: TestClient) -> None:
    house.work.late_rooms = (late("Thursday room", show_slug="", said="There is no show 'x'."),)
    page = host.get("/studio/").text
    assert "There is no show" in section(page) and "End a room and it appears here." not in page


def test_many_late_rooms_are_a_short_list_and_a_number(house: House, host: TestClient) -> None:
    house.work.late_rooms = tuple(late(f"Room {n}") for n in range(12))
    told = section(host.get("/studio/").text)
    assert "12 rooms cannot be heard yet" in told and told.count("<li>") == 5
    assert "And 7 more" in told and "<code>aircheck runs --overdue</code>" in told


def test_only_where_it_can_help_one_can_try_again(house: House, host: TestClient) -> None:
    slug = house.room_ends("Thursday room", state="failed")
    house.work.late_rooms = (late("Thursday room", episode=slug, retryable=True), late("Other"))
    told = section(host.get("/studio/").text)
    assert told.count("Try again") == 1 and f'formaction="/studio/episodes/{slug}/retry"' in told
    assert f'<a href="/studio/episodes/{slug}">Thursday room</a>' in told


def test_a_shows_own_page_and_older_pages_tell_only_what_is_theirs(house: House, host: TestClient) -> None:
    house.work.late_rooms = (late("Here"), late("There", show_slug="side-project"))
    assert "There" not in section(host.get("/studio/?show=late-build").text)
    assert not section(host.get("/studio/?page=2").text)


def test_what_a_room_wrote_is_text(house: House, host: TestClient) -> None:
    house.work.late_rooms = (late("<script>alert(1)</script>", said="`<b>` and <i>"),)
    told = section(host.get("/studio/").text)
    assert "<script>" not in told and "<b>" not in told and "<i>" not in told
    assert "<code>&lt;b&gt;</code>" in told


def test_a_browser_that_watches_is_told(house: House, host: TestClient) -> None:
    from feeds.web.studio.board import Board, View

    board, web, view, now = Board(), host.app.state.web, View(), datetime.now(UTC)  # type: ignore[attr-defined]
    before = board.look(web, view, now)
    house.work.late_rooms = (late("Thursday room"),)
    after = board.look(web, view, now)
    assert before and after
    assert "One room cannot be heard yet" in after.since(before.hashes)
    assert "cannot be heard" not in before.since(after.hashes)
