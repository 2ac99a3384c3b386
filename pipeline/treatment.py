"""What shall be taken out of each track, decided from the plan and from what was heard. Pure; `pipeline/filters.py` does it."""

from dataclasses import replace

from pipeline.models import Heard, Timeline
from pipeline.plan import FilterPlan


def asked_for(timeline: Timeline, plan: FilterPlan) -> Timeline:
    """The timeline whose tracks are denoised where that is wished: before they are heard, so that their noise misleads nobody."""
    denoise = plan.denoise and not plan.untouched
    return replace(timeline, tracks=tuple(replace(one, denoise=denoise, untouched=plan.untouched) for one in timeline.tracks))


def found_needed(timeline: Timeline, heard: Heard) -> Timeline:
    """The timeline whose tracks lose the mains hum that was heard on them; that of a mix may lie in any of its files."""
    conditions = heard.conditions if timeline.separate else heard.conditions * len(timeline.tracks)
    heard_on = zip(timeline.tracks, conditions, strict=True)
    tracks = (replace(track, hum_lines_hz=() if track.untouched else one.hum_lines_hz) for track, one in heard_on)
    return replace(timeline, tracks=tuple(tracks))
