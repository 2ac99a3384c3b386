"""The transcript to read, print and paste: `[00:01:09] Ana: …`."""

from typing import Literal

from feeds.documents._cues import Monologue, draft_notice, monologues
from pipeline.clock import written_full
from pipeline.telling import Script

KIND: Literal["transcript"] = "transcript"
FILE = "transcript.txt"
MIME_TYPE = "text/plain"
PLACE = 0
CAPTIONS = False


def render(script: Script) -> bytes:
    """A paragraph for each stretch of one voice; a draft says so in its first line."""
    paragraphs = filter(None, [draft_notice(script), *map(_paragraph, monologues(script))])
    return ("\n\n".join(paragraphs) + "\n").encode()


def spoken(script: Script) -> str:
    """The same text without times, which players would take for marks to sing by when they find it in a file; "" without words."""
    paragraphs = [*map(_said, monologues(script))]
    return "\n\n".join(filter(None, [draft_notice(script), *paragraphs])) if paragraphs else ""


def _paragraph(monologue: Monologue) -> str:
    return f"[{written_full(monologue.start_s)}] {_said(monologue)}"


def _said(monologue: Monologue) -> str:
    return f"{monologue.speaker}: {monologue.text}" if monologue.speaker else monologue.text
