"""Title, names, cover and chapters are written into the audio files."""

from pathlib import Path

from pipeline.child import Children
from pipeline.models import Rendition, Tags

VERSION = 1


def stamp(renditions: tuple[Rendition, ...], tags: Tags, *, children: Children, scratch: Path) -> tuple[Rendition, ...]:
    """Copies of the renditions with the tags in them. An MP3 stamped before keeps its length and its audio bytes."""
    raise NotImplementedError
