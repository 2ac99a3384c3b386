"""The studio's door."""

import logging

import httpx
import pytest
from fakes_studio import House, enter, mark_in, served
from sqlalchemy import select, update
from starlette.testclient import TestClient

from feeds.catalogue import KeyRow, db_now
from feeds.web.login import LOGIN_S, SESSION_S


def test_a_login_opens_the_studio(house: House, stranger: TestClient) -> None:
    assert stranger.get("/studio/").status_code == 401
    enter(stranger, house.login())
    assert stranger.get("/studio/").status_code == 200


def test_looking_at_the_address_does_not_use_it_up(house: House, stranger: TestClient) -> None:
    token = house.login()
    for _ in range(3):
        assert stranger.get(f"/studio/login/{token}").status_code == 200
    stranger.head(f"/studio/login/{token}")
    assert stranger.get("/studio/").status_code == 401
    enter(stranger, token)


def test_a_login_opens_once(house: House, stranger: TestClient) -> None:
    token = house.login()
    mark = mark_in(stranger.get(f"/studio/login/{token}").text)
    enter(stranger, token)
    with TestClient(house.app(), headers={"Origin": "http://testserver"}) as second:
        assert second.get(f"/studio/login/{token}").status_code == 410
        answer = second.post(f"/studio/login/{token}", data={"mark": mark})
        assert answer.status_code == 410 and not second.cookies
        assert second.get("/studio/").status_code == 401


def test_a_login_is_worth_nothing_after_a_quarter_of_an_hour(house: House, stranger: TestClient) -> None:
    token = house.login()
    with house.database.begin() as session:
        assert LOGIN_S - 60 < (session.scalar(select(KeyRow.expires_at - db_now())) or 0) <= LOGIN_S == 900
        session.execute(update(KeyRow).values(expires_at=db_now() - 1))
    assert stranger.get(f"/studio/login/{token}").status_code == 410


def test_an_invented_login_opens_nothing(stranger: TestClient) -> None:
    assert stranger.get("/studio/login/" + "A" * 43).status_code == 410


def test_a_session_ends_after_thirty_days(house: House, host: TestClient) -> None:
    with house.database.begin() as session:
        left_s = session.scalar(select(KeyRow.expires_at - db_now()).where(KeyRow.kind == "session")) or 0
        assert SESSION_S - 60 < left_s <= SESSION_S == 30 * 86400
        session.execute(update(KeyRow).values(expires_at=db_now() - 1))
    assert host.get("/studio/").status_code == 401


def test_a_login_is_no_session(house: House, stranger: TestClient) -> None:
    stranger.cookies.set("aircheck", house.login())
    assert stranger.get("/studio/").status_code == 401


def test_only_hashes_are_kept(house: House, host: TestClient) -> None:
    with house.database.read() as session:
        kept = list(session.scalars(select(KeyRow.sha256)))
    assert len(kept) == 2 and host.cookies["aircheck"] not in kept and all(len(digest) == 64 for digest in kept)


def test_who_signs_in_gets_a_new_session_whatever_cookie_they_came_with(house: House, stranger: TestClient) -> None:
    chosen = house.login()
    stranger.cookies.set("aircheck", chosen)
    token = house.login()
    mark = mark_in(stranger.get(f"/studio/login/{token}").text)
    answer = stranger.post(f"/studio/login/{token}", data={"mark": mark}, headers={"Origin": "http://testserver"})
    assert answer.headers["set-cookie"].startswith("aircheck=") and chosen not in answer.headers["set-cookie"]


def test_signing_out_ends_the_session_everywhere(host: TestClient) -> None:
    token = host.cookies["aircheck"]
    mark = mark_in(host.get("/studio/").text)
    assert host.post("/studio/logout", data={"mark": mark}).status_code == 200
    host.cookies.set("aircheck", token)
    assert host.get("/studio/").status_code == 401


