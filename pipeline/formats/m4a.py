"""AAC in MP4."""

from pipeline.formats import Effort, Recipe, Tagging

SUFFIX = ".m4a"
MIME_TYPE = "audio/mp4"
TAGGING: Tagging = "mp4"


def recipe(channels: int, effort: Effort) -> Recipe:
    """The index stands in front, so that playing begins at once."""
    coder = "fast" if effort == "fast" else "twoloop"
    return Recipe(
        codec="aac",
        container="ipod",
        bitrate_kbps=64 * channels,
        trim_db=0.1,
        sample_format="fltp",
        options={"aac_coder": coder},
        # The edit list tells the length in samples; in milliseconds, as it would, it cuts off the last 48 at most.
        muxing={"movflags": "+faststart", "movie_timescale": "48000"},
    )
