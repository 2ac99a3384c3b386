"""The studio's pages, without script."""

import re

import pytest
from fakes_hands import done
from fakes_studio import House, enter, mark_in
from starlette.testclient import TestClient


@pytest.fixture(autouse=True)
def show(house: House) -> None:
    house.opens_show(title="Late Build")


def test_an_episode_is_in_the_list_from_the_moment_its_room_ended(house: House, host: TestClient) -> None:
    assert "End a room and it appears here." in host.get("/studio/").text
    slug = house.room_ends("Thursday room")
    page = host.get("/studio/").text
    assert f'id="e-{slug}"' in page and "Thursday room" in page and "Received" in page


def test_before_there_is_a_show_the_host_is_told_how_to_make_one(tmp_path_factory: pytest.TempPathFactory) -> None:

    house = House(tmp_path_factory.mktemp("empty"))
    with TestClient(house.app(), follow_redirects=False, headers={"Accept": "text/html"}) as client:
        enter(client, house.login())
        assert "Make a show. A name is enough." in client.get("/studio/").text
    house.close()


def test_the_newest_room_is_on_top(house: House, host: TestClient) -> None:
    for name, days_ago in (("Middle", 2), ("Oldest", 5), ("Newest", 0)):
        house.room_ends(name, days_ago=days_ago)
    assert re.findall(r"(Newest|Middle|Oldest)</a></h2>", host.get("/studio/").text) == ["Newest", "Middle", "Oldest"]


def test_many_episodes_are_many_pages(house: House, host: TestClient) -> None:
    for n in range(33):
        house.room_ends(f"Room {n:02}", days_ago=n)
    first, second = host.get("/studio/").text, host.get("/studio/?page=2").text
    assert first.count("<article") == 30 and "Older" in first and "Newer" not in first
    assert second.count("<article") == 3 and "Room 32" in second and "Newer" in second and "Older" not in second
    assert "33 episodes" in first


def test_one_show_can_be_seen_alone(house: House, host: TestClient) -> None:
    house.opens_show("side-project", title="Side Project")
    house.room_ends("Here")
    house.room_ends("There", show="side-project")
    page = host.get("/studio/?show=side-project").text
    assert "There" in page and ">Here<" not in page and "Late Build" in page


def test_a_working_episode_shows_its_stages(house: House, host: TestClient) -> None:
    slug = house.room_ends("Thursday room", state="working")
    house.work.works(slug, "encode", 0.4, eta_s=(100, 130), done=done("fetch", "probe", "arrange", fetch="3 tracks, 214 MB"))
    page = host.get(f"/studio/episodes/{slug}").text
    assert "Ready in about 2 minutes" in page and "3 tracks, 214 MB, 2.0 s" in page and "40%" in page
    assert 'role="progressbar"' in page and "data-play" not in page
    assert page.count("<li class=") == 8


def test_it_can_be_heard_as_soon_as_there_is_sound_published_or_not(house: House, host: TestClient) -> None:
    slug = house.room_ends("Thursday room")
    house.becomes_audible(slug)
    page = host.get(f"/studio/episodes/{slug}").text
    address = f"/studio/episodes/{slug}/listen/mp3"
    assert f'href="{address}"' in page and f'<audio controls preload="none" src="{address}">' in page
    answer = host.get(address, headers={"Range": "bytes=10-19"})
    assert answer.status_code == 206 and len(answer.content) == 10 and answer.headers["content-type"] == "audio/mpeg"
    assert "private" in answer.headers["cache-control"]
    assert house.public.stat(f"late-build/{slug}/episode.mp3") is None


def test_what_lies_only_in_the_public_store_can_be_heard_as_well(house: House, host: TestClient) -> None:
    slug = house.room_ends("Thursday room")
    house.becomes_audible(slug)
    house.private.delete(f"late-build/{slug}/episode.mp3")
    assert host.get(f"/studio/episodes/{slug}/listen/mp3").status_code == 404
    house.stores(f"late-build/{slug}/episode.mp3", b"public sound")
    assert host.get(f"/studio/episodes/{slug}/listen/mp3").content == b"public sound"


def test_everything_can_be_taken_home_under_a_good_name(house: House, host: TestClient) -> None:
    slug = house.room_ends("What the outage taught us")
    house.becomes_audible(slug)
    house.becomes_complete(slug)
    page = host.get(f"/studio/episodes/{slug}").text
    files = re.findall(r'href="(/studio/episodes/[^"]+/files/[^"]+)"', page)
    names = {file.rpartition("/")[2] for file in files}
    assert names == {
        "episode.mp3", "episode.m4a", "episode.opus", "transcript.vtt", "transcript.srt", "transcript.json", "transcript.html",
        "transcript.txt", "chapters.json", "sound.json", "sound.svg", "sound.png",
    }  # fmt: skip
    for file in files:
        answer = host.get(file)
        assert answer.status_code == 200 and answer.content, file
        assert answer.headers["content-disposition"].startswith('attachment; filename="What the outage taught us')
        assert host.head(file).headers["content-length"] == str(len(answer.content))
    assert "fourteen minutes past two" in host.get(f"/studio/episodes/{slug}/files/transcript.vtt").text


def test_draft_words_are_private_and_their_hosts_to_read(house: House, host: TestClient) -> None:
    slug = house.room_ends("Thursday room")
    house.becomes_audible(slug)
    house.becomes_complete(slug, quality="draft", why="No Whisper model is here.")
    assert "The words are a draft" in host.get(f"/studio/episodes/{slug}").text
    assert "Good evening" in host.get(f"/studio/episodes/{slug}/files/transcript.txt").text


