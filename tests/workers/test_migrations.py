"""The steps of migrations/ lead exactly to the tables that the code speaks of, on both databases."""

import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from fixtures_database import empty_database, new_postgres_database
from sqlalchemy import inspect
from sqlalchemy import text as sql

import workers.ledger.tables  # noqa: F401 - its tables join the metadata
from feeds.catalogue import Base
from pipeline.errors import Refused
from workers import migrations
from workers.database import Database, open_database
from workers.migrations import known, migrate, newest, revert, revision_of


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of the test's own, for it changes the tables."""
    if request.param == "sqlite":
        return empty_database(request, tmp_path)
    name = f"own{abs(hash(request.node.nodeid))}"
    return new_postgres_database(request.getfixturevalue("postgres_server"), name)


def test_the_migrated_database_is_the_one_the_code_speaks_of(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        assert revision_of(connection) == newest()


def test_a_step_is_known_by_the_name_of_its_file() -> None:
    steps = ScriptDirectory(str(Path(migrations.__file__).parent)).walk_revisions()
    assert [step.revision for step in steps] == [*reversed(known())]


def test_migrating_again_changes_nothing(database: Database) -> None:
    before = inspect(database.engine).get_table_names()
    migrate(database.engine)
    assert inspect(database.engine).get_table_names() == before


def test_all_steps_can_be_taken_back_and_again(database: Database) -> None:
    revert(database.engine, "base")
    assert inspect(database.engine).get_table_names() == ["alembic_version"]
    migrate(database.engine)
    assert set(inspect(database.engine).get_table_names()) == {*Base.metadata.tables, "alembic_version"}


def test_processes_that_start_at_once_migrate_once(database: Database) -> None:
    revert(database.engine, "base")
    start, errors = threading.Barrier(4), list[BaseException]()
    sisters = [open_database(database.engine.url.render_as_string(hide_password=False)) for _ in range(4)]

    def begin(sister: Database) -> None:
        start.wait()
        try:
            migrate(sister.engine)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=begin, args=(sister,)) for sister in sisters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for sister in sisters:
        sister.close()
    assert errors == []
    assert "job" in inspect(database.engine).get_table_names()


def test_a_database_of_a_newer_aircheck_is_left_alone(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(sql("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Refused, match="newer than this Aircheck"):
        migrate(database.engine)


def test_a_step_that_breaks_leaves_nothing_behind(database: Database) -> None:
    revert(database.engine, "base")
    with database.engine.begin() as connection:
        connection.execute(sql("CREATE TABLE attempt (id INTEGER)"))  # in the way of the last table but one
    with pytest.raises(Exception, match="already exists"):
        migrate(database.engine)
    assert sorted(inspect(database.engine).get_table_names()) == ["alembic_version", "attempt"]
    with database.engine.connect() as connection:
        assert revision_of(connection) is None
