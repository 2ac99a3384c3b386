"""The voice strip as the studio draws it: grey where words are still to be written, and a line where nothing has been heard yet."""

from dataclasses import dataclass

from feeds.catalogue import Episode
from feeds.pages.strip import AXIS, HEIGHT, NARROW_BARS, PITCH, WIDE_BARS, TimeScale, strip
from feeds.pages.voices import voices
from feeds.web.studio.chapters import own_chapters
from feeds.web.work import RunState


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One strip: the inside of its SVG, drawn in grey and, up to `lit`, in colour."""

    view_box: str
    inside: str
    # in units of the view box
    lit: float
    width: float
    # for the player: see TimeScale.knots; "" where there is nothing to play
    knots: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strips:
    """The same strip for wide and for narrow screens, and which share of the episode is written."""

    wide: Drawn
    narrow: Drawn
    share: float


def strips(episode: Episode, run: RunState | None) -> Strips:
    """The episode's strip as far as it is known."""
    share = _written_share(episode, run)
    return Strips(wide=_drawn(episode, share, WIDE_BARS), narrow=_drawn(episode, share, NARROW_BARS), share=share)


def _written_share(episode: Episode, run: RunState | None) -> float:
    """How much of it is in colour: all once nobody is at work on its words any more."""
    if episode.sound is None:
        return 0.0
    if run is None or run.phase not in {"waiting", "running"}:
        return 1.0
    if run.stage == "transcribe":
        return min(max(run.share_done, 0.0), 1.0)
    return float(episode.words is not None or any(stage.name == "transcribe" for stage in run.done))


def _drawn(episode: Episode, share: float, bars: int) -> Drawn:
    if episode.sound is None:
        return _blank(bars)
    starts = [chapter.start_s for chapter in own_chapters(episode)]
    scale = TimeScale.over(episode.sound.duration_s, starts, bars=bars)
    drawn = strip(episode.sound.activity, voices(episode), scale)
    lit = scale.x(share * scale.duration_s)
    return Drawn(view_box=drawn.view_box, inside=drawn.inside, lit=lit, width=scale.width, knots=scale.knots)


def _blank(bars: int) -> Drawn:
    width = bars * PITCH
    dots = "".join(f"M{x} {AXIS:.0f}v.1" for x in range(PITCH, width, 2 * PITCH))
    return Drawn(view_box=f"0 0 {width} {HEIGHT}", inside=f'<path class="rest" d="{dots}"/>', lit=0.0, width=width)
