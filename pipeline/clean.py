"""What of a room is not heard: its dead air, its long pauses where that is wished, and whatever its creator cut or muted.

What the machine would cut follows from the room alone, whatever the edits say: an edit never moves a cut that is none of its own.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.clock import TimeMap
from pipeline.cuts import Span, layered, united, without
from pipeline.edits import Edits, Mute, Stretch
from pipeline.errors import Refused
from pipeline.gains import FRAME_S
from pipeline.level import kept_frames
from pipeline.listen import Measures, measures
from pipeline.loudness import FRAME, PEAK, Powers, lufs
from pipeline.models import Cut, Heard, Timeline
from pipeline.mutes import silenced
from pipeline.pauses import shortened
from pipeline.plan import CleanPlan
from pipeline.speaking import Mask, speaking, stretches, voices_of, worth_hearing

# A room without speech and below this is silent: what is heard is the microphone.
SILENT_LUFS = -50.0
# An episode that edits leave shorter than this is none.
SHORTEST_S = 1.0
# What mutes lower by so much is no more worth hearing: it is what other microphones heard of the muted.
GONE_DB = 15.0


def clean(timeline: Timeline, heard: Heard, plan: CleanPlan = CleanPlan(), edits: Edits = Edits()) -> Timeline:
    """The timeline with what is cut and what is muted.

    Refused with code `silent` where nothing can be heard at all, with `nothing_left` where the edits leave nothing.
    """
    measured = measures(heard)
    room = _Room.of(timeline, measured)
    if not room.worth.any():
        _demand_sound(heard, measured, room.kept)
    cleaned = edited(timeline, _by_machine(timeline, room, plan), edits)
    if edits != Edits():
        _demand_rest(cleaned, measured, room)
    return cleaned


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """Frames of the whole room."""

    powers: Powers
    # what was recorded with everybody's knowledge, and where in it there is something to hear
    kept: Mask
    worth: Mask

    @classmethod
    def of(cls, timeline: Timeline, measured: Measures) -> "_Room":
        voices = voices_of(timeline, measured.power)
        kept = kept_frames(timeline, voices.shape[1])
        return cls(powers=voices.sum(0), kept=kept, worth=worth_hearing(voices, speaking(timeline, voices)) & kept)


# ---- what the machine cuts


def _by_machine(timeline: Timeline, room: _Room, plan: CleanPlan) -> Iterator[Cut]:
    heard = stretches(room.worth)
    if not len(heard):
        return
    if plan.trim:
        yield from _dead_air(timeline, float(heard[0][0]) * FRAME_S - plan.lead_s, float(heard[-1][1]) * FRAME_S + plan.tail_s)
    if plan.shorten_pauses:
        yield from _long_pauses(room, plan)


def _dead_air(timeline: Timeline, begin_s: float, end_s: float) -> Iterator[Cut]:
    if begin_s > 0:
        yield Cut(start_s=0.0, end_s=round(begin_s, 3), why="silence before the first word")
    if end_s < timeline.length_s:
        yield Cut(start_s=round(end_s, 3), end_s=timeline.length_s, why="silence after the last word")


def _long_pauses(room: _Room, plan: CleanPlan) -> Iterator[Cut]:
    """A pause is as long as it would be heard: what is cut inside it already does not count."""
    at = np.flatnonzero(room.kept)
    for first, end in shortened(room.powers[at], room.worth[at], plan):
        start_s, end_s = float(at[first]) * FRAME_S, float(at[end - 1] + 1) * FRAME_S
        yield Cut(start_s=round(start_s, 3), end_s=round(end_s, 3), why="long pause shortened")


# ---- what its creator changes


def edited(timeline: Timeline, found: Iterable[Cut], edits: Edits) -> Timeline:
    """The timeline with what the machine found to cut, but for what its creator keeps, and with what its creator cuts and mutes.

    A pause that the room asked for stays cut, whatever is kept. Edits in any order, that overlap or lie outside the room, are
    taken for what they cover of it.
    """
    wished = (Cut(start_s=start_s, end_s=end_s, why="cut by its creator") for start_s, end_s in _spans(edits.cuts))
    layers = (timeline.cuts, wished, without(found, _spans(edits.kept)))
    return replace(timeline, cuts=layered(layers, timeline.length_s), mutes=tuple(_mutes(timeline, edits.mutes)))


def _spans(told: Iterable[Stretch]) -> list[Span]:
    """In whole milliseconds, which are whole samples."""
    return [(round(one.start_s, 3), round(one.end_s, 3)) for one in told]


def _mutes(timeline: Timeline, mutes: Sequence[Mute]) -> Iterator[Mute]:
    """The same silence, told in one way: in a file of everybody nobody is named, and who is not heard need not be muted."""
    if not timeline.separate:
        mutes = [replace(mute, participant=None) for mute in mutes]
    length_s = timeline.length_s
    for name in (None, *(voice.identity for voice in timeline.voices)):
        of_one = [
            Stretch(start_s=m.start_s, end_s=length_s if m.end_s is None else m.end_s) for m in mutes if m.participant == name
        ]
        for start_s, end_s in united(_spans(of_one)):
            if start_s < length_s and end_s > 0:
                yield Mute(participant=name, start_s=max(start_s, 0.0), end_s=end_s if end_s < length_s else None)


# ---- what must be left


def _demand_sound(heard: Heard, measured: Measures, kept: Mask) -> None:
    if heard.integrated_lufs is not None and heard.integrated_lufs >= SILENT_LUFS and kept.any():
        return
    loudest = float(measured.peak[:, np.repeat(kept, FRAME // PEAK)].max(initial=0.0))
    moment = "digital silence" if loudest < 1e-6 else f"{20 * np.log10(loudest):.0f} dB".replace("-", "−")
    raise Refused(
        f"This room is silent from start to end (loudest moment {moment}). The microphone may have been off.", code="silent"
    )


def _demand_rest(timeline: Timeline, measured: Measures, room: _Room) -> None:
    left = lufs(voices_of(timeline, silenced(timeline, measured).power).sum(0)) > lufs(room.powers) - GONE_DB
    worth = room.worth if room.worth.any() else room.kept
    lasts_s = sum(end_s - start_s for start_s, end_s in TimeMap.of(timeline).kept)
    if lasts_s < SHORTEST_S or not (worth & left & kept_frames(timeline, len(left))).any():
        raise Refused("These edits leave nothing of the room to hear: cut or mute less of it.", code="nothing_left")
