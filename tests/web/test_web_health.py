"""Whether we are well, for whoever keeps the machine."""

import httpx
import pytest
from fakes_studio import House, served
from starlette.testclient import TestClient

from feeds.web.work import Check


def test_a_living_process_says_so(stranger: TestClient) -> None:
    answer = stranger.get("/healthz")
    assert (answer.status_code, answer.text, answer.headers["cache-control"]) == (200, "alive\n", "no-store")
    assert stranger.head("/healthz").status_code == 200


def test_ready_means_that_everything_is_well(house: House, stranger: TestClient) -> None:
    house.work.checks = (Check(name="database", ok=True), Check(name="store", ok=True))
    assert stranger.get("/readyz").status_code == 200
    assert stranger.get("/readyz").json()["failing"] == []


def test_what_is_not_well_is_named(house: House, stranger: TestClient) -> None:
    house.work.checks = (
        Check(name="database", ok=True),
        Check(name="disk", ok=False, said="1.2 GB free, 2 GB are needed; make room"),
    )
    answer = stranger.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["failing"] == ["disk"]
    assert {"name": "disk", "ok": False, "said": "1.2 GB free, 2 GB are needed; make room"} in answer.json()["checks"]


def test_metrics_answer_to_this_machine(house: House) -> None:
    with served(house.app()) as url:
        answer = httpx.get(f"{url}/metrics")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert b"aircheck_runs" in answer.content


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
def test_metrics_do_not_answer_to_what_came_through_a_proxy(house: House, header: str) -> None:
    with served(house.app()) as url:
        assert httpx.get(f"{url}/metrics", headers={header: "127.0.0.1"}).status_code == 404


def test_metrics_do_not_answer_to_other_machines_unless_opened(house: House, stranger: TestClient) -> None:
    assert stranger.get("/metrics").status_code == 404  # the test client is no address of this machine
    house.config = type(house.config)(public_url="http://testserver", open_metrics=True)
    with TestClient(house.app()) as client:
        assert client.get("/metrics").status_code == 200
