"""Brings a database to the shape this Aircheck knows; `versions/` holds the steps, oldest first.

A step's file is named by its revision: what is known, and whether a database is behind, is told without Alembic, which is loaded
only where steps are taken.
"""

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect
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
    from workers.migrations.steps import climb

    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            for limit in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
                connection.execute(sql(f"SET LOCAL {limit} = 0"))  # a step may take as long as it takes
            connection.execute(sql("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        _must_be_known(revision_of(connection))
        climb(connection, revision)


def revert(engine: Engine, revision: str) -> None:
    """Take the database back to an older revision, or to `base`: empty."""
    from workers.migrations.steps import descend

    with engine.begin() as connection:
        descend(connection, revision)


def revision_of(connection: Connection) -> str | None:
    """The revision a database is at; None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(sql("SELECT version_num FROM alembic_version"))
    return revision


def newest() -> str:
    """The revision this Aircheck knows."""
    return known()[-1]


def known() -> tuple[str, ...]:
    """Every revision, oldest first."""
    steps = (Path(__file__).parent / "versions").glob("[0-9]*_*.py")
    return tuple(sorted(step.name.partition("_")[0] for step in steps))


def _must_be_known(revision: str | None) -> None:
    if revision is not None and revision not in known():
        raise Refused(f"the database is at revision {revision}, newer than this Aircheck; update Aircheck", code="newer_database")
