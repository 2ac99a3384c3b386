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
    """Chapters ascending from 0; a link only where it is a web address, a picture where listeners can fetch it."""
    chapters = [_chapter(c, script.picture_url(c)) for c in script.chapters]
    document = {"version": "1.2.0", "title": clean_line(script.title), "chapters": chapters}
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def _chapter(chapter: Chapter, picture_url: str) -> dict[str, object]:
    link = {"url": chapter.url} if chapter.url.startswith(("https://", "http://")) else {}
    picture = {"img": picture_url} if picture_url else {}
    times = {"startTime": round(chapter.start_s, 3), "endTime": round(chapter.end_s, 3)}
    return {**times, "title": clean_line(chapter.title), **link, **picture}
