"""The report of an episode's sound as the studio draws it: for wide and for narrow screens."""

from dataclasses import dataclass

from feeds.catalogue import Episode
from feeds.soundcheck import NARROW_PX, WIDE_PX, inside, picture, report_of, view_box
from feeds.soundcheck.report import SoundReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One picture: the inside of its SVG, and the same in words."""

    view_box: str
    inside: str
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The same report twice; style shows the one that fits."""

    wide: Drawn
    narrow: Drawn


def checked(episode: Episode) -> Checked | None:
    """The report of what is known; None while there is no sound."""
    report = report_of(episode)
    return Checked(wide=_drawn(episode, report, WIDE_PX), narrow=_drawn(episode, report, NARROW_PX)) if report else None


def _drawn(episode: Episode, report: SoundReport, width_px: float) -> Drawn:
    drawn = picture(episode, report, width_px)
    return Drawn(view_box=view_box(drawn), inside=inside(drawn), told=drawn.told)
