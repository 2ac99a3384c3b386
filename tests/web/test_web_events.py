"""What is told while a page stands open."""

import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import httpx
import pytest
from fakes_studio import House, mark_in, served
from in_a_loop import in_a_loop
from sqlalchemy import delete

from feeds.catalogue import KeyRow
from feeds.web.studio.board import Look
from feeds.web.studio.events import Pace, Told, events


@pytest.fixture
def web(house: House) -> Iterator[httpx.Client]:
    house.opens_show()
    with served(house.app()) as url, httpx.Client(base_url=url, headers={"Origin": url}, timeout=10) as client:
        token = house.login()
        mark = mark_in(client.get(f"/studio/login/{token}").text)
        client.post(f"/studio/login/{token}", data={"mark": mark})
        yield client


@contextmanager
def listening(web: httpx.Client, path: str = "/studio/events", last_event_id: str = "") -> Iterator[Iterator[tuple[str, str]]]:
    """(id, data) of every event; a comment is ("", ": …")."""
    headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
    with web.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store" and answer.headers["x-accel-buffering"] == "no"
        yield told(answer.iter_lines())


def told(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    name, data = "", []
    for line in lines:
        if line.startswith(":"):
            yield "", line
        elif line.startswith("id: "):
            name = line[4:]
        elif line.startswith("data: "):
            data.append(line[6:])
        elif not line:
            yield name, "\n".join(data)
            name, data = "", []


def test_the_snapshot_comes_first(house: House, web: httpx.Client) -> None:
    slug = house.room_ends("Thursday room")
    with listening(web) as heard:
        version, html = next(heard)
    assert version and f'id="e-{slug}"' in html and html.startswith('<hx-partial hx-target="#episodes"')


def test_a_room_that_ends_is_on_the_page_within_two_seconds(house: House, web: httpx.Client) -> None:
    waited_s = []
    with listening(web) as heard:
        next(heard)
        for n in range(3):
            slug = house.room_ends(f"Thursday room {n}")
            since = time.monotonic()
            _, html = next(heard)
            waited_s.append(time.monotonic() - since)
            assert f'id="e-{slug}"' in html and "Received" in html
    assert min(waited_s) < 2.0  # of three, for a busy machine


def test_only_what_changed_is_told(house: House, web: httpx.Client) -> None:
    first, second = house.room_ends("First"), house.room_ends("Second")
    with listening(web) as heard:
        before, _ = next(heard)
        house.work.works(second, "encode", 0.2)
        after, html = next(heard)
    assert before != after and "Encoding" in html
    assert f'hx-target="#e-{second}"' in html and f"e-{first}" not in html


def test_who_comes_back_is_told_what_they_missed(house: House, web: httpx.Client) -> None:
    first, second = house.room_ends("First"), house.room_ends("Second")
    with listening(web) as heard:
        version, _ = next(heard)
    house.work.works(second, "encode", 0.2)
    with listening(web, last_event_id=version) as heard:
        _, html = next(heard)
    assert f'hx-target="#e-{second}"' in html and f"e-{first}" not in html


def test_who_comes_back_with_a_version_of_another_server_gets_the_snapshot(house: House, web: httpx.Client) -> None:
    slug = house.room_ends("Thursday room")
    with listening(web, last_event_id="0123456789abcdef") as heard:
        _, html = next(heard)
    assert html.startswith('<hx-partial hx-target="#episodes"') and slug in html


def test_a_version_is_the_same_whoever_tells_it(house: House, web: httpx.Client) -> None:
    house.room_ends("Thursday room")
    versions = set()
    for _ in range(2):
        with listening(web) as heard:
            versions.add(next(heard)[0])
    assert len(versions) == 1


def test_an_episode_is_told_in_its_parts(house: House, web: httpx.Client) -> None:
    slug = house.room_ends("Thursday room")
    house.becomes_audible(slug)
    house.work.works(slug, "transcribe", 0.1, audio_s=3449)
    with listening(web, f"/studio/events?episode={slug}") as heard:
        _, html = next(heard)
        assert re.findall(r'id="(head|bench|papers)"', html) == ["head", "bench", "papers"]
        house.work.works(slug, "transcribe", 0.5, audio_s=3449)
        _, html = next(heard)
        assert 'hx-target="#bench"' in html and "28:44 of 57:29" in html and 'hx-target="#papers"' not in html


def test_the_stream_ends_with_the_session(house: House, web: httpx.Client) -> None:
    house.room_ends("Thursday room")
    with listening(web) as heard:
        next(heard)
        with house.database.begin() as session:
            session.execute(delete(KeyRow))
        assert list(heard) == []
    assert web.get("/studio/events").status_code == 401


def test_the_stream_of_an_unknown_episode_ends_at_once(web: httpx.Client) -> None:
    with listening(web, "/studio/events?episode=none") as heard:
        assert list(heard) == []


def test_a_stream_holds_no_mark_of_a_form(house: House, web: httpx.Client) -> None:
    house.work.fails(house.room_ends("Thursday room", state="failed"), "probe", "Broken.")
    with listening(web) as heard:
        _, html = next(heard)
    assert "Try again" in html and mark_in(web.get("/studio/").text) not in html


# ---- the stream itself


def look(**pieces: str) -> Look:
    return Look(frame="episodes", pieces=pieces)


async def first_of(stream: AsyncIterator[str], count: int) -> list[str]:
    return [said async for said in _limited(stream, count)]


async def _limited(stream: AsyncIterator[str], count: int) -> AsyncIterator[str]:
    for _ in range(count):
        try:
            yield await anext(stream)
        except StopAsyncIteration:
            return


def stream_of(
    *looks: Look | None, told_before: Told | None = None, last_event_id: str = "", beat_s: float = 60
) -> AsyncIterator[str]:
    """A stream over these looks, the last of them for ever."""
    coming = iter(looks)
    current: list[Look | None] = [None]

    async def looked() -> Look | None:
        current[0] = next(coming, current[0])
        return current[0]

    return events(looked, told_before or Told(), last_event_id, Pace(tick_s=0.001, beat_s=beat_s))


def test_a_quiet_stream_says_now_and_then_that_it_lives() -> None:
    said = in_a_loop(first_of(stream_of(look(a="<p>1</p>"), beat_s=0.05), 3))
    assert said[0].startswith("id: ") and said[1:] == [": still here\n\n"] * 2
    assert Pace().beat_s == 15


def test_lines_of_html_are_lines_of_data() -> None:
    said = in_a_loop(first_of(stream_of(look(a="<p>\none\r\ntwo\n</p>"), None), 2))
    assert len(said) == 1
    head, *lines, last = said[0].removesuffix("\n").split("\n")
    assert head.startswith("id: ") and last == ""
    assert all(line.startswith("data: ") for line in lines) and len(lines) == 4


def test_a_known_version_that_still_holds_is_told_nothing_but_signs_of_life() -> None:
    told_before = Told()
    now = look(a="<p>1</p>", b="<p>2</p>")
    told_before.remember(now)
    said = in_a_loop(first_of(stream_of(now, told_before=told_before, last_event_id=now.version), 1))
    assert said == [": still here\n\n"]


def test_versions_of_long_ago_are_forgotten() -> None:
    told_before = Told(keep=2)
    looks = [look(a=str(n)) for n in range(3)]
    for each in looks:
        told_before.remember(each)
    assert told_before.recall(looks[0].version) is None and told_before.recall(looks[2].version) == looks[2].hashes
