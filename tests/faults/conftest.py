"""Crashes happen to SQLite in every run of the tests, to PostgreSQL in the slow ones."""

from pathlib import Path

import pytest
from fixtures_database import database, empty_database, empty_sqlite, postgres_server, redis_server, send, show

__all__ = ["database", "empty_sqlite", "postgres_server", "redis_server", "send", "show"]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return empty_database(request, tmp_path)
