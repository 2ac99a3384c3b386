"""A row a voice, on the stage: where its speech stood on the scale of loudness, and where it stands now."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from feeds.soundcheck.drawing import BREAK_PX, Block, Box, Disc, Shape, Strokes, Text, shortened, width_of
from feeds.soundcheck.report import SoundReport, is_mix
from feeds.soundcheck.wording import badges, change, levels, name_of, number, speaks
from pipeline.models import VoiceLevel

# Voices on tracks of their own meet so close to one another; in one file of everybody nobody can tell them so well apart.
ALIKE_LU, ALIKE_IN_A_MIX_LU = 0.3, 2.0
MOST_ROWS = 24
# Beyond these a level stands at the edge.
_SCALE_TOP, _SCALE_BOTTOM, _STEP_LU = -6.0, -60.0, 6.0
_HEAD, _FOOT, _MORE, _PAD = 46.0, 38.0, 18.0, 20.0
# A row with its figures at its sides, and one with them above.
_ROW, _TALL_ROW = 56.0, 88.0
_BADGE_SIZE, _BADGE_HEIGHT, _BADGE_LINE = 12.0, 18.0, 22.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    """LUFS to pixels."""

    low: float
    high: float
    left: float
    right: float

    def x(self, lufs: float) -> float:
        share = (min(max(lufs, self.low), self.high) - self.low) / (self.high - self.low)
        return self.left + share * (self.right - self.left)

    @property
    def steps(self) -> Sequence[float]:
        return [self.low + _STEP_LU * n for n in range(round((self.high - self.low) / _STEP_LU) + 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A voice and its place; `badges` are what was done to it or was wrong with it, line by line."""

    voice: VoiceLevel
    top: float
    width: float
    scale: _Scale
    colour: str
    badges: Sequence[Sequence[str]]

    @property
    def narrow(self) -> bool:
        return self.width < BREAK_PX

    @property
    def middle(self) -> float:
        """Where its line on the scale is."""
        return self.top + (49 if self.narrow else _ROW / 2)

    @property
    def badges_top(self) -> float:
        return self.top + (_TALL_ROW - 4 if self.narrow else _ROW - 13)

    @property
    def bottom(self) -> float:
        if not self.badges:
            return self.top + (_TALL_ROW if self.narrow else _ROW)
        return self.badges_top + len(self.badges) * _BADGE_LINE + 5


def drawn_voices(report: SoundReport, colours: Mapping[str, int], width: float, top: float) -> Block:
    """All of them in the order of the report; of a crowd the first, and how many more there are."""
    rows = _rows(report, colours, width, top + _HEAD)
    end, more = rows[-1].bottom if rows else top + _HEAD, len(report.voices) - len(rows)
    bottom = end + _FOOT + (_MORE if more else 0)
    shapes: list[Shape] = [Box(x=0, y=top, width=width, height=bottom - top, colour="stage", radius=14)]
    scale = _scale(report, width)
    narrow_spans = [(row.middle - 14, row.middle + 14) for row in rows]
    shapes += _axis(report, scale, narrow_spans if width < BREAK_PX else [(top + _HEAD - 8, end)])
    shapes += _labels(report, scale, top + 22)
    for row in rows:
        shapes += _drawn(row)
    if more:
        shapes.append(Text(x=_PAD, y=end + 16, text=f"and {more} more", colour="on3", size=12))
    return Block(shapes=(*shapes, *_key(bottom - 14)), bottom=bottom)


def _rows(report: SoundReport, colours: Mapping[str, int], width: float, top: float) -> list[_Row]:
    """Below one another."""
    scale, rows = _scale(report, width), list[_Row]()
    room = width - _PAD - _badges_left(scale, narrow=width < BREAK_PX)
    for voice in report.voices[:MOST_ROWS]:
        said = _in_lines(badges(voice, report), room)
        at = rows[-1].bottom if rows else top
        rows.append(_Row(voice=voice, top=at, width=width, scale=scale, colour=_colour(colours, voice), badges=said))
    return rows


def _colour(colours: Mapping[str, int], voice: VoiceLevel) -> str:
    """That of the strip, where everybody together is the first; a voice that has none there never spoke."""
    return f"v{1 if voice.participant is None else colours.get(voice.participant, 0)}"


# ---- the scale


def _scale(report: SoundReport, width: float) -> _Scale:
    """In whole steps, from below the quietest to above the loudest; what stands beside it is left its room."""
    left, right = (_PAD + 6, _PAD + 6) if width < BREAK_PX else (230.0, 176.0)
    levels = [report.target_lufs, *_levels(report.voices)]
    low = max(math.floor((min(levels) - 2) / _STEP_LU) * _STEP_LU, _SCALE_BOTTOM)
    high = min(math.ceil((max(levels) + 2) / _STEP_LU) * _STEP_LU, _SCALE_TOP)
    return _Scale(low=min(low, high - 2 * _STEP_LU), high=high, left=left, right=width - right)


def _levels(voices: Sequence[VoiceLevel]) -> Iterator[float]:
    for voice in voices:
        yield from (value for value in (voice.before_lufs, voice.after_lufs) if value is not None)


