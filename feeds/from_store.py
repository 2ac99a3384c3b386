"""Asks a store what a server would be asked, so that a feed can be checked where none is running."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from feeds.findings import Fetch
from feeds.site import Site
from pipeline.stores import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAnswer:
    """An answer as a server of that store gives it."""

    status_code: int
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""


def from_store(store: Store, site: Site) -> Fetch:
    """Answers for the addresses of that site; all others are not found."""

    def fetch(method: str, url: str, *, headers: Mapping[str, str] | None = None) -> StoredAnswer:
        key = unquote(url.removeprefix(site.url("")))
        stat = store.stat(key) if url.startswith(site.url("")) else None
        if stat is None:
            return StoredAnswer(status_code=404)
        about = {"content-type": stat.mime_type, "content-length": str(stat.size_bytes)}
        if method == "HEAD":
            return StoredAnswer(status_code=200, headers=about)
        return _part(store.get(key) or b"", about, (headers or {}).get("Range", ""))

    return fetch


def _part(content: bytes, about: Mapping[str, str], wanted: str) -> StoredAnswer:
    found = re.fullmatch(r"bytes=(\d+)-(\d+)", wanted)
    if found is None:
        return StoredAnswer(status_code=200, headers=about, content=content)
    first, last = int(found[1]), min(int(found[2]), len(content) - 1)
    span = {"content-range": f"bytes {first}-{last}/{len(content)}", "content-length": str(last - first + 1)}
    return StoredAnswer(status_code=206, headers={**about, **span}, content=content[first : last + 1])
