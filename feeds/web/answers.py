"""How a stored object is answered (RFC 9110, sections 13 and 14): decided from what is asked and what is known."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from pipeline.stores import Stat

GZIP_FROM_BYTES = 512
GZIP_UP_TO_BYTES = 32 * 2**20
_TEXT = re.compile(r"text/|application/(json|rss\+xml|x-subrip)|image/svg\+xml")
_ONE_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Status and headers; `span` holds the first byte to send and the one past the last, None: no body."""

    status: int
    headers: Mapping[str, str]
    span: tuple[int, int] | None = None
    gzipped: bool = False


def wants_gzip(stat: Stat, asked: Mapping[str, str]) -> bool:
    """Whether this one is sent compressed: text of a sensible size, to those who say so and want all of it."""
    fits = GZIP_FROM_BYTES <= stat.size_bytes <= GZIP_UP_TO_BYTES and _TEXT.match(stat.mime_type) is not None
    return fits and "range" not in asked and _accepts_gzip(asked.get("accept-encoding", ""))


def answer(stat: Stat, method: str, asked: Mapping[str, str]) -> Answer:
    """What to say about this object; `asked` are the request's headers in small letters."""
    if wants_gzip(stat, asked):
        stat = replace(stat, etag=stat.etag[:-1] + '-gzip"')
        found = _conditional(stat, method, asked)
        return replace(found, gzipped=True, headers={**found.headers, "Content-Encoding": "gzip"})
    return _conditional(stat, method, asked)


def _conditional(stat: Stat, method: str, asked: Mapping[str, str]) -> Answer:
    headers = _headers(stat)
    if _is_unchanged(stat, asked):
        return Answer(status=304, headers={name: value for name, value in headers.items() if name != "Content-Type"})
    if method == "GET" and "range" in asked and _range_holds(stat, asked.get("if-range")):
        return _ranged(stat, asked["range"], headers)
    return Answer(status=200, headers=headers, span=(0, stat.size_bytes))


def _headers(stat: Stat) -> dict[str, str]:
    headers = {
        "Content-Type": stat.mime_type,
        "ETag": stat.etag,
        "Last-Modified": http_date(stat.modified_at),
        "Cache-Control": stat.cache_control or "no-cache",
        "Accept-Ranges": "bytes",
    }
    if stat.disposition:
        headers["Content-Disposition"] = stat.disposition
    return headers | {"Vary": "Accept-Encoding"} if _TEXT.match(stat.mime_type) else headers


def _ranged(stat: Stat, wanted: str, headers: dict[str, str]) -> Answer:
    size, found = stat.size_bytes, _ONE_RANGE.fullmatch(wanted.strip())
    if found is None:  # several ranges, other units, nonsense: a server may answer with the whole (14.2)
        return Answer(status=200, headers=headers, span=(0, size))
    first, last, suffix = found.groups()
    start = max(0, size - int(suffix)) if suffix else int(first)
    stop = size if suffix or not last else min(size, int(last) + 1)
    if first and last and int(last) < int(first):
        return Answer(status=200, headers=headers, span=(0, size))
    if start >= stop:
        return Answer(status=416, headers=headers | {"Content-Range": f"bytes */{size}"})
    return Answer(status=206, headers=headers | {"Content-Range": f"bytes {start}-{stop - 1}/{size}"}, span=(start, stop))


def _is_unchanged(stat: Stat, asked: Mapping[str, str]) -> bool:
    if (known := asked.get("if-none-match")) is not None:
        return known.strip() == "*" or stat.etag in {tag.strip().removeprefix("W/") for tag in known.split(",")}
    since = _parsed(asked.get("if-modified-since"))
    return since is not None and stat.modified_at.replace(microsecond=0) <= since


def _range_holds(stat: Stat, condition: str | None) -> bool:
    return condition is None or condition.strip() in {stat.etag, http_date(stat.modified_at)}


def _accepts_gzip(accepted: str) -> bool:
    named = {part.partition(";")[0].strip().lower(): part.partition(";")[2] for part in accepted.split(",")}
    weight = named.get("gzip", named.get("*"))
    return weight is not None and re.fullmatch(r"\s*q=0(\.0*)?\s*", weight) is None


def _parsed(date: str | None) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(date or "")
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def http_date(when: datetime) -> str:
    """`Fri, 13 Nov 2026 07:00:00 GMT`."""
    return format_datetime(when.astimezone(UTC), usegmt=True)
