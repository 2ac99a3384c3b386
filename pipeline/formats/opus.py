"""Opus in Ogg, half the size at the same quality."""

from pipeline.formats import Effort, Recipe, Tagging

SUFFIX = ".opus"
MIME_TYPE = "audio/ogg; codecs=opus"
TAGGING: Tagging = "vorbis_ogg"


def recipe(channels: int, effort: Effort) -> Recipe:
    """Tuned for speech in mono, for anything in stereo."""
    options = {
        "application": "voip" if channels == 1 else "audio",
        "compression_level": "5" if effort == "fast" else "10",
        "serial_offset": "1",
    }
    return Recipe(
        codec="libopus", container="ogg", bitrate_kbps=32 * channels, trim_db=0.2 if channels == 1 else 0.0, options=options
    )
