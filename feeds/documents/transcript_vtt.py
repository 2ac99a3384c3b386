"""WebVTT, the transcript most apps read. Who speaks stands in every cue, for players show cues alone."""

import re
from html import escape
from typing import Literal

from feeds.documents._cues import Cue, draft_notice, overlapping_cues
from pipeline.clock import written_ms
from pipeline.telling import Script
from pipeline.text import clean_line

KIND: Literal["transcript"] = "transcript"
FILE = "transcript.vtt"
MIME_TYPE = "text/vtt"
PLACE = 1
CAPTIONS = True

WIDTH = 65


def render(script: Script) -> bytes:
    """A cue for at most 7 seconds and two lines, at its true time: crossing voices are crossing cues."""
    notes = [f"NOTE {_plain(note)}" for note in (f"Transcribed by {clean_line(script.engine)}", draft_notice(script)) if note]
    cues = (_written(cue) for cue in overlapping_cues(script, WIDTH))
    return ("\n\n".join(["WEBVTT", *notes, *cues]) + "\n").encode()


def _written(cue: Cue) -> str:
    text = "\n".join(_plain(line) for line in cue.lines)
    return f"{written_ms(cue.start_ms / 1000)} --> {written_ms(cue.end_ms / 1000)}\n{_voice(cue.speaker)}{text}"


def _voice(speaker: str | None) -> str:
    """The voice tag; a name cannot hold what would end it, or an arrow where it meets the tag's end."""
    name = re.sub("[<>]", "", speaker or "").replace("--", "–").replace("&", "&amp;").strip()
    return f"<v {name}>" if name else ""


def _plain(text: str) -> str:
    return escape(text, quote=False)
