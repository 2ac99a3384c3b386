"""What the stages of the sound found out, as the one value the catalogue keeps."""

from pipeline.clock import TimeMap
from pipeline.level import Levels
from pipeline.models import Heard, Loudness, Rendition, Sound, Timeline
from pipeline.repairs import overdriven, repairs_of


def sound_of(timeline: Timeline, heard: Heard, levels: Levels, verified: tuple[Rendition, ...]) -> Sound:
    """The machine's side of an episode's audio; as long as its first rendition, which is what apps play."""
    time_map = TimeMap.of(timeline)
    first = verified[0] if verified else None
    return Sound(
        source_s=timeline.length_s,
        duration_s=first.duration_s if first else time_map.duration_s,
        target_lufs=levels.target_lufs,
        channels=levels.channels,
        voices=levels.voices,
        activity=levels.activity,
        cuts=time_map.cuts,
        losses=(*timeline.losses, *heard.losses, *overdriven(timeline, heard)),
        mutes=timeline.mutes,
        intro_s=timeline.intro_s,
        outro_s=timeline.outro_s,
        before=Loudness(
            integrated_lufs=heard.integrated_lufs,
            true_peak_dbtp=heard.true_peak_dbtp,
            loudness_range_lu=heard.loudness_range_lu,
        ),
        after=_loudness(first) if first else None,
        repairs=repairs_of(timeline),
    )


def _loudness(rendition: Rendition) -> Loudness:
    return Loudness(
        integrated_lufs=rendition.integrated_lufs, true_peak_dbtp=rendition.true_peak_dbtp,
        loudness_range_lu=rendition.loudness_range_lu,
    )  # fmt: skip
