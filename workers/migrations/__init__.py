"""Brings a database to the shape this Aircheck knows; `versions/` holds the steps, oldest first."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine
from sqlalchemy import text as sql

from pipeline.errors import Refused

# One migration at a time on PostgreSQL; SQLite has its own single writer.
LOCK = 4717
HEAD = "head"


def migrate(engine: Engine, revision: str = HEAD) -> None:
    """Take the database to that revision in one transaction, all of it or nothing; several processes may try at once.

    Errors: `Refused` where a newer Aircheck has already changed it.
    """
    with engine.execution_options(reading=True).connect() as connection:
        if revision == HEAD and revision_of(connection) == newest():
            return
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            for limit in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
                connection.execute(sql(f"SET LOCAL {limit} = 0"))  # a step may take as long as it takes
            connection.execute(sql("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        _must_be_known(revision_of(connection))
        command.upgrade(_config(connection), revision)


def revert(engine: Engine, revision: str) -> None:
    """Take the database back to an older revision, or to `base`: empty."""
    with engine.begin() as connection:
        command.downgrade(_config(connection), revision)


def revision_of(connection: Connection) -> str | None:
    """The revision a database is at; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def newest() -> str | None:
    """The revision this Aircheck knows."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _must_be_known(revision: str | None) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if revision is not None and revision not in known:
        raise Refused(f"the database is at revision {revision}, newer than this Aircheck; update Aircheck", code="newer_database")
