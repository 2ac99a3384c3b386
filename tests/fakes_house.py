"""An installation of one database and two folders, for tests of what is done beside the jobs."""

from pathlib import Path
from typing import Any

from pipeline.stores import open_store
from workers.broker import Bells, open_broker
from workers.database import Database
from workers.house import House
from workers.settings import Settings
from workers.wiring import plan_of, site_of


def a_house(database: Database, folder: Path, **said: Any) -> House:
    """A house with these settings, its bells in memory."""
    settings = Settings(**{"data_dir": folder, **said})
    bells = Bells(open_broker(settings.redis_url))
    return House(
        settings=settings, database=database, open_bells=lambda: bells,
        public=open_store((folder / "public").as_uri()), private=open_store((folder / "private").as_uri()),
        site=site_of(settings), scratch=folder / "scratch", plan=plan_of(settings),
    )  # fmt: skip