def cookie_of(house: House) -> str:
    with TestClient(house.app(), headers={"Origin": "http://testserver"}, follow_redirects=False) as client:
        token = house.login()
        mark = mark_in(client.get(f"/studio/login/{token}").text)
        return str(client.post(f"/studio/login/{token}", data={"mark": mark}).headers["set-cookie"])


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(house: House) -> None:
    cookie = cookie_of(house)
    assert cookie.startswith("aircheck=")
    assert {"HttpOnly", "SameSite=lax", "Path=/", "Max-Age=2592000"} <= set(cookie.split("; ")) and "Domain" not in cookie
    assert "Secure" not in cookie


def test_behind_https_the_cookie_is_tied_to_the_host(house: House) -> None:
    house.config = type(house.config)(public_url="https://testserver", secure_cookies=True)
    cookie = cookie_of(house)
    assert cookie.startswith("__Host-aircheck=") and {"Secure", "Path=/"} <= set(cookie.split("; ")) and "Domain" not in cookie


# ---- forms


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "", "http://testserver.evil.example", "http://testserver:81", "file://testserver"]
)
def test_a_form_from_elsewhere_signs_nobody_in(house: House, stranger: TestClient, origin: str) -> None:
    token = house.login()
    mark = mark_in(stranger.get(f"/studio/login/{token}").text)
    answer = stranger.post(f"/studio/login/{token}", data={"mark": mark}, headers={"Origin": origin} if origin else {})
    assert answer.status_code == 403 and not stranger.cookies
    enter(stranger, token)


@pytest.mark.parametrize("form", [{}, {"mark": ""}, {"mark": "0" * 64}, {"mark": "é"}])
def test_a_form_without_our_mark_signs_nobody_in(house: House, stranger: TestClient, form: dict[str, str]) -> None:
    answer = stranger.post(f"/studio/login/{house.login()}", data=form or {"x": "y"}, headers={"Origin": "http://testserver"})
    assert answer.status_code == 403 and not stranger.cookies


def test_a_huge_form_is_not_read(house: House, stranger: TestClient) -> None:
    answer = stranger.post(f"/studio/login/{house.login()}", data={"mark": "x" * 100_000}, headers={"Origin": "http://testserver"})
    assert answer.status_code == 413


def test_the_public_address_counts_as_ours_behind_a_proxy_that_renames_the_host(house: House) -> None:
    house.config = type(house.config)(public_url="https://pods.example")
    with TestClient(house.app(), base_url="http://10.0.0.7:8000", follow_redirects=False) as client:
        token = house.login()
        mark = mark_in(client.get(f"/studio/login/{token}").text)
        assert (
            client.post(f"/studio/login/{token}", data={"mark": mark}, headers={"Origin": "https://pods.example"}).status_code
            == 303
        )


# ---- what must not leak


def test_no_secret_reaches_a_log(house: House, caplog: pytest.LogCaptureFixture) -> None:
    token = house.login()
    with caplog.at_level(logging.DEBUG), served(house.app()) as url:
        logging.getLogger("uvicorn.access").addHandler(caplog.handler)
        try:
            with httpx.Client(base_url=url, headers={"Origin": url}) as client:
                mark = mark_in(client.get(f"/studio/login/{token}").text)
                assert client.post(f"/studio/login/{token}", data={"mark": mark}).status_code == 303
                session = client.cookies["aircheck"]
                client.get("/private/0123456789abcdef0123/feed.xml")
        finally:
            logging.getLogger("uvicorn.access").removeHandler(caplog.handler)
    ours = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore")))
    assert "/studio/login/…" in ours and "/private/…/feed.xml" in ours
    for secret in (token, session, mark, "0123456789abcdef0123"):
        assert secret not in ours


def test_no_address_reaches_another_site(house: House, stranger: TestClient) -> None:
    headers = stranger.get(f"/studio/login/{house.login()}").headers
    assert headers["referrer-policy"] == "same-origin" and headers["cache-control"] == "no-store"
