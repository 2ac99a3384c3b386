"""Which database a bench measures: the one it is told, a PostgreSQL of its own (`--postgres`), or SQLite in a fresh folder."""

import contextlib
from collections.abc import Iterator, Sequence

from bench.trial.servers import postgres_programs, postgres_server


@contextlib.contextmanager
def database_named(words: Sequence[str]) -> Iterator[str]:
    """The address that a bench's command line names, "" for SQLite; a PostgreSQL of its own has every commit on the disk."""
    if list(words) != ["--postgres"]:
        yield words[0] if words else ""
        return
    programs = postgres_programs()
    if programs is None:
        raise SystemExit("PostgreSQL is not installed (Debian: postgresql)")
    with postgres_server(programs, settings=()) as server:
        server.run("CREATE DATABASE bench")
        yield f"{server.address}bench"
