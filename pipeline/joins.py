"""What is heard of a room, joined where cuts were: sample-exact on the episode's clock.

Two stretches meet in a cross-fade of 10 ms round the join: 5 ms before it the second is heard already, 5 ms after it the first is
heard still, each in what was cut. No sample but those is any other than the room's. What the room was not recorded in is never
heard: there a stretch fades inside itself, as it does at the room's own ends and where a cut is too short to fade in.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter

import numpy as np

from pipeline.clock import TimeMap
from pipeline.cuts import PAUSED
from pipeline.models import Timeline
from pipeline.spectra import RATE_HZ, Sound

FADE = RATE_HZ // 100
# With the same half turned round it makes equal power all the way.
_RISE = np.sin(np.pi / 2 * (np.arange(FADE) + 0.5) / FADE).astype(np.float32)

# First sample and end.
Samples = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Samples of the room that are heard without a break, what it fades in and out in among them; the first is heard at `at`."""

    first: int
    end: int
    at: int


def kept_samples(timeline: Timeline) -> list[Samples]:
    """First sample and end of every stretch that is heard."""
    return [_samples(*kept) for kept in TimeMap.of(timeline).kept]


def without_cuts(timeline: Timeline, blocks: Iterable[tuple[int, Sound]]) -> Iterator[Sound]:
    """What is heard of the room's blocks, which follow one another from its first sample on."""
    tail, known = None, 0
    for at, heard in _pieces(stretches(timeline), blocks):
        tail = _laid(heard[:, :0] if tail is None else tail, heard, known - at)
        known = max(known, at + heard.shape[1])
        if tail.shape[1] > FADE:
            yield tail[:, :-FADE]
            tail = tail[:, -FADE:]
    if tail is not None:
        yield tail


def stretches(timeline: Timeline) -> list[Stretch]:
    """What is heard, in order, each stretch reaching half a fade into what is cut on either side where it may."""
    kept = kept_samples(timeline)
    paused = [_samples(cut.start_s, cut.end_s) for cut in timeline.cuts if cut.why == PAUSED]
    reach = [FADE // 2 if _may_cross(before, after, paused) else 0 for before, after in pairwise(kept)]
    out, at = [], 0
    for (start, end), lead, tail in zip(kept, [0, *reach], [*reach, 0], strict=False):
        out.append(Stretch(first=start - lead, end=end + tail, at=at - lead))
        at += end - start
    return out


def _may_cross(before: Samples, after: Samples, paused: Sequence[Samples]) -> bool:
    cut = (before[1], after[0])
    if min(end - start for start, end in (before, cut, after)) < FADE:
        return False
    return not (_meet(paused, cut[0], cut[0] + FADE // 2) or _meet(paused, cut[1] - FADE // 2, cut[1]))


def _meet(paused: Sequence[Samples], start: int, end: int) -> bool:
    """Whether any of them, which are in order, shares a sample with that stretch."""
    n = bisect_right(paused, start, key=itemgetter(1))
    return n < len(paused) and paused[n][0] < end


def _samples(start_s: float, end_s: float) -> Samples:
    return round(start_s * RATE_HZ), round(end_s * RATE_HZ)


def _pieces(left: Iterable[Stretch], blocks: Iterable[tuple[int, Sound]]) -> Iterator[tuple[int, Sound]]:
    """The stretches' sound, block by block and faded, each piece with the episode's sample at which it is heard."""
    waiting = deque(left)
    for first, sound in blocks:
        end = first + sound.shape[1]
        while waiting and waiting[0].first < end:
            one = waiting[0]
            begin, stop = max(one.first, first), min(one.end, end)
            yield one.at + begin - one.first, _faded(sound[:, begin - first : stop - first], begin - one.first, one.end - begin)
            if one.end > end:
                break
            waiting.popleft()


def _faded(heard: Sound, since: int, until: int) -> Sound:
    """The piece with what lies in a fade faded; its stretch began `since` samples before it, and ends `until` after its first."""
    length = heard.shape[1]
    rise, fall = _RISE[since : since + length], _RISE[until - length : until][::-1]
    if not len(rise) and not len(fall):
        return heard
    out = heard.copy()
    out[:, : len(rise)] *= rise
    out[:, length - len(fall) :] *= fall
    return out


def _laid(tail: Sound, heard: Sound, shared: int) -> Sound:
    """The end of what is heard so far with more behind it, of which so many samples are heard together with it."""
    begin = tail.shape[1] - shared
    both = heard[:, :shared]
    tail[:, begin : begin + both.shape[1]] += both
    return np.concatenate([tail, heard[:, shared:]], 1)
