"""What is muted is told nowhere: its words are taken out before anybody reads them or names a chapter after them. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from pipeline.edits import Mute
from pipeline.models import Segment, Transcript
from pipeline.pieces import pieces_of


def is_muted(mutes: Sequence[Mute], speaker: str | None, at_s: float) -> bool:
    """Whether that voice is silenced at that second, or everybody is."""
    return any(
        mute.participant in (None, speaker) and mute.start_s <= at_s and (mute.end_s is None or at_s < mute.end_s) for mute in mutes
    )


def said(transcript: Transcript, mutes: Sequence[Mute]) -> Transcript:
    """The transcript without the words that nobody hears any more."""
    if not mutes:
        return transcript
    return replace(transcript, segments=tuple(left for segment in transcript.segments for left in _heard(segment, mutes)))


def _heard(segment: Segment, mutes: Sequence[Mute]) -> Iterator[Segment]:
    """What is left of a segment, in one for each stretch that is heard without a break."""
    pieces = groupby(pieces_of(segment), key=lambda p: is_muted(mutes, segment.speaker, (p.start_s + p.end_s) / 2))
    runs = [(muted, list(run)) for muted, run in pieces]
    if not any(muted for muted, _ in runs):
        yield segment
        return
    for muted, run in runs:
        text = "".join(piece.text for piece in run).strip()
        if not muted and text:
            words = tuple(piece.word for piece in run if piece.word)
            yield replace(segment, start_s=run[0].start_s, end_s=run[-1].end_s, text=text, words=words)
