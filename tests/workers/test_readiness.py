"""Rooms may come when everything they need is there."""

from pathlib import Path

import pytest
from fakes_house import a_house

from workers.database import Database
from workers.readiness import readiness

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_a_house_with_room_in_it_is_ready(database: Database, tmp_path: Path) -> None:
    assert [check.name for check in readiness(a_house(database, tmp_path)) if not check.ok] == []


def test_a_disk_below_the_floor_is_named_with_figures(database: Database, tmp_path: Path) -> None:
    checks = {check.name: check for check in readiness(a_house(database, tmp_path, limits={"free_bytes": 1 << 60}))}
    assert not checks["disk"].ok and "are needed; make room" in checks["disk"].said
    assert checks["database"].ok


def test_a_database_that_has_gone_is_named(database: Database, tmp_path: Path) -> None:
    house = a_house(database, tmp_path)
    database.close()
    (tmp_path / "aircheck.db").unlink()
    (tmp_path / "aircheck.db").mkdir()
    assert [check.name for check in readiness(house) if not check.ok] == ["database"]
