"""The transcript as plain HTML for readers and search engines: cite, time and p for each stretch of one voice."""

from html import escape
from typing import Literal

from feeds.documents._cues import Monologue, draft_notice, monologues
from pipeline.clock import written
from pipeline.telling import Script
from pipeline.text import clean_line

KIND: Literal["transcript"] = "transcript"
FILE = "transcript.html"
MIME_TYPE = "text/html"
PLACE = 4
CAPTIONS = False

_HEAD = '<!DOCTYPE html>\n<html lang="{language}">\n<head><meta charset="utf-8"><title>{title}</title></head>\n<body>\n{notice}'


def render(script: Script) -> bytes:
    """A whole page without style or script."""
    notice = draft_notice(script)
    head = _HEAD.format(
        language=escape(clean_line(script.language) or "und"), title=escape(clean_line(script.title)),
        notice=f"<header>{escape(notice)}</header>\n" if notice else "",
    )  # fmt: skip
    return (head + "".join(map(_paragraph, monologues(script))) + "</body>\n</html>\n").encode()


def _paragraph(monologue: Monologue) -> str:
    cite = f"<cite>{escape(monologue.speaker)}:</cite> " if monologue.speaker else ""
    return f"{cite}<time>{written(monologue.start_s)}</time>\n<p>{escape(monologue.text)}</p>\n"
