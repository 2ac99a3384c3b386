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
    # Absolute address of the episode's folder; empty where it is told to nobody but its creator.
    folder_url: str = ""

    def picture_url(self, chapter: Chapter) -> str:
        """Where listeners fetch the chapter's picture; empty where there is none for them."""
        name = picture_file(chapter)
        return self.folder_url + name if name and self.folder_url else ""


def picture_file(chapter: Chapter) -> str:
    """What the chapter's picture is called in the episode's folder: another picture has another name; empty without one."""
    return f"chapter-{chapter.image[:16]}.jpg" if chapter.image else ""


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
    # Those of the chapters, which name them by their sha256.
    pictures: tuple[MadeFile, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    # The words as plain text; empty where they are not told.
    lyrics: str = ""
