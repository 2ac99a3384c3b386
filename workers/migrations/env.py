"""Alembic runs this for every step; the connection and its transaction are the caller's."""

from alembic import context

import workers.ledger.tables  # noqa: F401 - its tables join the metadata
from feeds.catalogue import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite changes a column by making its table again
    transactional_ddl=True,
)
context.run_migrations()