def _axis(report: SoundReport, scale: _Scale, spans: Sequence[tuple[float, float]]) -> Iterator[Shape]:
    """Upright lines at every step, and the target with the stretch in which voices count as alike."""
    alike = ALIKE_IN_A_MIX_LU if is_mix(report) else ALIKE_LU
    left, right = scale.x(report.target_lufs - alike), scale.x(report.target_lufs + alike)
    at = scale.x(report.target_lufs)
    for top, bottom in spans:
        yield Strokes(lines=tuple((scale.x(s), top, scale.x(s), bottom) for s in scale.steps), colour="rule")
        yield Box(x=left, y=top, width=right - left, height=bottom - top, colour="meant2")
        yield Strokes(lines=((at, top, at, bottom),), colour="meant", width=1.5)


def _labels(report: SoundReport, scale: _Scale, y: float) -> Iterator[Shape]:
    """The target's, and those of the steps that do not touch it."""
    said, at = f"target {number(report.target_lufs)}", scale.x(report.target_lufs)
    yield Text(x=at, y=y, text=said, colour="meant", size=13, heavy=True, anchor="middle")
    for step in scale.steps:
        if abs(scale.x(step) - at) > width_of(said, 13, heavy=True) / 2 + 18:
            yield Text(x=scale.x(step), y=y, text=f"{step:.0f}".replace("-", "−"), colour="on3", size=12, anchor="middle")


def _key(y: float) -> Iterator[Shape]:
    """What ring and disc mean."""
    yield Disc(x=_PAD + 6, y=y - 4, radius=5, colour="on2", ring=True)
    yield Text(x=_PAD + 18, y=y, text="as it came", colour="on3", size=12)
    yield Disc(x=_PAD + 106, y=y - 4, radius=6, colour="on2")
    yield Text(x=_PAD + 118, y=y, text="as it is heard, LUFS", colour="on3", size=12)


# ---- a row


def _drawn(row: _Row) -> Iterator[Shape]:
    yield Strokes(lines=((_PAD, row.top, row.width - _PAD, row.top),), colour="rule")
    yield from _said_narrow(row) if row.narrow else _said_wide(row)
    yield from _change(row)
    yield from _badges(row)


def _said_wide(row: _Row) -> Iterator[Shape]:
    """Name and figures on both sides of the scale."""
    voice, middle, right = row.voice, row.middle, row.width - _PAD
    yield Disc(x=_PAD + 6, y=middle - 5, radius=6, colour=row.colour)
    yield Text(x=_PAD + 24, y=middle, text=shortened(name_of(voice), 14, 176, heavy=True), colour="on", size=14, heavy=True)
    yield Text(x=_PAD + 24, y=middle + 18, text=speaks(voice), colour="on3", size=12)
    yield Text(x=right, y=middle, text=levels(voice), colour="on", size=14, anchor="end")
    yield Text(x=right, y=middle + 18, text=change(voice), colour="on3", size=12, anchor="end")


def _said_narrow(row: _Row) -> Iterator[Shape]:
    """Name and figures above the scale."""
    voice, y, right = row.voice, row.top + 25, row.width - _PAD
    figures = levels(voice)
    name = shortened(name_of(voice), 14, right - _PAD - 32 - width_of(figures, 13), heavy=True)
    yield Disc(x=_PAD + 6, y=y - 5, radius=6, colour=row.colour)
    yield Text(x=_PAD + 20, y=y, text=name, colour="on", size=14, heavy=True)
    yield Text(x=right, y=y, text=figures, colour="on", size=13, anchor="end")
    yield Text(x=_PAD, y=row.top + 76, text=speaks(voice), colour="on3", size=12)
    yield Text(x=right, y=row.top + 76, text=change(voice), colour="on3", size=12, anchor="end")


def _change(row: _Row) -> Iterator[Shape]:
    """From where it stood to where it stands."""
    before, after, scale, y = row.voice.before_lufs, row.voice.after_lufs, row.scale, row.middle
    if before is not None and after is not None:
        yield Strokes(lines=((scale.x(before), y, scale.x(after), y),), colour=row.colour, width=3)
    if before is not None:
        yield Disc(x=scale.x(before), y=y, radius=6, colour="stage")
        yield Disc(x=scale.x(before), y=y, radius=5, colour=row.colour, ring=True)
    if after is not None:
        yield Disc(x=scale.x(after), y=y, radius=7, colour=row.colour)


def _badges(row: _Row) -> Iterator[Shape]:
    left = _badges_left(row.scale, narrow=row.narrow)
    for n, line in enumerate(row.badges):
        x = left
        for said in line:
            width, top = _badge_width(said), row.badges_top + n * _BADGE_LINE
            yield Box(x=x, y=top, width=width, height=_BADGE_HEIGHT, colour="lost2", radius=_BADGE_HEIGHT / 2)
            yield Text(x=x + width / 2, y=top + 13, text=said, colour="lost", size=_BADGE_SIZE, anchor="middle")
            x += width + 6


def _badges_left(scale: _Scale, *, narrow: bool) -> float:
    return _PAD if narrow else scale.left - 6


def _badge_width(said: str) -> float:
    return width_of(said, _BADGE_SIZE) + 14


def _in_lines(badges: Sequence[str], room: float) -> list[list[str]]:
    """As many beside one another as there is room for."""
    rows: list[list[str]] = []
    for said in badges:
        if rows and sum(_badge_width(one) + 6 for one in (*rows[-1], said)) <= room + 6:
            rows[-1].append(said)
        else:
            rows.append([said])
    return rows
