"""A segment's text cut at its words, each piece with its time, so that text can be broken or shortened where somebody breathes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.models import Segment, Word
from pipeline.text import clean_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A word as the text writes it, with the space and marks that follow it."""

    text: str
    start_s: float
    end_s: float
    word: Word | None = None


def pieces_of(segment: Segment) -> tuple[Piece, ...]:
    """The segment's text in pieces; joined they are the text again.

    Times are those of the words where the text holds them in order, else shared out by the number of letters.
    """
    starts = _places(segment.text, segment.words)
    if not starts:
        return _shared_out(segment)
    ends = [*starts[1:], len(segment.text)]
    return tuple(
        Piece(text=segment.text[0 if n == 0 else start : end], start_s=word.start_s, end_s=word.end_s, word=word)
        for n, (word, start, end) in enumerate(zip(segment.words, starts, ends, strict=True))
    )


def _places(text: str, words: Sequence[Word]) -> list[int]:
    """Where each word begins in the clean text; nothing when one is not found after the one before it."""
    places: list[int] = []
    at = 0
    for word in words:
        bare = clean_line(word.text)
        found = text.find(bare, at) if bare else -1
        if found < 0:
            return []
        places.append(found)
        at = found + len(bare)
    return places


def _shared_out(segment: Segment) -> tuple[Piece, ...]:
    texts = re.findall(r"\S+\s*", segment.text)
    letters = sum(map(len, texts))
    length_s = max(segment.end_s - segment.start_s, 0.0)
    out: list[Piece] = []
    done = 0
    for text in texts:
        start_s = segment.start_s + length_s * done / letters
        done += len(text)
        out.append(Piece(text=text, start_s=start_s, end_s=segment.start_s + length_s * done / letters))
    return tuple(out)
