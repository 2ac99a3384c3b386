"""A studio to walk in and out of."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes_studio import House
from starlette.testclient import TestClient


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.close()


@pytest.fixture
def stranger(house: House) -> Iterator[TestClient]:
    """Somebody who has not signed in."""
    with TestClient(house.app(), follow_redirects=False, headers={"Accept": "text/html"}) as client:
        yield client


@pytest.fixture
def host(house: House, stranger: TestClient) -> TestClient:
    """Somebody who has."""
    enter(stranger, house.login())
    return stranger


def enter(client: TestClient, token: str) -> None:
    page = client.get(f"/studio/login/{token}")
    assert page.status_code == 200
    client.headers["Origin"] = "http://testserver"
    answer = client.post(f"/studio/login/{token}", data={"mark": mark_in(page.text)})
    assert answer.status_code == 303, answer.text


def mark_in(html: str) -> str:
    """What a form of that page carries."""
    return html.partition('name="mark" value="')[2].partition('"')[0]
