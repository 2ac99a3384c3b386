"""What is told of an episode: to people as a script, to players as tags."""

from dataclasses import dataclass

from pipeline.models import Chapter, MadeFile, Quality, Segment


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A transcript as it is told to people: episode seconds, names instead of identities, edits applied, cuts gone."""

    title: str
    language: str
    duration_s: float
    engine: str
    quality: Quality
    # `speaker` holds the name to show, or None
    segments: tuple[Segment, ...]
    chapters: tuple[Chapter, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """What is written into the audio files themselves; chapters in episode seconds."""

    title: str
    artist: str
    album: str
    date: str
    comment: str = ""
    language: str = ""
    # of the episode in its show; None: it has none
    number: int | None = None
    cover: MadeFile | None = None
    chapters: tuple[Chapter, ...] = ()
    # The words as plain text; empty where they are not told.
    lyrics: str = ""
