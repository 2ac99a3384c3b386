"""What trials of whole hosts share."""

from fixtures_database import redis_server

__all__ = ["redis_server"]
