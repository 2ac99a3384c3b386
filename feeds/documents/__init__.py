"""Documents: an episode's words and chapters in written forms, one file a form.

A module of this shelf declares `KIND`, `FILE`, `MIME_TYPE`, `PLACE`, `CAPTIONS` and `render`. Whatever the script says, what is
rendered parses, shows that text as text, keeps every time inside the episode and is the same bytes for the same script.
"""

from functools import cache
from typing import Literal, Protocol, cast

from pipeline import shelf
from pipeline.telling import Script


class Document(Protocol):
    """One written form of a `Script`."""

    # what it tells: a transcript needs segments, chapters need chapters
    KIND: Literal["transcript", "chapters"]
    # its name in the episode's folder
    FILE: str
    # as the feed names it
    MIME_TYPE: str
    # where it stands in an item among those of its kind, from 1; 0: the feed does not name it
    PLACE: int
    # whether players may show it as closed captions
    CAPTIONS: bool

    def render(self, script: Script) -> bytes:
        """The whole file in UTF-8."""
        ...


@cache
def shelved() -> tuple[Document, ...]:
    """Every document of the shelf, in alphabetical order."""
    return tuple(cast(Document, shelf.take(__name__, name)) for name in shelf.names(__name__))


@cache
def in_feed(kind: Literal["transcript", "chapters"]) -> tuple[Document, ...]:
    """Those of a kind that the feed names, in its order."""
    return tuple(sorted((d for d in shelved() if kind == d.KIND and d.PLACE), key=lambda d: d.PLACE))


def told_by(script: Script) -> tuple[Document, ...]:
    """The documents this script has something to say in."""
    matter = {"transcript": bool(script.segments), "chapters": bool(script.chapters)}
    return tuple(document for document in shelved() if matter[document.KIND])
