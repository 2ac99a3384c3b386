"""Dead air at both ends is cut."""

from dataclasses import dataclass

from pipeline.models import Heard, Timeline

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanPlan:
    """What of a room nobody needs to hear."""

    trim: bool = True
    lead_s: float = 0.5
    tail_s: float = 1.0


def clean(timeline: Timeline, heard: Heard, plan: CleanPlan = CleanPlan()) -> Timeline:
    """The timeline with its dead air cut. Refused with code `silent` where nothing can be heard at all."""
    raise NotImplementedError
