"""What we were given: every audio stream that can be decoded, how long it is and what is missing."""

from dataclasses import dataclass

from pipeline.child import Children, Report, quiet
from pipeline.models import Fetched, Found

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbePlan:
    """What is too long and too short to be a room."""

    longest_s: float = 12 * 3600.0
    shortest_s: float = 1.0


def probe(fetched: tuple[Fetched, ...], plan: ProbePlan = ProbePlan(), *, children: Children, report: Report = quiet) -> Found:
    """Every audio stream of the files; what cannot be read is a loss while another file can.

    Refused, in one line that says why, when no file holds sound.
    """
    raise NotImplementedError
