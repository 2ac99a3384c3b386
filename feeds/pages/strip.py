"""The voice strip: who spoke when, as measured. The host above the line, everybody else below, a gap at each chapter.

A bar is as high as its voice's mean amplitude in it, so that bars add up to the shares of talk where voices are equally loud.
`TimeScale` is the only way between seconds and places on the strip; playhead, labels and pointer share it.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from feeds.pages.voices import Voice
from pipeline.models import SILENT_DBFS, Activity

Floats = NDArray[np.float64]

WIDE_BARS, LIST_BARS, NARROW_BARS = 272, 168, 88
PITCH, CHAPTER_GAP = 4, 8
HEIGHT, AXIS, AXIS_GAP = 100, 50.0, 3.0
_TALLEST, _SMALLEST = AXIS - AXIS_GAP / 2 - 1.0, 2
# The bar that this share of all bars does not reach fills its half; a single shout does not flatten the rest.
_FULL_AT = 0.97


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """The bars between two gaps, and their seconds."""

    start_s: float
    end_s: float
    bars: int
    x: int

    @property
    def width(self) -> int:
        return self.bars * PITCH

    @property
    def bins(self) -> Iterable[tuple[float, float, int]]:
        """Start and end of each bar in seconds, and its left edge."""
        step = (self.end_s - self.start_s) / self.bars
        return ((self.start_s + n * step, self.start_s + (n + 1) * step, self.x + n * PITCH) for n in range(self.bars))


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeScale:
    """Seconds to places and back, round the gaps at chapters."""

    sections: tuple[Section, ...]

    @classmethod
    def over(cls, duration_s: float, starts_s: Sequence[float] = (), *, bars: int = WIDE_BARS) -> Self:
        """A strip of so many bars, cut at the given seconds; every stretch gets one bar at least."""
        inner = sorted({s for s in starts_s if 0 < s < duration_s})[: bars - 1]
        edges = [0.0, *inner, max(duration_s, 0.001)]
        sections, x = [], 0
        for (start, end), count in zip(pairwise(edges), _dealt(edges, bars), strict=True):
            sections.append(Section(start_s=start, end_s=end, bars=count, x=x))
            x += count * PITCH + CHAPTER_GAP
        return cls(sections=tuple(sections))

    @property
    def width(self) -> int:
        last = self.sections[-1]
        return last.x + last.width

    @property
    def duration_s(self) -> float:
        return self.sections[-1].end_s

    def x(self, at_s: float) -> float:
        """Where that second stands; the first of a chapter stands behind the gap."""
        n = bisect_right([s.start_s for s in self.sections], at_s) - 1
        section = self.sections[max(n, 0)]
        share = (at_s - section.start_s) / (section.end_s - section.start_s)
        return section.x + min(max(share, 0.0), 1.0) * section.width

    def at_s(self, x: float) -> float:
        """The second that stands there; inside a gap, the first of the chapter behind it."""
        for section in self.sections:
            if x < section.x + section.width:
                share = max(x - section.x, 0.0) / section.width
                return section.start_s + share * (section.end_s - section.start_s)
        return self.duration_s

    @property
    def knots(self) -> str:
        """The whole scale in one attribute, for the player: start, end (s), left, right (0 … 1) of each section."""
        rows = ((s.start_s, s.end_s, s.x / self.width, (s.x + s.width) / self.width) for s in self.sections)
        return " ".join(f"{value:.5g}" if value < 1 else f"{value:.2f}" for row in rows for value in row)


def _dealt(edges: Sequence[float], bars: int) -> list[int]:
    """So many bars for each stretch, by its length, never none, together exactly `bars`."""
    lengths = [b - a for a, b in pairwise(edges)]
    wanted = [length / sum(lengths) * bars for length in lengths]
    counts = [max(1, int(w)) for w in wanted]
    while sum(counts) != bars:
        step = 1 if sum(counts) < bars else -1
        open_to_it = [n for n in range(len(counts)) if step > 0 or counts[n] > 1]
        counts[max(open_to_it, key=lambda n: step * (wanted[n] - counts[n]))] += step
    return counts


# ---- bars


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One colour of the strip: the mean amplitude of its voices in every bar of a scale, not yet scaled to the height."""

    colour: int
    above: bool
    amplitudes: tuple[float, ...]


