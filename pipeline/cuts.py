"""What is left out of a room and why: lists of cuts, laid over one another. Pure."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from pipeline.models import Cut

# Why a pause that the room asked for is cut. Nobody may undo that one: who spoke in it was told that nobody records.
PAUSED = "recording paused"

Span = tuple[float, float]


def merged(cuts: Iterable[Cut], length_s: float) -> tuple[Cut, ...]:
    """The same seconds as ascending cuts inside 0 … length_s, none twice: the cut that begins first keeps what it shares with a
    later one, and two that touch for the same reason become one."""
    out: list[Cut] = []
    for cut in sorted(cuts, key=lambda c: (c.start_s, c.end_s)):
        start_s, end_s = max(0.0, cut.start_s), min(length_s, cut.end_s)
        if out and start_s <= out[-1].end_s:
            start_s = out[-1].end_s
            if cut.why == out[-1].why and end_s > start_s:
                start_s = out.pop().start_s
        if start_s < end_s:
            out.append(Cut(start_s=start_s, end_s=end_s, why=cut.why))
    return tuple(out)


def layered(layers: Iterable[Iterable[Cut]], length_s: float) -> tuple[Cut, ...]:
    """All the cuts as one list; where two layers share a second, the reason of the upper one (named first) stands."""
    out: tuple[Cut, ...] = ()
    for layer in layers:
        out = (*out, *without(layer, [(cut.start_s, cut.end_s) for cut in out]))
    return merged(out, length_s)


def without(cuts: Iterable[Cut], spans: Iterable[Span]) -> Iterator[Cut]:
    """What is left of each cut outside the spans."""
    taken = united(spans)
    for cut in cuts:
        at_s = cut.start_s
        for start_s, end_s in taken[bisect_right(taken, cut.start_s, key=_end_s) :]:
            if start_s >= cut.end_s:
                break
            if at_s < start_s:
                yield replace(cut, start_s=at_s, end_s=start_s)
            at_s = end_s
        if at_s < cut.end_s:
            yield replace(cut, start_s=at_s)


def united(spans: Iterable[Span]) -> Sequence[Span]:
    """The same seconds as ascending spans that do not touch; what is not ahead of its own start, or no number, is left out."""
    out: list[Span] = []
    for start_s, end_s in sorted(span for span in spans if span[0] < span[1]):
        if out and start_s <= out[-1][1]:
            start_s, end_s = out[-1][0], max(out.pop()[1], end_s)
        out.append((start_s, end_s))
    return out


def _end_s(span: Span) -> float:
    return span[1]
