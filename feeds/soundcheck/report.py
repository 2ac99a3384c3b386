"""What is known of an episode's sound, before and after, in the terms of EBU R128. Pure; what an old row does not say is None."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from feeds.catalogue import Episode, StoredRendition
from pipeline.edits import Edits, Mute
from pipeline.models import Cut, Loss, Loudness, Repair, Sound, VoiceLevel
from pipeline.text import clean_line

SCHEMA: Literal["sound-report/1"] = "sound-report/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Which episode it is about; `show` is a slug."""

    guid: str
    title: str
    show: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How far the loudest voice stands above the quietest; None where fewer than two speak."""

    before_lu: float | None
    after_lu: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Music:
    """Seconds of the show's own music before and after the room."""

    intro_s: float
    outro_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A rendition as it was measured from its decoded bytes."""

    format: str
    duration_s: float
    channels: int
    bitrate_kbps: int
    integrated_lufs: float | None
    true_peak_dbtp: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundReport:
    """`cuts`, `mutes`, `edits` and the places of `warnings` are on the room's clock; silence has loudness None."""

    schema: Literal["sound-report/1"]
    episode: Subject
    # length of the room and of the episode
    source_s: float
    duration_s: float
    target_lufs: float
    channels: int
    # as it came, and as it is heard now; None: not measured when this row was written
    before: Loudness | None
    after: Loudness | None
    spread: Spread
    voices: tuple[VoiceLevel, ...]
    cuts: tuple[Cut, ...]
    mutes: tuple[Mute, ...]
    repairs: tuple[Repair, ...]
    # seconds that are missing, and what could not be put right
    warnings: tuple[Loss, ...]
    music: Music
    renditions: tuple[Measured, ...]
    # what its creator asked for, and whether all of that is heard by now
    edits: Edits
    edits_heard: bool


def report_of(episode: Episode) -> SoundReport | None:
    """The report of what the catalogue knows; None while there is no sound."""
    sound = episode.sound
    if sound is None:
        return None
    return SoundReport(
        schema=SCHEMA,
        episode=Subject(guid=episode.guid, title=clean_line(episode.title), show=episode.show_slug),
        source_s=sound.source_s, duration_s=sound.duration_s, target_lufs=sound.target_lufs, channels=sound.channels,
        before=sound.before, after=sound.after or _first(episode.renditions), spread=_spread(sound.voices),
        voices=tuple(replace(voice, name=clean_line(voice.name)) for voice in sound.voices),
        cuts=sound.cuts, mutes=sound.mutes,
        repairs=tuple(replace(repair, why=clean_line(repair.why)) for repair in sound.repairs),
        warnings=_warnings(sound), music=Music(intro_s=sound.intro_s, outro_s=sound.outro_s),
        renditions=tuple(map(_measured, episode.renditions)),
        edits=episode.edits, edits_heard=episode.edits == episode.edits_heard,
    )  # fmt: skip


def is_mix(report: SoundReport) -> bool:
    """Whether it was one file of everybody, in which nobody can be told from anybody."""
    return all(voice.participant is None for voice in report.voices)


def _first(renditions: Sequence[StoredRendition]) -> Loudness | None:
    """What apps play, as far as it was measured."""
    if not renditions:
        return None
    return Loudness(integrated_lufs=renditions[0].integrated_lufs, true_peak_dbtp=renditions[0].true_peak_dbtp)


def _spread(voices: Sequence[VoiceLevel]) -> Spread:
    return Spread(before_lu=_apart([v.before_lufs for v in voices]), after_lu=_apart([v.after_lufs for v in voices]))


def _apart(levels: Sequence[float | None]) -> float | None:
    heard = [level for level in levels if level is not None]
    return round(max(heard) - min(heard), 2) if len(heard) > 1 else None


def _warnings(sound: Sound) -> tuple[Loss, ...]:
    return tuple(replace(loss, why=clean_line(loss.why)) for loss in sound.losses)


def _measured(stored: StoredRendition) -> Measured:
    return Measured(**{name: getattr(stored, name) for name in Measured.__dataclass_fields__})
