"""Tags that no format can stumble over: text without controls, of a length that all can hold. Pure."""

import re
from dataclasses import replace
from urllib.parse import quote

from pipeline.models import Chapter
from pipeline.telling import Tags
from pipeline.text import clean_block, clean_line

# Vorbis comments count chapters with three digits.
MOST_CHAPTERS = 999
# MP4 counts episodes with two bytes.
MOST_EPISODES = 0xFFFF
# Forty hours of talk.
LONGEST_LYRICS = 2_000_000
LONGEST_URL = 2000
_DATE = re.compile(r"[0-9]{4}(-[0-9]{2}){0,2}")
_RESERVED = "%!#$&'()*+,/:;=?@[]~"


def plain(tags: Tags) -> Tags:
    """The same as far as it can be written everywhere, and shown as what it is; the cover is left as it came."""
    number = tags.number if tags.number and 0 < tags.number <= MOST_EPISODES else None
    return replace(
        tags, title=clean_line(tags.title), artist=clean_line(tags.artist), album=clean_line(tags.album),
        date=tags.date if _DATE.fullmatch(tags.date) else "", comment=clean_block(tags.comment),
        language=clean_line(tags.language), number=number, chapters=tuple(map(_chapter, tags.chapters[:MOST_CHAPTERS])),
        lyrics=clean_block(tags.lyrics, LONGEST_LYRICS),
    )  # fmt: skip


def _chapter(chapter: Chapter) -> Chapter:
    return replace(chapter, title=clean_line(chapter.title), url=_address(chapter.url))


def _address(url: str) -> str:
    """A web address in ASCII, for ID3 knows no other; "" for anything else."""
    url = clean_line(url, LONGEST_URL + 1)
    if not re.match(r"https?://\S+$", url):
        return ""
    address = quote(url, safe=_RESERVED)
    return address if len(address) <= LONGEST_URL else ""
