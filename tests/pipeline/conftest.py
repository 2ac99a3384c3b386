"""What the sound tests share."""

from pathlib import Path

import pytest
from fakes_children import Here

from pipeline.child import Children


@pytest.fixture
def here() -> Children:
    return Here()


@pytest.fixture(scope="session")
def children() -> Children:
    """Real ones."""
    return Children()


@pytest.fixture(scope="session")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for files that several tests read and none changes."""
    return tmp_path_factory.mktemp("sounds")
