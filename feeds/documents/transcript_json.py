"""The podcast namespace's JSON transcript, phrase by phrase (version 1.0.0; podcast namespace, transcripts)."""

import json
from typing import Literal

from feeds.documents._cues import Cue, draft_notice, overlapping_cues
from feeds.documents.transcript_vtt import WIDTH
from pipeline.telling import Script

KIND: Literal["transcript"] = "transcript"
FILE = "transcript.json"
MIME_TYPE = "application/json"
PLACE = 3
CAPTIONS = False


def render(script: Script) -> bytes:
    """A segment a phrase, at the times of the WebVTT cues; beside the standard's keys it names the engine and the quality."""
    document: dict[str, object] = {
        "version": "1.0.0",
        "language": script.language,
        "engine": script.engine,
        "quality": script.quality,
    }
    if notice := draft_notice(script):
        document["notice"] = notice
    document["segments"] = [_segment(cue) for cue in overlapping_cues(script, WIDTH)]
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def _segment(cue: Cue) -> dict[str, object]:
    speaker = {"speaker": cue.speaker} if cue.speaker else {}
    return {**speaker, "startTime": cue.start_ms / 1000, "endTime": cue.end_ms / 1000, "body": cue.text}
