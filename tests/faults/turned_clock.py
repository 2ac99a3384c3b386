"""The database's clock, turned: what SQLite takes for the present time is ours to say."""

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import event

from workers.database import Database

UNIX_EPOCH_DAYS = 2440587.5


def turn(database: Database, ahead_s: Callable[[], float]) -> None:
    """From now on the clock of that SQLite database is so far ahead, on every connection of this process."""

    def set_clock(connection: Any, _record: Any) -> None:
        connection.create_function("julianday", 1, lambda _now: UNIX_EPOCH_DAYS + (time.time() + ahead_s()) / 86400.0)

    for engine in (database.engine, database.durable_engine):
        event.listen(engine, "connect", set_clock)
        engine.dispose()
