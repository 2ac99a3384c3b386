"""A studio to walk in and out of."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes_studio import House, enter
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
