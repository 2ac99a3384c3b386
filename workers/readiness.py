"""What must be well before rooms may come."""

import shutil
from collections.abc import Callable

from sqlalchemy import select

from feeds.catalogue import db_now
from feeds.web.work import Check
from workers.house import House

PROBE = "_probe"


def readiness(house: House) -> tuple[Check, ...]:
    """Each thing with a verdict; a check that fails says why."""
    looks: dict[str, Callable[[House], str]] = {
        "database": _database, "public_store": lambda h: _store(h, "public"), "private_store": lambda h: _store(h, "private"),
        "disk": _disk,
    }  # fmt: skip
    return tuple(_checked(name, look, house) for name, look in looks.items())


def _checked(name: str, look: Callable[[House], str], house: House) -> Check:
    try:
        wrong = look(house)
    except Exception as error:  # whatever it is, it is not well
        wrong = str(error).splitlines()[0]
    return Check(name=name, ok=not wrong, said=wrong)


def _database(house: House) -> str:
    with house.database.read() as session:
        session.execute(select(db_now()))
    return ""


def _store(house: House, which: str) -> str:
    store = house.public if which == "public" else house.private
    store.stat(PROBE)
    return ""


def _disk(house: House) -> str:
    house.scratch.mkdir(parents=True, exist_ok=True)
    free, floor = shutil.disk_usage(house.scratch).free, house.settings.limits.free_bytes
    return "" if free >= floor else f"{free / 1e9:.1f} GB free where scratch lies, {floor / 1e9:.1f} GB are needed; make room"
