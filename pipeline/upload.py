"""Made files reach the store: what lies there already stays, what is sent is looked at again."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.child import Report, quiet
from pipeline.errors import Broken
from pipeline.models import MadeFile
from pipeline.naming import disposition
from pipeline.stores import Stat, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """A file as it shall lie in the store."""

    made: MadeFile
    key: str
    mime_type: str
    cache_control: str
    # what listeners save it as; "" leaves it to the address
    filename: str = ""


def upload(store: Store, files: Sequence[Sending], report: Report = quiet) -> tuple[Stat, ...]:
    """What lies in the store under each key, in their order; `report` is told the share of bytes behind us."""
    total_bytes = sum(sending.made.size_bytes for sending in files) or 1
    stats: list[Stat] = []
    behind_bytes = 0
    for sending in files:
        stats.append(_there(store, sending) or _sent(store, sending))
        behind_bytes += sending.made.size_bytes
        report(behind_bytes / total_bytes)
    return tuple(stats)


def _there(store: Store, sending: Sending) -> Stat | None:
    stat, made = store.stat(sending.key), sending.made
    if stat is None or (stat.size_bytes, stat.sha256) != (made.size_bytes, made.sha256):
        return None
    told = (stat.mime_type, stat.cache_control, stat.disposition)
    return stat if told == (sending.mime_type, sending.cache_control, disposition(sending.filename)) else None


def _sent(store: Store, sending: Sending) -> Stat:
    made, key = sending.made, sending.key
    about = {"mime_type": sending.mime_type, "cache_control": sending.cache_control, "filename": sending.filename}
    store.put(key, made.path, **about)
    stat = store.stat(key)
    if stat is None or stat.size_bytes != made.size_bytes or stat.sha256 not in {"", made.sha256}:
        has = "nothing" if stat is None else f"{stat.size_bytes:,} other bytes"
        raise Broken(f"{key} was uploaded with {made.size_bytes:,} bytes and the store has {has}", code="upload_differs")
    return stat
