"""What readers of the catalogue get: frozen values, the machine's results with the creator's edits merged in."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from pipeline.edits import Edits
from pipeline.models import Access, Chapter, Distribution, Quality, Sound
from pipeline.plan import Mode

EpisodeState = Literal["received", "working", "audible", "complete", "failed", "withdrawn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """A file as it was received, in the private store."""

    # as whoever sent it names it
    path: str
    key: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowAudio:
    """How a show's episodes sound and what is kept of them; None: as the installation's settings `audio.*` say."""

    level: Mode | None = None
    target_lufs: float | None = None
    denoise: bool | None = None
    trim: bool | None = None
    shorten_pauses: bool | None = None
    originals_days: int | None = None
    keep_master: bool | None = None
    # whether each voice is kept as a file of its own as well
    voices: bool | None = None
    # the show's own music
    intro: KeptFile | None = None
    outro: KeptFile | None = None
    bed: KeptFile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    id: str
    slug: str
    guid: str
    title: str
    description: str
    author: str
    owner_email: str
    language: str
    category: str
    explicit: bool
    access: Access
    consent: Literal["notice", "required"]
    distribution: Distribution
    drafts: Literal["private", "public"]
    feed_rev: int
    published_rev: int
    audio: ShowAudio = ShowAudio()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRendition:
    format: str
    key: str
    mime_type: str
    size_bytes: int
    sha256: str
    sha384: str
    duration_s: float
    channels: int
    bitrate_kbps: int
    integrated_lufs: float | None
    true_peak_dbtp: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    identity: str
    name: str
    role: str
    url: str = ""
    image: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsInfo:
    """What is known of an episode's words without reading them."""

    engine: str
    model: str
    quality: Quality
    language: str
    why: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """A recording as it was received, kept for some days."""

    files: tuple[KeptFile, ...]
    # unix seconds by the database's clock; `gone_at` None: it is still there
    kept_at: float
    gone_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """Machine results with the creator's edits merged in; chapters in room seconds."""

    guid: str
    recording_id: str
    slug: str
    show_slug: str
    state: EpisodeState
    title: str
    description: str
    language: str
    access: Access
    started_at: datetime
    created_at: datetime
    published_at: datetime | None
    reason: str
    people: tuple[Person, ...]
    sound: Sound | None
    renditions: tuple[StoredRendition, ...]
    chapters: tuple[Chapter, ...]
    words: WordsInfo | None
    words_key: str
    # what its creator decided about the sound, and how much of that is heard by now
    edits: Edits = field(default_factory=Edits)
    edits_heard: Edits = field(default_factory=Edits)
    original: Original | None = None

    @property
    def prefix(self) -> str:
        """The folder of its files in the store, ending in a slash."""
        return f"{self.show_slug}/{self.slug}/"