@pytest.mark.parametrize("file", ["words.json", "transcript.exe", "..%2f..%2faircheck.db", "index.html", "episode.flac"])
def test_nothing_else_can_be_taken(house: House, host: TestClient, file: str) -> None:
    slug = house.room_ends("Thursday room")
    house.becomes_audible(slug)
    house.becomes_complete(slug)
    assert host.get(f"/studio/episodes/{slug}/files/{file}").status_code == 404


def test_a_failure_is_told_and_can_be_tried_again(house: House, host: TestClient) -> None:
    slug = house.room_ends("Thursday room", state="failed")
    house.work.fails(slug, "probe", "Jonas's track stops at 41:07.")
    page = host.get(f"/studio/episodes/{slug}")
    text = page.text.replace("&#39;", "'")
    for words in (
        "Could not finish",
        "Jonas's track stops at 41:07.",
        "The recording is kept exactly as it came.",
        "Try again in a minute.",
        "R-7F3K",
    ):
        assert words in text
    answer = host.post(f"/studio/episodes/{slug}/retry", data={"mark": mark_in(page.text)})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/studio/episodes/{slug}")
    assert house.work.retried == [slug]
    assert "Could not finish" not in host.get(f"/studio/episodes/{slug}").text


def test_what_cannot_be_helped_offers_no_second_try(house: House, host: TestClient) -> None:
    slug = house.room_ends("Thursday room", state="failed")
    house.work.fails(slug, "probe", "There is no sound in it.", retryable=False)
    assert "Try again</button>" not in host.get(f"/studio/episodes/{slug}").text
    assert "Try again</button>" not in host.get("/studio/").text


def test_trying_again_what_has_not_failed_is_answered_in_words(house: House, host: TestClient) -> None:
    slug = house.room_ends("Thursday room")
    answer = host.post(f"/studio/episodes/{slug}/retry", data={"mark": mark_in(host.get("/studio/").text)})
    assert answer.status_code == 409 and "there is nothing to try again" in answer.text


def test_work_can_be_stopped(house: House, host: TestClient) -> None:
    slug = house.room_ends("Thursday room")
    house.work.works(slug, "fetch")
    page = host.get(f"/studio/episodes/{slug}").text
    assert ">Stop</button>" in page
    assert host.post(f"/studio/episodes/{slug}/cancel", data={"mark": mark_in(page)}).status_code == 303
    assert house.work.cancelled == [slug] and "Stopped" in host.get(f"/studio/episodes/{slug}").text


def test_a_published_episode_links_to_its_page(house: House, host: TestClient) -> None:
    slug = house.room_ends("Thursday room")
    house.becomes_audible(slug)
    assert "Open page" not in host.get("/studio/").text
    house.publishes(slug)
    assert f'href="/late-build/{slug}/index.html"' in host.get("/studio/").text
    house.changes(slug, access="members")
    assert "Open page" not in host.get("/studio/").text


def test_an_unknown_episode_is_a_calm_404(host: TestClient) -> None:
    answer = host.get("/studio/episodes/aaaaaaaaaa")
    assert answer.status_code == 404 and "There is no such episode." in answer.text


EVIL = '<script>alert(1)</script>"\' onload=x {{ 7*7 }} </hx-partial><hx-partial hx-target="body">'


def test_no_text_of_a_room_is_ever_markup(house: House, host: TestClient) -> None:
    people = [{"identity": "amara", "name": EVIL, "role": "host", "url": "javascript:alert(1)", "image": ""}]
    slug = house.room_ends(EVIL, people=people, reason=EVIL)
    house.becomes_audible(slug)
    house.becomes_complete(slug, why=EVIL, quality="draft")
    house.work.fails(slug, "probe", EVIL)
    for path in ("/studio/", f"/studio/episodes/{slug}"):
        page = host.get(path).text
        assert "<script>alert" not in page and "&lt;script&gt;alert(1)" in page
        assert "<hx-partial" not in page and "49" not in re.findall(r"onload=x (.*?) &lt;", page)[0]
        assert "javascript:" not in page


def test_pages_ask_nothing_of_other_sites_and_hold_no_inline_script(house: House, host: TestClient) -> None:
    slug = house.room_ends("Thursday room")
    house.becomes_audible(slug)
    for path in ("/studio/", f"/studio/episodes/{slug}"):
        page = host.get(path).text
        assert not re.findall(r'(?:src|href)="(?:https?:)?//', page)
        assert not re.findall(r"<script(?![^>]* src=)", page) and " style=" not in page and "<style" not in page
    for name in ("studio.css", "studio.js", "htmx.min.js", "hx-sse.min.js", "mark.svg"):
        answer = host.get(f"/studio/static/{name}")
        assert answer.status_code == 200 and "immutable" in answer.headers["cache-control"]
    assert "@font-face" in host.get("/studio/static/studio.css").text


def test_without_script_a_page_that_waits_reloads_itself(house: House, host: TestClient) -> None:
    slug = house.room_ends("Thursday room")
    assert '<noscript><meta http-equiv="refresh" content="10"></noscript>' in host.get(f"/studio/episodes/{slug}").text
    house.becomes_audible(slug)
    assert "refresh" not in host.get(f"/studio/episodes/{slug}").text  # somebody may be listening
