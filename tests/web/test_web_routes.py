"""Every address, asked by a stranger and by a host: what is new is asked as well, for the addresses come from the app itself."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from fakes_studio import House, enter, mark_in
from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from feeds.web.app import create_app
from pipeline.errors import Broken

OPEN = {
    "/", "/{key:path}", "/healthz", "/readyz", "/metrics", "/studio", "/studio/static/{name}", "/studio/login/{token}",
}  # fmt: skip


def addresses(routes: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """(method, path) of every route."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield from ((method, route.path) for method in route.methods)
        else:
            yield from addresses(route.original_router.routes)


@pytest.fixture
def slug(house: House) -> str:
    house.opens_show()
    slug = house.room_ends("What the outage taught us")
    house.becomes_audible(slug)
    house.becomes_complete(slug)
    house.publishes(slug)
    return slug


def filled_in(path: str, slug: str) -> str:
    known = {
        "{slug}": slug,
        "{format_name}": "mp3",
        "{file}": "transcript.vtt",
        "{name}": "studio.css",
        "{token}": "A" * 43,
        "{key:path}": "none.txt",
    }
    for name, value in known.items():
        path = path.replace(name, value)
    assert "{" not in path, f"the walk does not know how to fill in {path}"
    return path


def inside(client: TestClient) -> list[tuple[str, str]]:
    return [(method, path) for method, path in addresses(client.app.routes) if path not in OPEN]  # type: ignore[attr-defined]


def test_a_stranger_is_let_in_nowhere(house: House, stranger: TestClient, slug: str) -> None:
    walked = inside(stranger)
    assert len(walked) >= 9
    for method, path in walked:
        answer = stranger.request(method, filled_in(path, slug), headers={"Origin": "http://testserver"})
        assert answer.status_code == 401, (method, path)
        assert "outage" not in answer.text and slug not in answer.text
    assert not house.work.retried and not house.work.cancelled


def test_a_host_is_let_in_everywhere(house: House, host: TestClient, slug: str) -> None:
    mark = mark_in(host.get("/studio/").text)
    for method, path in sorted(inside(host)):
        if path == "/studio/events":  # never ends; has tests of its own
            continue
        house.work.fails(slug, "probe", "Broken.")
        form = {"data": {"mark": mark}} if method == "POST" else {}
        answer = host.request(method, filled_in(path, slug), **form)  # type: ignore[arg-type]
        assert answer.status_code in {200, 303}, (method, path, answer.status_code)
        if path == "/studio/logout":
            host.cookies.clear()
            enter(host, house.login())
            mark = mark_in(host.get("/studio/").text)


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": ""}])
def test_no_form_of_another_site_does_anything(house: House, host: TestClient, slug: str, headers: dict[str, str]) -> None:
    house.work.fails(slug, "probe", "Broken.")
    mark = mark_in(host.get("/studio/").text)
    for method, path in inside(host):
        if method == "POST":
            answer = host.post(filled_in(path, slug), data={"mark": mark}, headers=headers)
            assert answer.status_code == 403, path
    assert not house.work.retried and not house.work.cancelled
    assert host.get("/studio/").status_code == 200


def test_no_form_without_this_sessions_mark_does_anything(house: House, host: TestClient, slug: str) -> None:
    for method, path in inside(host):
        if method == "POST":
            for mark in ("", "0" * 64):
                assert host.post(filled_in(path, slug), data={"mark": mark}).status_code == 403, path
    assert not house.work.retried and not house.work.cancelled


def test_whatever_is_answered_below_studio_is_kept_by_nobody_and_framed_by_nobody(
    house: House, host: TestClient, slug: str
) -> None:
    for path in (
        "/studio/",
        f"/studio/episodes/{slug}",
        "/studio/episodes/none",
        f"/studio/login/{house.login()}",
        "/studio/login/none",
    ):
        headers = host.get(path).headers
        assert headers["cache-control"] == "no-store", path
        assert headers["x-content-type-options"] == "nosniff" and headers["x-frame-options"] == "DENY"
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy


def test_an_error_of_ours_is_a_calm_page_without_our_words(house: House, slug: str) -> None:
    def broken(_names: object) -> Any:
        raise ZeroDivisionError("a secret detail")

    house.work.runs = broken  # type: ignore[method-assign]
    with TestClient(house.app(), raise_server_exceptions=False, follow_redirects=False, headers={"Accept": "text/html"}) as client:
        house_token = house.login()
        enter(client, house_token)
        answer = client.get("/studio/")
    assert answer.status_code == 500 and "Nothing is lost." in answer.text and "secret" not in answer.text
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_a_store_that_does_not_answer_is_told_calmly_and_written_down(house: House, stranger: TestClient) -> None:
    def away(_key: str) -> Any:
        raise Broken("s3://pods: its objects cannot be looked at: no answer", code="store_unreachable")

    house.public.stat = away  # type: ignore[method-assign]
    with capture_logs() as logs:
        answer = stranger.get("/late-build/feed.xml")
    assert answer.status_code == 503 and "Nothing is lost" in answer.text and "s3://" not in answer.text
    assert [(log["event"], log["code"], log["path"]) for log in logs] == [
        ("could_not_answer", "store_unreachable", "/late-build/feed.xml")
    ]
    assert stranger.get("/late-build/feed.xml", headers={"Accept": "*/*"}).json()["error"]["code"] == "store_unreachable"


def test_a_door_that_was_handed_in_answers_before_the_public_files(house: House) -> None:
    door = APIRouter()

    @door.post("/hooks/rooms", status_code=202)
    def hook() -> dict[str, str]:
        return {"run": "r1"}

    app = create_app(
        catalogue=house.database.begin,
        public=house.public,
        private=house.private,
        work=house.work,
        config=house.config,
        routers=(door,),
    )
    with TestClient(app) as client:
        assert client.post("/hooks/rooms").json() == {"run": "r1"}
        assert client.get("/hooks/rooms").status_code in {404, 405}
