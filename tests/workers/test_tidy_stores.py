"""What killed writers left in the stores is removed by itself."""

import contextlib
import os
import time
import uuid
from pathlib import Path

from fakes_house import a_house

from workers.database import open_database
from workers.errands import errands_of


def a_part(store: Path, *, hours_ago: float) -> Path:
    """What a writer leaves behind who is killed in the middle."""
    part = store / ".aircheck" / "parts" / uuid.uuid4().hex
    part.write_bytes(b"half of")
    os.utime(part, (time.time() - hours_ago * 3600,) * 2)
    return part


def test_leftovers_of_a_day_ago_go_from_both_stores(tmp_path: Path, empty_sqlite: Path) -> None:
    with contextlib.closing(open_database(f"sqlite:///{empty_sqlite}")) as database:
        house = a_house(database, tmp_path)
        stores = [tmp_path / "public", tmp_path / "private"]
        old, young = [a_part(store, hours_ago=25) for store in stores], [a_part(store, hours_ago=1) for store in stores]
        tidying = next(errand for errand in errands_of(house) if errand.name == "tidy_stores")
        assert tidying.run() == 2
    assert not any(part.exists() for part in old)
    assert all(part.exists() for part in young)
