"""Chapters as the podcast namespace's JSON (version 1.2.0)."""

import json
from typing import Literal

from pipeline.models import Chapter
from pipeline.telling import Script
from pipeline.text import clean_line

KIND: Literal["chapters"] = "chapters"
FILE = "chapters.json"
MIME_TYPE = "application/json+chapters"
PLACE = 1
CAPTIONS = False


def render(script: Script) -> bytes:
    """Chapters ascending from 0; a link only where it is a web address."""
    document = {"version": "1.2.0", "title": clean_line(script.title), "chapters": [_chapter(c) for c in script.chapters]}
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def _chapter(chapter: Chapter) -> dict[str, object]:
    link = {"url": chapter.url} if chapter.url.startswith(("https://", "http://")) else {}
    return {"startTime": round(chapter.start_s, 3), "endTime": round(chapter.end_s, 3), "title": clean_line(chapter.title), **link}
