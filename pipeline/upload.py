"""Made files reach the store: what lies there already stays, what is sent is looked at again."""

from collections.abc import Sequence
from typing import TypeAlias

from pipeline.child import Report, quiet
from pipeline.errors import Broken
from pipeline.models import MadeFile
from pipeline.stores import Stat, Store

# file, key, mime type, cache control
Sending: TypeAlias = tuple[MadeFile, str, str, str]


def upload(store: Store, files: Sequence[Sending], report: Report = quiet) -> tuple[Stat, ...]:
    """What lies in the store under each key, in their order; `report` is told the share of bytes behind us."""
    total_bytes = sum(made.size_bytes for made, *_ in files) or 1
    stats: list[Stat] = []
    behind_bytes = 0
    for sending in files:
        stats.append(_there(store, sending) or _sent(store, sending))
        behind_bytes += sending[0].size_bytes
        report(behind_bytes / total_bytes)
    return tuple(stats)


def _there(store: Store, sending: Sending) -> Stat | None:
    made, key, mime_type, cache_control = sending
    stat = store.stat(key)
    wanted = (made.size_bytes, made.sha256, mime_type, cache_control)
    return stat if stat and (stat.size_bytes, stat.sha256, stat.mime_type, stat.cache_control) == wanted else None


def _sent(store: Store, sending: Sending) -> Stat:
    made, key, mime_type, cache_control = sending
    store.put(key, made.path, mime_type=mime_type, cache_control=cache_control)
    stat = store.stat(key)
    if stat is None or stat.size_bytes != made.size_bytes or stat.sha256 not in {"", made.sha256}:
        has = "nothing" if stat is None else f"{stat.size_bytes:,} other bytes"
        raise Broken(f"{key} was uploaded with {made.size_bytes:,} bytes and the store has {has}", code="upload_differs")
    return stat