def lines(activity: Activity, shown: Sequence[Voice], scale: TimeScale) -> tuple[Line, ...]:
    """Host up, the others down; without voices told apart, everybody as one colour in both directions."""
    levels = dict(activity.voices)
    if "" in levels or not any(v.colour for v in shown):
        amplitudes = _means([row for _, row in activity.voices], activity.bin_s, scale)
        return tuple(Line(colour=1, above=above, amplitudes=amplitudes) for above in (True, False))
    return tuple(
        Line(colour=v.colour, above=n == 0, amplitudes=_means([levels[i] for i in v.identities], activity.bin_s, scale))
        for n, v in enumerate(shown)
    )


def _means(rows: Sequence[Sequence[int]], bin_s: float, scale: TimeScale) -> tuple[float, ...]:
    bins = np.array([(start, end) for section in scale.sections for start, end, _ in section.bins])
    sums = np.sum([_heard_until(row, bins / bin_s) for row in rows], axis=0)
    return tuple(((sums[:, 1] - sums[:, 0]) * bin_s / (bins[:, 1] - bins[:, 0])).tolist())


def _heard_until(levels_dbfs: Sequence[int], at_bins: Floats) -> Floats:
    """The sum of all amplitudes before each of the (broken) bin numbers."""
    levels = np.asarray(levels_dbfs)
    amplitudes = np.where(levels > SILENT_DBFS, 10.0 ** (levels / 20), 0.0)
    return np.interp(at_bins, np.arange(len(levels) + 1), np.concatenate(([0.0], np.cumsum(amplitudes))))


def loudest(drawn: Sequence[Line]) -> float:
    """The amplitude that fills its half."""
    heard = sorted(a for line in drawn for a in line.amplitudes if a > 0)
    return heard[int(_FULL_AT * (len(heard) - 1))] if heard else 1.0


# ---- drawing


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """An upright line from its near end to its far one."""

    x: int
    y: float
    reach: float


def bars(drawn: Sequence[Line], scale: TimeScale, full: float) -> tuple[tuple[int, Sequence[Bar]], ...]:
    """(colour, bars) per line that has any; where several speak, the shorter bar stands before the longer."""
    xs = [x + PITCH // 2 for section in scale.sections for _, _, x in section.bins]
    of_lines: list[list[Bar]] = [[] for _ in drawn]
    for n, x in enumerate(xs):
        for sign in (-1, 1):
            reached = 0.0
            for height, line in sorted(
                (_height(ln.amplitudes[n], full), i) for i, ln in enumerate(drawn) if ln.above is (sign < 0)
            ):
                if height > reached:
                    of_lines[line].append(Bar(x=x, y=AXIS + sign * (AXIS_GAP / 2 + reached), reach=sign * (height - reached)))
                    reached = height
    return tuple((line.colour, of_line) for line, of_line in zip(drawn, of_lines, strict=True) if of_line)


def paths(drawn: Sequence[Line], scale: TimeScale, full: float) -> tuple[tuple[int, str], ...]:
    """(colour, path data) per line."""
    return tuple((colour, _path(of_line)) for colour, of_line in bars(drawn, scale, full))


def _height(amplitude: float, full: float) -> float:
    if amplitude < full * 0.004:
        return 0.0
    return max(_SMALLEST, round(min(amplitude / full, 1.0) * _TALLEST))


def _path(bars: Sequence[Bar]) -> str:
    """`M2 48.5v-31zm4 0v-22z`: each bar is closed, so that the next one starts from its foot: little to write and to compress."""
    first = bars[0]
    rest = (f"m{bar.x - last.x} {_short(bar.y - last.y)}v{_short(bar.reach)}z" for last, bar in pairwise(bars))
    return "".join((f"M{first.x} {_short(first.y)}v{_short(first.reach)}z", *rest))


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0").replace("-0.", "-.").removeprefix("0") or "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """A strip ready for a template: its scale, and the inside of its SVG."""

    scale: TimeScale
    inside: str

    @property
    def view_box(self) -> str:
        return f"0 0 {self.scale.width} {HEIGHT}"


def strip(activity: Activity, shown: Sequence[Voice], scale: TimeScale) -> Strip:
    """The strip as SVG text: an axis, so that silence reads, and a path per colour."""
    drawn = lines(activity, shown, scale)
    axis = "".join(f"M{s.x} {AXIS:.0f}h{s.width}" for s in scale.sections)
    voices = "".join(f'<path class="s{c}" d="{d}"/>' for c, d in paths(drawn, scale, loudest(drawn)))
    return Strip(scale=scale, inside=f'<path class="axis" d="{axis}"/>{voices}')
