"""The database: there, ours, writable, up to date, on a disk that suits it, with a clock like ours."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from workers.doctor.findings import ANSWER_S, Finding, bad, deaf, timed, well, worrying
from workers.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from workers.database import Database

# File systems of other machines: a WAL there is lost or torn (sqlite.org/wal.html, 1).
FOREIGN = (
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "9p",
    "afs",
    "ceph",
    "glusterfs",
    "lustre",
    "fuse.sshfs",
    "fuse.glusterfs",
    "fuse.s3fs",
)
OLDEST_POSTGRESQL = 130000
# One process may open so many.
FEW_CONNECTIONS = 32


def database(settings: Settings) -> Iterator[Finding]:
    """Every finding about it."""
    from sqlalchemy.engine import make_url

    url = make_url(settings.database_url)
    name = url.render_as_string(hide_password=True)
    if url.get_backend_name() == "sqlite":
        path = Path(url.database or "")
        yield from _file_system(path)
        if not path.exists():
            yield _to_be_made(name, path)
            return
    elif why := silent(settings.database_url):
        yield bad("database", f"{name}: {why}", "start it, or correct database_url")
        return
    yield from _opened(patient_only(settings.database_url), name)


def _to_be_made(name: str, path: Path) -> Finding:
    place = next(parent for parent in path.parents if parent.exists())
    if place.is_dir() and os.access(place, os.W_OK | os.X_OK):
        return well("database", f"{name} is not there yet; it is made when Aircheck starts")
    return bad("database", f"{name} cannot be made below {place}", "correct database_url, or the rights to its folder")


def patient_only(url: str) -> str:
    """The address with as little patience for a server that says nothing as all checks have."""
    from sqlalchemy.engine import make_url

    made = make_url(url)
    if made.get_backend_name() != "sqlite":
        made = made.update_query_dict({"connect_timeout": f"{ANSWER_S:.0f}"})
    return made.render_as_string(hide_password=False)


def silent(url: str) -> str:
    """Why nobody listens where the database should be; "" where somebody does, and for a file."""
    return "" if url.startswith("sqlite") else deaf(url, 5432)


def _file_system(path: Path) -> Iterator[Finding]:
    kind = _file_system_of(path)
    if kind in FOREIGN:
        said = f"{path} lies on {kind}, where SQLite's log is not safe"
        yield bad("database.disk", said, "move it to a disk of this machine, or use PostgreSQL")


def _file_system_of(path: Path) -> str:
    """The type of the file system below the path; "" where the system does not tell."""
    try:
        mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    except OSError:
        return ""
    above = {str(parent) for parent in (path, *path.resolve().parents)}
    fitting = [(len(fields[1]), fields[2]) for fields in mounts if fields[1] in above]
    return max(fitting)[1] if fitting else ""


def _opened(url: str, name: str) -> Iterator[Finding]:
    from sqlalchemy import select

    from feeds.catalogue import db_now
    from workers.database import open_database
    from workers.migrations import newest, revision_of

    opened = open_database(url)
    try:
        with opened.read() as session:
            now_s, revision = session.scalar(select(db_now())) or 0.0, revision_of(session.connection())
            kind, about = _kind(session)
        yield timed("database", f"{name}, {kind}, revision {revision or 'none'}", now_s)
        yield from about
        if revision != newest():
            yield worrying(
                "database.revision", f"{revision or 'nothing'} is there, {newest()} is ours", "aircheck up brings it up to date"
            )
        yield from _written(opened)
    finally:
        opened.close()


def _kind(session: "Session") -> tuple[str, list[Finding]]:
    """What it calls itself, and what is to be said of it."""
    from sqlalchemy import text

    def ask(words: str) -> str:
        return str(session.scalar(text(words)))

    if session.get_bind().dialect.name == "sqlite":
        mode = ask("PRAGMA journal_mode")
        wrong = (
            [] if mode == "wal" else [bad("database.wal", f"its journal mode is {mode}, not wal", "let nobody else keep it open")]
        )
        return f"SQLite {ask('SELECT sqlite_version()')}", wrong
    version, number = ask("SHOW server_version"), int(ask("SHOW server_version_num"))
    old = [worrying("database.version", f"PostgreSQL {version} is old", "use 13 or newer")] if number < OLDEST_POSTGRESQL else []
    free = int(ask("SHOW max_connections")) - int(ask("SELECT count(*) FROM pg_stat_activity"))
    fix = "raise max_connections: every process of ours may need 32"
    few = [worrying("database.connections", f"{free} connections are free", fix)] if free < FEW_CONNECTIONS else []
    return f"PostgreSQL {version}, {free} connections free", [*old, *few]


class _Undone(Exception):
    """Takes back what was only tried."""


def _written(opened: "Database") -> Iterator[Finding]:
    """Whether a table could be made: it is taken back at once."""
    from sqlalchemy import text
    from sqlalchemy.exc import DBAPIError

    try:
        with opened.begin() as session:
            session.execute(text("CREATE TABLE aircheck_doctor (looked INTEGER)"))
            raise _Undone
    except _Undone:
        return
    except DBAPIError as error:
        yield bad(
            "database.write", f"it cannot be written: {str(error.orig).strip().splitlines()[0]}", "give our user the rights to it"
        )
