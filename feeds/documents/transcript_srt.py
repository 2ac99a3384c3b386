"""SubRip for players that know nothing else: two lines of 32, one cue at a time (podcast namespace, transcripts)."""

from typing import Literal

from feeds.documents._cues import Cue, successive_cues
from pipeline.clock import written_ms
from pipeline.telling import Script

KIND: Literal["transcript"] = "transcript"
FILE = "transcript.srt"
MIME_TYPE = "application/x-subrip"
PLACE = 2
CAPTIONS = True

WIDTH = 32
SHORTEST_MS = 800
# SubRip has no escapes: what a player would take for a tag or an arrow is written with its typographic twin.
_TWINS = str.maketrans({"<": "‹", ">": "›", "{": "❴", "}": "❵"})


def render(script: Script) -> bytes:
    """Numbered cues of 0.8 to 7 seconds that never overlap."""
    cues = successive_cues(script, WIDTH, SHORTEST_MS)
    return "".join(_written(n, cue) for n, cue in enumerate(cues, 1)).encode()


def _written(number: int, cue: Cue) -> str:
    times = f"{written_ms(cue.start_ms / 1000, ',')} --> {written_ms(cue.end_ms / 1000, ',')}"
    text = "\n".join(cue.lines).translate(_TWINS)
    return f"{number}\n{times}\n{text}\n\n"
