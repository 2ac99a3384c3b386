"""Segments cut into sentences: each with its own words, text and times."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pipeline.models import Segment, Word

_END = re.compile(r"""(?<=[.!?…])(["”’)]*)\s+(?=[A-Z“"'0-9À-ÖØ-Þ])|(?<=[。！？।؟])""")


def parts_of(text: str) -> tuple[tuple[int, int], ...]:
    """Where in the text each sentence begins and ends."""
    edges = [0, *(edge for m in _END.finditer(text) for edge in (m.end(1) if m[1] else m.start(), m.end())), len(text)]
    return tuple((a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if text[a:b].strip())


def sentences(segment: Segment) -> tuple[Segment, ...]:
    """The segment's sentences, timed by their words, or by where they stand in the text when it has none."""
    parts = parts_of(segment.text)
    if len(parts) < 2:
        return (segment,)
    if not segment.words:
        return tuple(_by_place(segment, parts))
    return tuple(_by_words(segment, parts))


def _by_place(segment: Segment, parts: Sequence[tuple[int, int]]) -> Iterator[Segment]:
    per_character_s = (segment.end_s - segment.start_s) / len(segment.text)
    edges = [segment.start_s + a * per_character_s for a, _ in parts]
    for (a, b), start_s, end_s in zip(parts, edges, [*edges[1:], segment.end_s], strict=True):
        yield replace(segment, text=segment.text[a:b].strip(), start_s=start_s, end_s=end_s)


def _by_words(segment: Segment, parts: Sequence[tuple[int, int]]) -> Iterator[Segment]:
    places = _places(segment.text, segment.words)
    for a, b in parts:
        words = tuple(w for w, at in zip(segment.words, places, strict=True) if a <= at < b)
        if words:
            text = segment.text[a:b].strip()
            yield replace(segment, text=text, start_s=words[0].start_s, end_s=words[-1].end_s, words=words)


def _places(text: str, words: Sequence[Word]) -> list[int]:
    """Where each word begins in the text; one that is not found stands where it is looked for."""
    places = []
    at = 0
    for word in words:
        found = text.find(word.text, at)
        places.append(min(found if found >= 0 else at, len(text) - 1))
        at = found + len(word.text) if found >= 0 else at
    return places


def with_words(segment: Segment, words: tuple[Word, ...]) -> Segment | None:
    """The segment with only these of its words, its text cut down to them; None when none are left."""
    if words == segment.words:
        return segment
    if not words:
        return None
    text = _text_of(segment, words)
    return replace(segment, text=text, start_s=words[0].start_s, end_s=words[-1].end_s, words=words)


def _text_of(segment: Segment, words: Sequence[Word]) -> str:
    """The text of the words that stay, with the spaces (or none, as in Chinese) that stood before each."""
    places = [*_places(segment.text, segment.words), len(segment.text)]
    kept = {id(word) for word in words}
    pieces = [segment.text[a:b] for w, a, b in zip(segment.words, places, places[1:], strict=False) if id(w) in kept]
    return "".join(pieces).strip()
