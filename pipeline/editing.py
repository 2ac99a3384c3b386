"""A creator's edit list grows: each change is laid over those before; where two speak of one second the later stands. Pure."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from pipeline.cuts import united
from pipeline.edits import Edits, Mute, Stretch
from pipeline.errors import Refused

_TIME = re.compile(r"(?:(?:(\d{1,2}):)?([0-5]?\d):([0-5]?\d(?:\.\d{1,3})?)|(\d{1,6}(?:\.\d{1,3})?))", re.ASCII)


def cut(edits: Edits, gone: Stretch) -> Edits:
    """The edits with that stretch cut, whatever was said of it before."""
    return replace(edits, cuts=_joined((*edits.cuts, gone)), kept=tuple(_less(edits.kept, gone)))


def keep(edits: Edits, kept: Stretch) -> Edits:
    """The edits with that stretch heard, also where the machine would cut it."""
    return replace(edits, cuts=tuple(_less(edits.cuts, kept)), kept=_joined((*edits.kept, kept)))


def mute(edits: Edits, muted: Mute) -> Edits:
    """The edits with one more mute; one that is there already changes nothing."""
    return edits if muted in edits.mutes else replace(edits, mutes=(*edits.mutes, muted))


def unmute(edits: Edits, participant: str | None) -> Edits:
    """The edits without any mute of that voice; None: of everybody in a file of everybody."""
    return replace(edits, mutes=tuple(one for one in edits.mutes if one.participant != participant))


def begin_at(edits: Edits, at_s: float, cuts: Iterable[Stretch]) -> Edits:
    """The edits with the episode beginning there; `cuts` is what is cut at present, and might reach beyond it."""
    _, reach_s = _around(at_s, (*cuts, *edits.cuts))
    whole = keep(edits, Stretch(start_s=at_s, end_s=reach_s)) if at_s < reach_s else edits
    return cut(whole, Stretch(start_s=0.0, end_s=at_s)) if at_s > 0 else whole


def end_at(edits: Edits, at_s: float, cuts: Iterable[Stretch], length_s: float) -> Edits:
    """The edits with the episode of a room of that length ending there."""
    from_s, _ = _around(at_s, (*cuts, *edits.cuts))
    whole = keep(edits, Stretch(start_s=from_s, end_s=at_s)) if from_s < at_s else edits
    return cut(whole, Stretch(start_s=at_s, end_s=length_s)) if at_s < length_s else whole


def _around(at_s: float, cuts: Iterable[Stretch]) -> tuple[float, float]:
    """From where to where everything around that second is cut; the second itself where nothing is."""
    spans = united((one.start_s, one.end_s) for one in cuts)
    return next(((start_s, end_s) for start_s, end_s in spans if start_s <= at_s <= end_s), (at_s, at_s))


def _joined(stretches: Iterable[Stretch]) -> tuple[Stretch, ...]:
    return tuple(Stretch(start_s=start_s, end_s=end_s) for start_s, end_s in united((s.start_s, s.end_s) for s in stretches))


def _less(stretches: Iterable[Stretch], gone: Stretch) -> Iterator[Stretch]:
    for one in stretches:
        pieces = ((one.start_s, min(one.end_s, gone.start_s)), (max(one.start_s, gone.end_s), one.end_s))
        yield from (Stretch(start_s=start_s, end_s=end_s) for start_s, end_s in pieces if start_s < end_s)


# ---- as people write them


def seconds_of(written: str) -> float:
    """`12:30`, `1:02:03.5` or `750` as seconds. Errors: `Refused` for anything else."""
    found = _TIME.fullmatch(written.strip())
    if found is None:
        raise Refused(f"{written[:40]!r} is no time; write 12:30, 1:02:03.5 or 750 (seconds)", code="bad_time")
    hours, minutes, seconds, bare = found.groups()
    return float(bare) if bare else int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds)


def stretch_of(written: str) -> Stretch:
    """`12:30-13:05` as a stretch. Errors: `Refused` where it is none, or ends before it begins."""
    start, dash, end = written.replace("\N{EN DASH}", "-").partition("-")
    if not dash:
        raise Refused(f"{written[:40]!r} is no stretch of time; write from and to: 12:30-13:05", code="bad_time")
    stretch = Stretch(start_s=seconds_of(start), end_s=seconds_of(end))
    if stretch.end_s <= stretch.start_s:
        raise Refused(f"{written[:40]!r} ends before it begins", code="bad_time")
    return stretch
