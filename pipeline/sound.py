"""What the stages of the sound found out, as the one value the catalogue keeps."""

from pipeline.clock import TimeMap
from pipeline.level import Levels
from pipeline.models import Heard, Rendition, Sound, Timeline


def sound_of(timeline: Timeline, heard: Heard, levels: Levels, verified: tuple[Rendition, ...]) -> Sound:
    """The machine's side of an episode's audio; as long as its first rendition, which is what apps play."""
    time_map = TimeMap.of(timeline)
    return Sound(
        source_s=timeline.length_s,
        duration_s=verified[0].duration_s if verified else time_map.duration_s,
        target_lufs=levels.target_lufs,
        channels=levels.channels,
        voices=levels.voices,
        activity=levels.activity,
        cuts=time_map.cuts,
        losses=(*timeline.losses, *heard.losses),
    )
