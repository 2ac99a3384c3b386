"""The four figures of the whole, as it leaves, each above what it was as it came."""

from dataclasses import dataclass, replace

from feeds.soundcheck.drawing import BREAK_PX, Block, Shape, Text, shortened
from feeds.soundcheck.report import SoundReport
from feeds.soundcheck.wording import level
from pipeline.models import Loudness

_HEIGHT = 84.0
_UNKNOWN = Loudness(integrated_lufs=None, true_peak_dbtp=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    name: str
    value: str
    beside: str


def figures(report: SoundReport) -> tuple[Figure, ...]:
    """Loudness, true peak, range, and how far voices are apart; a dash for what is not known."""
    was, now = report.before or _UNKNOWN, report.after or _UNKNOWN
    return (
        _loudness(report),
        _figure("True peak", was.true_peak_dbtp, now.true_peak_dbtp, "dBTP"),
        _range(was, now),
        _figure("Between voices", report.spread.before_lu, report.spread.after_lu, "LU"),
    )


def _figure(name: str, before: float | None, after: float | None, unit: str) -> Figure:
    return Figure(name=name, value=level(after, unit), beside="" if before is None else f"came at {level(before, unit)}")


def _loudness(report: SoundReport) -> Figure:
    """What was measured and has no loudness is silent."""
    was, now = report.before, report.after
    whole = _figure("Loudness", (was or _UNKNOWN).integrated_lufs, (now or _UNKNOWN).integrated_lufs, "LUFS")
    value = "silence" if now and now.integrated_lufs is None else whole.value
    return replace(whole, value=value, beside="came silent" if was and was.integrated_lufs is None else whole.beside)


def _range(was: Loudness, now: Loudness) -> Figure:
    """How far soft and loud moments are apart; where only what came was measured for it, that."""
    if now.loudness_range_lu is None and was.loudness_range_lu is not None:
        return Figure(name="Loudness range", value=level(was.loudness_range_lu, "LU"), beside="as it came")
    return _figure("Loudness range", was.loudness_range_lu, now.loudness_range_lu, "LU")


def drawn_figures(report: SoundReport, width: float, top: float) -> Block:
    """Beside one another where there is room, else two and two."""
    columns = 4 if width >= BREAK_PX else 2
    step = width / columns
    shapes: list[Shape] = []
    all_figures = figures(report)
    for n, figure in enumerate(all_figures):
        x, y, room = n % columns * step, top + n // columns * _HEIGHT, step - 12
        shapes += [
            Text(x=x, y=y + 14, text=figure.name, colour="ink3", size=13),
            Text(x=x, y=y + 44, text=shortened(figure.value, 24, room, heavy=True), colour="ink", size=24, heavy=True),
            Text(x=x, y=y + 65, text=shortened(figure.beside, 13, room), colour="ink2", size=13),
        ]
    return Block(shapes=tuple(shapes), bottom=top + _HEIGHT * -(-len(all_figures) // columns))
