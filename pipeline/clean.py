"""Dead air at both ends of a room is cut, and a room in which nobody can be heard is told apart."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from pipeline.cuts import layered
from pipeline.errors import Refused
from pipeline.gains import FRAME_S
from pipeline.level import kept_frames
from pipeline.listen import Measures, measures
from pipeline.loudness import FRAME, PEAK
from pipeline.models import Cut, Heard, Timeline
from pipeline.plan import CleanPlan
from pipeline.speaking import speaking, stretches, voices_of, worth_hearing

VERSION = 1
# A room without speech and below this is silent: what is heard is the microphone.
SILENT_LUFS = -50.0


def clean(timeline: Timeline, heard: Heard, plan: CleanPlan = CleanPlan()) -> Timeline:
    """The timeline with its dead air cut. Refused with code `silent` where nothing can be heard at all."""
    measured = measures(heard)
    powers = voices_of(timeline, measured.power)
    speech = speaking(timeline, powers)
    kept = kept_frames(timeline, powers.shape[1])
    heard_frames = stretches(worth_hearing(powers, speech) & kept)
    if not len(heard_frames):
        _demand_sound(heard, measured, kept)
        return timeline
    if not plan.trim:
        return timeline
    first_s, last_s = float(heard_frames[0][0]) * FRAME_S, float(heard_frames[-1][1]) * FRAME_S
    dead = _dead_air(timeline, first_s - plan.lead_s, last_s + plan.tail_s)
    return replace(timeline, cuts=layered((timeline.cuts, dead), timeline.length_s))


def _dead_air(timeline: Timeline, begin_s: float, end_s: float) -> Iterator[Cut]:
    if begin_s > 0:
        yield Cut(start_s=0.0, end_s=round(begin_s, 3), why="silence before the first word")
    if end_s < timeline.length_s:
        yield Cut(start_s=round(end_s, 3), end_s=timeline.length_s, why="silence after the last word")


def _demand_sound(heard: Heard, measured: Measures, kept: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> None:
    if heard.integrated_lufs is not None and heard.integrated_lufs >= SILENT_LUFS and kept.any():
        return
    loudest = float(measured.peak[:, np.repeat(kept, FRAME // PEAK)].max(initial=0.0))
    moment = "digital silence" if loudest < 1e-6 else f"{20 * np.log10(loudest):.0f} dB".replace("-", "−")
    raise Refused(
        f"This room is silent from start to end (loudest moment {moment}). The microphone may have been off.", code="silent"
    )
