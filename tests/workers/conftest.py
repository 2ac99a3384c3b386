"""Fixtures that the tests of this folder share with others."""

from fixtures_database import database, database_url, empty_sqlite, postgres_server, redis_server, redis_url, send, show

__all__ = ["database", "database_url", "empty_sqlite", "postgres_server", "redis_server", "redis_url", "send", "show"]
