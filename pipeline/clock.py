"""The two clocks and how times are written.

Machine results and edits speak room seconds, listeners hear episode seconds; `TimeMap` is the only way from one to the other.
Every written time in the project (VTT, SRT, chapters, pages) comes from here.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Self

from pipeline.cuts import merged
from pipeline.models import Cut, Timeline


@dataclass(frozen=True)
class TimeMap:
    """Leads from room seconds to episode seconds and back: after the show's intro, round the cuts, before its outro."""

    length_s: float
    cuts: tuple[Cut, ...] = ()
    intro_s: float = 0.0
    outro_s: float = 0.0
    _starts: tuple[float, ...] = field(init=False, repr=False)
    _gone: tuple[float, ...] = field(init=False, repr=False)
    _joins: tuple[float, ...] = field(init=False, repr=False)  # the episode second at which each cut closes
    _ends_s: float = field(init=False, repr=False)  # the room second at which the room is heard no more

    def __post_init__(self) -> None:
        cuts = merged(self.cuts, self.length_s)
        gone = tuple(accumulate((c.end_s - c.start_s for c in cuts), initial=0.0))
        object.__setattr__(self, "cuts", cuts)
        object.__setattr__(self, "_starts", tuple(c.start_s for c in cuts))
        object.__setattr__(self, "_gone", gone)
        object.__setattr__(self, "_joins", tuple(self.intro_s + c.start_s - s for c, s in zip(cuts, gone, strict=False)))
        object.__setattr__(self, "_ends_s", self.kept[-1][1] if self.kept else self.length_s)

    @classmethod
    def of(cls, timeline: Timeline) -> Self:
        """The map of an episode that is made from this timeline."""
        return cls(timeline.length_s, timeline.cuts, timeline.intro_s, timeline.outro_s)

    @property
    def duration_s(self) -> float:
        """Length of the episode, with its music."""
        return self.intro_s + (self.length_s - self._gone[-1]) + self.outro_s

    @property
    def kept(self) -> tuple[tuple[float, float], ...]:
        """The stretches (start, end) of room seconds that are heard, in order."""
        edges = [0.0, *(edge for c in self.cuts for edge in (c.start_s, c.end_s)), self.length_s]
        return tuple((a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a)

    def episode_s(self, room_s: float) -> float:
        """Where a room second is heard; a second inside a cut is heard where the cut closes."""
        at = min(max(room_s, 0.0), self.length_s)
        n = bisect_right(self._starts, at)
        heard_s = self.intro_s + at - self._gone[n]
        # Never before the join, whatever the subtraction rounds to: the way back would end on the cut's other side.
        return max(heard_s, self._joins[n - 1]) if n else heard_s

    def is_cut(self, room_s: float) -> bool:
        """Whether nobody hears that room second."""
        if not 0 <= room_s < self.length_s:
            return True
        n = bisect_right(self._starts, room_s)
        return bool(n) and room_s < self.cuts[n - 1].end_s

    def room_s(self, episode_s: float) -> float:
        """The room second that is heard at that episode second: in the intro the first that is heard at all, in the outro the end
        of the last."""
        at = max(episode_s, self.intro_s)
        n = bisect_right(self._joins, at)
        begins_s = self.cuts[n - 1].end_s if n else 0.0
        return min(max(at - self.intro_s + self._gone[n], begins_s), self._ends_s)


def _split(seconds: float, per_s: int) -> tuple[int, int, int, int]:
    units = round(max(seconds, 0.0) * per_s)
    whole, part = divmod(units, per_s)
    return whole // 3600, whole // 60 % 60, whole % 60, part


def written(seconds: float) -> str:
    """`0:00`, `14:31`, `1:02:03`: as people read it, cut down to the whole second."""
    h, m, s, _ = _split(float(int(max(seconds, 0.0) + 1e-6)), 1)
    return f"{h}:{m:02}:{s:02}" if h else f"{m}:{s:02}"


def written_full(seconds: float) -> str:
    """`00:14:31`: always with hours, cut down to the whole second."""
    h, m, s, _ = _split(float(int(max(seconds, 0.0) + 1e-6)), 1)
    return f"{h:02}:{m:02}:{s:02}"


def written_ms(seconds: float, mark: str = ".") -> str:
    """`00:14:31.250` (WebVTT, simple chapters); with `mark=","` as SubRip writes it."""
    h, m, s, ms = _split(seconds, 1000)
    return f"{h:02}:{m:02}:{s:02}{mark}{ms:03}"


def spoken(seconds: float) -> str:
    """`58 minutes`, `1 hour 2 minutes`, `40 seconds`: a length in words."""
    total = round(max(seconds, 0.0))
    if total < 60:
        return _count(total, "second")
    minutes = round(total / 60)
    hours, minutes = divmod(minutes, 60)
    return " ".join(part for part in (_count(hours, "hour"), _count(minutes, "minute")) if not part.startswith("0 "))


def _count(n: int, unit: str) -> str:
    return f"{n} {unit}" if n == 1 else f"{n} {unit}s"
