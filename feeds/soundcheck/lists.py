"""What was put right, what is worth knowing, what was cut and muted, and how every file measured: in lines, on paper."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from feeds.pages.wording import capital, format_name
from feeds.soundcheck.drawing import BREAK_PX, Block, Shape, Strokes, Text, wrapped
from feeds.soundcheck.report import Measured, SoundReport
from feeds.soundcheck.wording import cut, level, loss, mute, name_of, who
from pipeline.clock import written

MOST_ITEMS = 8
_LINE, _BETWEEN, _GAP = 18.0, 4.0, 26.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    heading: str
    items: tuple[str, ...]


def listed(report: SoundReport) -> tuple[Listed, ...]:
    """Every list that has something in it."""
    names = {voice.participant: name_of(voice) for voice in report.voices}
    lists = (
        Listed(heading="Put right", items=tuple(capital(repair.why) for repair in report.repairs)),
        Listed(heading="Worth knowing", items=tuple(map(loss, report.warnings))),
        Listed(heading="Files, measured again", items=tuple(map(_file, report.renditions))),
        Listed(heading="Cut", items=tuple(map(cut, report.cuts))),
        Listed(
            heading="Muted",
            items=tuple(mute(m, names.get(m.participant) or who(m.participant), report.source_s) for m in report.mutes),
        ),
    )
    return tuple(one for one in lists if one.items)


def drawn_lists(report: SoundReport, width: float, top: float) -> Block:
    """In two columns where there is room, each list in the one that is shorter by then."""
    columns = 2 if width >= BREAK_PX else 1
    room = (width - 32 * (columns - 1)) / columns
    bottoms, shapes = [top] * columns, list[Shape]()
    for one in listed(report):
        n = bottoms.index(min(bottoms))
        x = n * (room + 32)
        shapes += _drawn(one, x, bottoms[n] + (_GAP if bottoms[n] > top else 0), room)
        bottoms[n] = max(shape.y for shape in shapes if isinstance(shape, Text) and shape.x == x) + 6
    return Block(shapes=tuple(shapes), bottom=max(bottoms))


def _drawn(one: Listed, x: float, top: float, room: float) -> Iterator[Shape]:
    yield Text(x=x, y=top + 15, text=one.heading, colour="ink", size=15, heavy=True)
    yield Strokes(lines=((x, top + 26, x + room, top + 26),), colour="line")
    y = top + 46
    for item in _shown(one.items):
        for row in wrapped(item, 13, room):
            yield Text(x=x, y=y, text=row, colour="ink2", size=13)
            y += _LINE
        y += _BETWEEN


def _shown(items: Sequence[str]) -> Sequence[str]:
    """Of a long list the beginning, and how much more there is."""
    return items if len(items) <= MOST_ITEMS else (*items[: MOST_ITEMS - 1], f"and {len(items) - MOST_ITEMS + 1} more")


def _file(one: Measured) -> str:
    levels = f"{level(one.integrated_lufs, 'LUFS')}, {level(one.true_peak_dbtp, 'dBTP')}"
    measured = "silence" if one.integrated_lufs is None else levels
    about = f"{written(one.duration_s)}, {'mono' if one.channels == 1 else 'stereo'}, {one.bitrate_kbps} kbit/s"
    return f"{format_name(one.format)}: {measured}, {about}"
