"""Transcripts from elsewhere: the podcast namespace's JSON, as strictly as it must and as kindly as it can be read."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline.errors import Refused
from pipeline.models import Segment
from pipeline.talk import MIX_PAUSE_S
from pipeline.text import clean_line

# A day and a half: longer is no podcast but a mistake in its times.
LONGEST_S = 36 * 3600.0
FEW_WORDS = 40
WANTED = "wanted is podcast-namespace JSON: segments[] with startTime, endTime, body and, where known, speaker"

_SENTENCE_END = re.compile(r"""[.!?…。！？।؟]["”’)]*$""")


def segments_of_json(document: object) -> tuple[Segment, ...]:
    """The segments in order of time; one without a speaker goes on for the one before it, single words are joined to phrases.

    Error: `Refused` when there is nothing to go by.
    """
    listed = document.get("segments") if isinstance(document, Mapping) else None
    if not isinstance(listed, list):
        raise Refused(f"this is no transcript; {WANTED}", code="not_a_transcript")
    read = [_segment(n, item) for n, item in enumerate(listed)]
    segments = sorted((s for s in read if s.text), key=lambda s: (s.start_s, s.end_s))
    if not segments:
        raise Refused(f"the transcript has no words in its {len(listed)} segments; {WANTED}", code="empty_transcript")
    return tuple(_phrases(_carried(segments)))


def _segment(n: int, item: Any) -> Segment:
    if not isinstance(item, Mapping):
        raise Refused(f"segment {n + 1} is {type(item).__name__} and not an object; {WANTED}", code="not_a_transcript")
    start_s = _seconds(n, item, "startTime")
    end_s = _seconds(n, item, "endTime") if item.get("endTime") is not None else start_s
    body, speaker = item.get("body"), item.get("speaker")
    if not isinstance(body, str):
        raise Refused(f"segment {n + 1} has no body; {WANTED}", code="not_a_transcript")
    named = clean_line(speaker) if isinstance(speaker, str) else ""
    return Segment(speaker=named or None, start_s=start_s, end_s=max(start_s, end_s), text=" ".join(body.split()))


def _seconds(n: int, item: Mapping[str, Any], key: str) -> float:
    try:
        value = float(item[key])
    except (KeyError, TypeError, ValueError):
        value = math.nan
    if not 0 <= value <= LONGEST_S:
        raise Refused(f"segment {n + 1} has no {key} in seconds between 0 and {LONGEST_S:.0f}; {WANTED}", code="not_a_transcript")
    return value


def _carried(segments: Sequence[Segment]) -> list[Segment]:
    """Every segment with a speaker and an end: many writers name a speaker only when it changes, and some give no ends."""
    out: list[Segment] = []
    for n, segment in enumerate(segments):
        speaker = segment.speaker or (out[-1].speaker if out else None)
        ends = segment.end_s > segment.start_s or n + 1 == len(segments)
        out.append(replace(segment, speaker=speaker, end_s=segment.end_s if ends else segments[n + 1].start_s))
    return out


def _phrases(segments: Iterable[Segment]) -> list[Segment]:
    """Segments of a word or a few, joined until a sentence or a breath ends."""
    out: list[Segment] = []
    for segment in segments:
        if out and _goes_on(out[-1], segment):
            joined = out.pop()
            segment = replace(joined, end_s=max(joined.end_s, segment.end_s), text=f"{joined.text} {segment.text}")
        out.append(segment)
    return out


def _goes_on(before: Segment, segment: Segment) -> bool:
    together = before.speaker == segment.speaker and segment.start_s - before.end_s < MIX_PAUSE_S
    short = max(len(before.text.split()), len(segment.text.split())) < FEW_WORDS
    return together and short and not _SENTENCE_END.search(before.text)
