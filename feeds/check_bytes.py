"""The bytes a feed points at: enclosures, covers, transcripts and chapters, fetched and read."""

import io
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from PIL import Image, UnidentifiedImageError

from feeds.findings import REPUBLISH, Fetch, Finding, attribute_of, duration_of, path_of
from feeds.sidecars import UnreadableError, chapters_in, pictures_in, seconds, span_of

COVER_PX = range(1400, 3001)
# How far words may reach beyond the sound, and chapters differ from one place to another.
SLACK_S = 1.0
AGREE_S = 0.1
UPLOAD = "upload the file again, then publish the show"


def check_enclosure(item: Element, name: str, fetch: Fetch) -> Iterator[Finding]:
    """There, as long and of the type that the feed states, and served in parts."""
    url, length = attribute_of(item, "enclosure", "url"), attribute_of(item, "enclosure", "length")
    if not url:
        yield Finding(rule="enclosure", said=f"{name} has no enclosure", fix=REPUBLISH)
        return
    head = fetch("HEAD", url)
    if head.status_code != 200:
        yield Finding(rule="enclosure", said=f"{url} answers {head.status_code}", fix=UPLOAD)
        return
    for attribute, header in (("length", "content-length"), ("type", "content-type")):
        stated, served = attribute_of(item, "enclosure", attribute), head.headers.get(header, "")
        if stated != served:
            yield Finding(
                rule="enclosure", said=f"{url} is served with {header} {served!r}, the feed states {stated!r}", fix=UPLOAD
            )
    part = fetch("GET", url, headers={"Range": "bytes=0-1"})
    if part.status_code != 206 or part.headers.get("content-range", "") != f"bytes 0-1/{length}":
        said = f"{url} answers {part.status_code} when asked for its first two bytes"
        yield Finding(rule="range", said=said, fix="serve audio from a server that knows Range, or players cannot seek")


def check_cover(url: str, whose: str, fetch: Fetch) -> Iterator[Finding]:
    """A square JPEG or PNG without transparency, as large as Apple wants it."""
    answer = fetch("GET", url) if url else None
    if answer is None or answer.status_code != 200:
        yield Finding(rule="cover", said=f"{whose} has no cover at {url!r}", fix=REPUBLISH)
        return
    try:
        with Image.open(io.BytesIO(answer.content), formats=("JPEG", "PNG")) as picture:
            size, mode = picture.size, picture.mode
    except (UnidentifiedImageError, Image.DecompressionBombError):
        yield Finding(rule="cover", said=f"{url} is neither JPEG nor PNG", fix=REPUBLISH)
        return
    if size[0] != size[1] or size[0] not in COVER_PX or mode != "RGB":
        said = f"{url} is {size[0]} x {size[1]} {mode}, not a square of 1400 to 3000 in RGB"
        yield Finding(rule="cover", said=said, fix=REPUBLISH)


def check_sidecars(item: Element, name: str, fetch: Fetch) -> Iterator[Finding]:
    """Transcripts and chapters: there, of their type, readable, inside the sound, and telling the same."""
    yield from _transcripts(item, name, fetch)
    element = item.find(path_of("podcast:chapters"))
    if element is not None:
        yield from _chapters(item, element, name, fetch)


def _transcripts(item: Element, name: str, fetch: Fetch) -> Iterator[Finding]:
    counts: set[int] = set()
    for element in item.findall(path_of("podcast:transcript")):
        url, mime_type = element.get("url", ""), element.get("type", "")
        try:
            span = span_of(_fetched(url, mime_type, fetch), mime_type)
        except UnreadableError as error:
            yield Finding(rule="transcript", said=f"{url}: {error}", fix=REPUBLISH)
            continue
        if span.end_s > duration_of(item) + SLACK_S:
            said = f"{url} goes on until {span.end_s:.1f} s, {name} ends at {duration_of(item):.0f} s"
            yield Finding(rule="transcript", said=said, fix=REPUBLISH)
        if mime_type in ("text/vtt", "application/json"):
            counts.add(span.count)
    if len(counts) > 1:
        yield Finding(rule="transcript", said=f"{name}: its WebVTT and its JSON have not as many phrases", fix=REPUBLISH)


def _chapters(item: Element, element: Element, name: str, fetch: Fetch) -> Iterator[Finding]:
    url = element.get("url", "")
    inline = item.findall(f"{path_of('psc:chapters')}/{path_of('psc:chapter')}")
    try:
        content = _fetched(url, element.get("type", ""), fetch)
        starts, pictures = chapters_in(content), pictures_in(content)
        told = [seconds(chapter.get("start", "")) for chapter in inline]
    except UnreadableError as error:
        yield Finding(rule="chapters", said=f"{url}: {error}", fix=REPUBLISH)
        return
    if starts[-1] > duration_of(item):
        yield Finding(rule="chapters", said=f"{url}: the last chapter begins after the end of {name}", fix=REPUBLISH)
    if len(told) != len(starts) or any(abs(a - b) > AGREE_S for a, b in zip(told, starts, strict=True)):
        yield Finding(rule="chapters", said=f"{url} and the chapters in the feed differ", fix=REPUBLISH)
    yield from (finding for picture in dict.fromkeys(pictures) for finding in _picture(picture, name, fetch))


def _picture(url: str, name: str, fetch: Fetch) -> Iterator[Finding]:
    head = fetch("HEAD", url)
    stands = (head.status_code, head.headers.get("content-type", ""))
    if stands != (200, "image/jpeg"):
        said = f"{url}, a chapter's picture of {name}, answers {stands[0]} with {stands[1]!r}"
        yield Finding(rule="chapters", said=said, fix=REPUBLISH)


def _fetched(url: str, mime_type: str, fetch: Fetch) -> bytes:
    """The bytes there; raises `UnreadableError` when they are not, or are served as something else."""
    answer = fetch("GET", url)
    if answer.status_code != 200:
        raise UnreadableError(f"it answers {answer.status_code}")
    served = answer.headers.get("content-type", "").partition(";")[0].strip()
    if served != mime_type:
        raise UnreadableError(f"it is served as {served!r}, the feed says {mime_type!r}")
    return answer.content
