"""The whole room on its own clock: who spoke when, hatched what was cut, marked what is missing, underlined what was muted."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from feeds.catalogue import Episode
from feeds.pages.strip import AXIS, HEIGHT, TimeScale, bars, lines, loudest
from feeds.pages.voices import Voice, voices
from feeds.script import clock_of
from feeds.soundcheck.drawing import Block, Box, Shape, Strokes, Text, hatched, width_of, wrapped
from feeds.soundcheck.report import SoundReport
from feeds.soundcheck.wording import summary
from pipeline.clock import TimeMap, written
from pipeline.edits import Mute
from pipeline.models import SILENT_DBFS, Activity

_PAD, _HEAD, _LINE, _STRIP, _LANE, _RULER = 20.0, 28.0, 18.0, 100.0, 10.0, 34.0
_PITCH_PX, _BAR_PX = 4.0, 2.4
_SAMPLES_A_BAR = 8
# A mark that is narrower cannot be seen.
_NARROWEST_PX = 1.5
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600)
_MOST_LANES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    """Seconds of the room to pixels."""

    length_s: float
    left: float
    width: float
    top: float

    @property
    def bars(self) -> int:
        """How many of them there is room for."""
        return int(self.width / _PITCH_PX)

    def x(self, at_s: float) -> float:
        return self.left + min(max(at_s / self.length_s, 0.0), 1.0) * self.width

    def span(self, start_s: float, end_s: float) -> tuple[float, float]:
        """(left edge, width), wide enough to be seen."""
        left = self.x(start_s)
        return left, max(self.x(end_s) - left, _NARROWEST_PX)


def drawn_room(episode: Episode, report: SoundReport, width: float, top: float) -> Block:
    """The strip with its ruler on a stage of its own, below what there is to say of it."""
    sound, shown = episode.sound, voices(episode)
    if sound is None or sound.source_s <= 0:
        return Block(shapes=(), bottom=top)
    said = wrapped(summary(report), 13, width - 2 * _PAD)
    stage = _Stage(length_s=sound.source_s, left=_PAD, width=width - 2 * _PAD, top=top + _HEAD + len(said) * _LINE)
    lanes = _lanes(report.mutes)
    bottom = stage.top + _STRIP + 8 + len(lanes) * _LANE + _RULER
    activity = _on_the_rooms_clock(sound.activity, clock_of(episode), stage)
    return Block(
        shapes=(
            Box(x=0, y=top, width=width, height=bottom - top, colour="stage", radius=14),
            *(Text(x=_PAD, y=top + 27 + n * _LINE, text=row, colour="on2", size=13) for n, row in enumerate(said)),
            *_spoken(activity, shown, stage), *_cut(report, stage), *_lost(report, stage), *_muted(lanes, shown, stage),
            *_ruler(stage, bottom - _RULER),
        ),
        bottom=bottom,
    )  # fmt: skip


# ---- what was said


def _spoken(activity: Activity, shown: Sequence[Voice], stage: _Stage) -> Iterator[Shape]:
    scale = TimeScale.over(stage.length_s, bars=stage.bars)
    across, down = stage.width / scale.width, _STRIP / HEIGHT
    middle = stage.top + AXIS * down
    yield Strokes(lines=((stage.left, middle, stage.left + stage.width, middle),), colour="rule")
    drawn = lines(activity, shown, scale)
    for colour, of_voice in bars(drawn, scale, loudest(drawn)):
        placed = ((stage.left + b.x * across, stage.top + b.y * down, b.reach * down) for b in of_voice)
        yield Strokes(lines=tuple((x, y, x, y + reach) for x, y, reach in placed), colour=f"v{colour}", width=_BAR_PX)


def _on_the_rooms_clock(activity: Activity, clock: TimeMap, stage: _Stage) -> Activity:
    """The activity, which is the episode's, with silence where the room was cut."""
    step_s = stage.length_s / (_SAMPLES_A_BAR * stage.bars)
    middles = [(n + 0.5) * step_s for n in range(_SAMPLES_A_BAR * stage.bars)]
    bins = [None if clock.is_cut(at) else int(clock.episode_s(at) / activity.bin_s) for at in middles]
    return Activity(
        bin_s=step_s,
        voices=tuple(
            (who, tuple(SILENT_DBFS if n is None or n >= len(row) else row[n] for n in bins)) for who, row in activity.voices
        ),
    )


# ---- what was done


def _cut(report: SoundReport, stage: _Stage) -> Iterator[Shape]:
    """Hatched between two lines."""
    for cut in report.cuts:
        left, width = stage.span(cut.start_s, cut.end_s)
        edges = tuple((x, stage.top, x, stage.top + _STRIP) for x in (left, left + width))
        yield Strokes(lines=tuple(hatched(left, stage.top, width, _STRIP)), colour="cut", width=1)
        yield Strokes(lines=edges, colour="cut", width=1.5)


def _lost(report: SoundReport, stage: _Stage) -> Iterator[Shape]:
    """As wide as what is missing, and beginning above the strip, so that it is found beside a cut."""
    for warning in report.warnings:
        if warning.at_s is not None and warning.lost_s > 0:
            left, width = stage.span(warning.at_s, warning.at_s + warning.lost_s)
            yield Box(x=left, y=stage.top - 8, width=max(width, 3.0), height=_STRIP + 8, colour="lost")


def _lanes(mutes: Sequence[Mute]) -> list[list[Mute]]:
    """A lane for each muted voice, in the order of their first; a crowd's others are in the list below alone."""
    by_voice: dict[str | None, list[Mute]] = {}
    for mute in mutes:
        by_voice.setdefault(mute.participant, []).append(mute)
    return list(by_voice.values())[:_MOST_LANES]


def _muted(lanes: Sequence[Sequence[Mute]], shown: Sequence[Voice], stage: _Stage) -> Iterator[Shape]:
    colours = {identity: voice.colour for voice in shown for identity in voice.identities}
    for n, lane in enumerate(lanes):
        y = stage.top + _STRIP + 8 + n * _LANE
        for mute in lane:
            left, width = stage.span(mute.start_s, stage.length_s if mute.end_s is None else mute.end_s)
            colour = f"v{colours.get(mute.participant or '', 0)}"
            yield Strokes(lines=((left, y + 3, left + width, y + 3),), colour=colour, width=1.5)
            yield Strokes(lines=tuple((x, y, x, y + 6) for x in (left, left + width)), colour=colour, width=1.5)


def _ruler(stage: _Stage, y: float) -> Iterator[Shape]:
    """Round times as far apart as they can be read, and the end."""
    last = written(stage.length_s)
    wanted_px = width_of(last, 12) + 28
    step_s = next((s for s in _STEPS_S if s / stage.length_s * stage.width >= wanted_px), _STEPS_S[-1])
    ends = stage.left + stage.width
    times = [n * step_s for n in range(math.ceil(stage.length_s / step_s)) if stage.x(n * step_s) < ends - 2 * wanted_px + 28]
    yield Strokes(lines=tuple((stage.x(t), y, stage.x(t), y + 5) for t in (*times, stage.length_s)), colour="on3")
    for at in times:
        yield Text(x=stage.x(at), y=y + 20, text=written(at), colour="on3", size=12, anchor="start" if at == 0 else "middle")
    yield Text(x=ends, y=y + 20, text=last, colour="on3", size=12, anchor="end")
