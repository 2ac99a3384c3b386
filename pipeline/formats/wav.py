"""WAV, for who goes on working with it."""

from pipeline.formats import Effort, Recipe, Tagging

SUFFIX = ".wav"
MIME_TYPE = "audio/wav"
TAGGING: Tagging = "riff"


def recipe(_channels: int, _effort: Effort) -> Recipe:
    """16 bits; beyond four gigabytes as RF64."""
    return Recipe(codec="pcm_s16le", container="wav", bitrate_kbps=None, sample_format="s16", muxing={"rf64": "auto"})
