"""What tests of faults share: a warm nursery with everything that is made once, and houses to die in."""

import shutil
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from crash_rooms import make_files
from crash_trials import CrashTrial, Grounds, settings_from, surroundings
from fixtures_database import emptied, empty_sqlite, postgres_server, redis_server
from nursery import Nursery

from bench.trial.evidence import ending_of
from bench.trial.servers import DIRECT, S3_CREDENTIALS
from workers.wiring import open_house

__all__ = ["empty_sqlite", "postgres_server", "redis_server"]


@pytest.fixture(scope="session")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grounds]:
    """Everything that is made once: the sound of the rooms by the real stages, and how a trial ends when nobody dies."""
    folder = tmp_path_factory.mktemp("grounds")
    make_files(folder / "rooms")
    house = folder / "undisturbed"
    house.mkdir()
    environment = surroundings(house, folder / "rooms", folder / "seeds")
    nursery = Nursery(folder / "said")
    try:
        nursery.here("trial", environment)
        with open_house(settings_from(environment)) as opened:
            undisturbed = ending_of(opened)
        yield Grounds(nursery=nursery, rooms=folder / "rooms", seeds=folder / "seeds", undisturbed=undisturbed)
    finally:
        nursery.close()


@pytest.fixture
def begin(grounds: Grounds, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., CrashTrial]]:
    """`begin("postgresql", "s3", "redis")` is a trial in a new house with that database, such stores, and bells rung there."""

    def begin(database: str = "sqlite", stores: str = "folder", bells: str = "memory") -> CrashTrial:
        folder = tmp_path / "house"
        folder.mkdir()
        return stack.enter_context(CrashTrial(grounds, folder, _place(request, folder, database, stores, bells)))

    with ExitStack() as stack:
        yield begin


def _place(request: pytest.FixtureRequest, folder: Path, database: str, stores: str, bells: str) -> dict[str, str]:
    place = {}
    if database == "sqlite":
        shutil.copy(request.getfixturevalue("empty_sqlite"), folder / "aircheck.db")
    else:
        place["AIRCHECK_DATABASE_URL"] = emptied(request.getfixturevalue("postgres_server"))
    if stores == "s3":
        request.getfixturevalue("s3_credentials")
        place |= _bucket(request.getfixturevalue("s3_service"))
    if bells == "redis":
        server = request.getfixturevalue("redis_server")
        server.flush()
        place["AIRCHECK_REDIS_URL"] = server.url
    return place


def _bucket(service: str) -> dict[str, str]:
    bucket = f"rooms-{uuid.uuid4().hex[:12]}"
    with DIRECT.open(urllib.request.Request(f"{service}/{bucket}", method="PUT"), timeout=30):
        pass
    return {
        "AIRCHECK_STORE__URL": f"s3://{bucket}/public", "AIRCHECK_STORE__PRIVATE_URL": f"s3://{bucket}/private",
        "AIRCHECK_STORE__ENDPOINT_URL": service, **S3_CREDENTIALS,
    }  # fmt: skip
