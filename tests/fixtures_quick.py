"""The sound of quick jobs, made once for all tests of a process."""

from pathlib import Path

import pytest
from fakes_house import a_house

from bench.trial.quick import sound_of
from workers.database import open_database


@pytest.fixture(scope="session")
def quick_sound(tmp_path_factory: pytest.TempPathFactory, empty_sqlite: Path) -> Path:
    """The folder where it lies, to be linked as `quick` into the data folder of a house."""
    folder = tmp_path_factory.mktemp("quick")
    database = open_database(f"sqlite:///{empty_sqlite}")
    sound_of(a_house(database, folder))
    database.close()
    return folder / "quick"
