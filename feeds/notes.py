"""An episode's notes as the little HTML that podcast apps show: what it is about, then its chapters as time stamps."""

import re
from collections.abc import Iterator, Sequence
from html import escape

import nh3

from pipeline.clock import written
from pipeline.models import Chapter
from pipeline.text import clean_block, clean_line

# PSP-1: these tags, this many bytes.
TAGS = {"p", "ol", "ul", "li", "a", "b", "i", "strong", "em"}
MOST_BYTES = 4000
_CLEANER = nh3.Cleaner(tags=TAGS, attributes={"a": {"href"}}, url_schemes={"http", "https", "mailto"}, link_rel=None)
_LINK = re.compile(r"https?://[^\s<>\"']*[^\s<>\"'.,;:!?)\]]")


def notes(description: str, chapters: Sequence[Chapter]) -> str:
    """Sanitised HTML of at most 4,000 bytes; of what is too much, the end goes. Chapters are those of `script.chapters_of`."""
    paragraphs = _until_full(_paragraphs(description), MOST_BYTES)
    left = MOST_BYTES - _bytes(paragraphs) - len("<ul></ul>")
    stamps = _until_full(_stamps(chapters), left)
    return sanitised(paragraphs + (f"<ul>{stamps}</ul>" if stamps else ""))


def sanitised(html: str) -> str:
    """The HTML with the tags apps show and nothing that could act."""
    return _CLEANER.clean(html)


def plain(text: str, most_bytes: int = MOST_BYTES) -> str:
    """The text as one block of at most so many bytes."""
    block = clean_block(text)
    return block if _bytes(block) <= most_bytes else block.encode()[: most_bytes - 3].decode(errors="ignore").rstrip() + "…"


def web_address(text: str) -> str:
    """The address when it is one that leads to the web, else nothing."""
    return address if text and _LINK.fullmatch(address := clean_line(text, 2000)) else ""


def _paragraphs(description: str) -> Iterator[str]:
    for line in filter(None, plain(description, MOST_BYTES // 2).split("\n")):
        yield f"<p>{_linked(line)}</p>"


def _linked(line: str) -> str:
    out, at = [], 0
    for found in _LINK.finditer(line):
        out += [escape(line[at : found.start()], quote=False), _anchor(found[0], found[0])]
        at = found.end()
    return "".join([*out, escape(line[at:], quote=False)])


def _stamps(chapters: Sequence[Chapter]) -> Iterator[str]:
    for chapter in chapters:
        address = web_address(chapter.url)
        title = _anchor(address, chapter.title) if address else escape(chapter.title, quote=False)
        yield f"<li>{written(chapter.start_s)} {title}</li>"


def _anchor(address: str, text: str) -> str:
    return f'<a href="{escape(address)}">{escape(text, quote=False)}</a>'


def _until_full(parts: Iterator[str], most_bytes: int) -> str:
    kept, size = [], 0
    for part in parts:
        size += _bytes(part)
        if size > most_bytes:
            break
        kept.append(part)
    return "".join(kept)


def _bytes(text: str) -> int:
    return len(text.encode())
