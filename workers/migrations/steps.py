"""Takes the steps in `versions/`, up and down, inside a transaction of the caller's. Loaded only where there are any to take."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def climb(connection: Connection, revision: str) -> None:
    """Take the database up to that revision."""
    command.upgrade(_config(connection), revision)


def descend(connection: Connection, revision: str) -> None:
    """Take the database back to an older revision, or to `base`: empty."""
    command.downgrade(_config(connection), revision)


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
