"""Every choice that a run is made with, one plan a stage; nothing that works them is loaded by reading them."""

from dataclasses import dataclass, field, replace
from typing import Literal

from pipeline.edits import Edits
from pipeline.formats import Effort
from pipeline.models import MadeFile

Mode = Literal["even", "natural", "broadcast", "original"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbePlan:
    """What is too long and too short to be a room."""

    longest_s: float = 12 * 3600.0
    shortest_s: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanPlan:
    """How much dead air stays before the first word and after the last, and what a long pause is shortened to."""

    trim: bool = True
    lead_s: float = 0.5
    tail_s: float = 1.0
    shorten_pauses: bool = False
    long_pause_s: float = 2.0
    pause_s: float = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterPlan:
    """What is taken out of the sound before anything else is decided: rumble always, hum where there is any, or nothing at all."""

    denoise: bool = False
    untouched: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MusicPlan:
    """The show's own music, outside all levelling of speech: before the room, after it, and under its first and last words."""

    intro: MadeFile | None = None
    outro: MadeFile | None = None
    bed: MadeFile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelPlan:
    """`target_lufs` None is -19 for one channel and -16 for two: equally loud on two loudspeakers."""

    mode: Mode = "even"
    target_lufs: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodePlan:
    """Which renditions are made; `formats` are names on the shelf pipeline/formats."""

    formats: tuple[str, ...] = ("mp3", "m4a", "opus")
    effort: Effort = "fast"
    # What an encoder needs beyond its recipe and the levels, learned by `verify` from what it made.
    trim_db: float = 0.0
    ceiling_db: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechPlan:
    """How words are to be heard: the settings `speech.*`."""

    engine: Literal["auto", "faster_whisper", "pocketsphinx", "none"] = "auto"
    # A size ("small"), a hub id ("Systran/faster-whisper-small") or a folder; empty: the best one here, else a small one.
    model: str = ""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    compute_type: str = "auto"
    # ISO 639-1; empty: heard from each voice.
    language: str = ""
    # Whether a model that is not here may be downloaded.
    download: bool = True
    # Words to expect besides the participants' names, such as the room's title.
    hotwords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChapterPlan:
    """The settings `chapters.*`."""

    # A shorter episode gets no chapters but pinned ones.
    min_room_s: float = 600.0
    # How long a chapter typically is.
    target_s: float = 230.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All of them; `consent` is what counts where a room says nothing."""

    consent: Literal["notice", "required"] = "notice"
    probe: ProbePlan = field(default_factory=ProbePlan)
    filters: FilterPlan = field(default_factory=FilterPlan)
    clean: CleanPlan = field(default_factory=CleanPlan)
    edits: Edits = field(default_factory=Edits)
    music: MusicPlan = field(default_factory=MusicPlan)
    level: LevelPlan = field(default_factory=LevelPlan)
    encode: EncodePlan = field(default_factory=EncodePlan)
    speech: SpeechPlan = field(default_factory=SpeechPlan)
    chapters: ChapterPlan = field(default_factory=ChapterPlan)


def as_its_mode_says(plan: Plan) -> Plan:
    """The plan; in the mode `original` one that changes nothing of the sound but its level, and leaves out nothing by itself."""
    if plan.level.mode != "original":
        return plan
    return replace(plan, filters=FilterPlan(untouched=True), clean=replace(plan.clean, trim=False, shorten_pauses=False))
