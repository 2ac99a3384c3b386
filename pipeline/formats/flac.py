"""FLAC: nothing is lost."""

from pipeline.formats import Effort, Recipe, Tagging

SUFFIX = ".flac"
MIME_TYPE = "audio/flac"
TAGGING: Tagging = "vorbis_flac"


def recipe(_channels: int, effort: Effort) -> Recipe:
    """16 bits, which is more than a room has."""
    level = {"fast": "5", "quality": "8"}[effort]
    return Recipe(codec="flac", container="flac", bitrate_kbps=None, sample_format="s16", options={"compression_level": level})
