"""The nouns of Aircheck: frozen values that stages take and return.

Times are float seconds. A name says its clock only where it matters: machine results and edits speak *room* seconds (second 0 is
`Recording.started_at`); what is published speaks *episode* seconds; `clock.TimeMap` leads from one to the other.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Self

from pipeline.edits import Mute

Role = Literal["host", "cohost", "moderator", "speaker", "listener"]
FileKind = Literal["mix", "track", "segment", "video", "playlist"]
Access = Literal["public", "unlisted", "members", "ticketed", "private"]
Distribution = Literal["auto", "review", "timer", "none"]
Quality = Literal["full", "draft", "none"]
ChapterSource = Literal["creator", "pinned", "computed"]


# ---- files


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeFile:
    """A file on this machine, known by its content: the sha256 travels with it, the path does not count in any key."""

    path: Path
    size_bytes: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Self:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return cls(path=path, size_bytes=path.stat().st_size, sha256=digest)


# ---- what a room left behind


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """Somebody who was in the room; `name` is text to show, never markup."""

    identity: str
    name: str
    role: Role = "speaker"
    # The platform's word: standard, sip, agent (a bot that speaks), egress (a recorder, left out), ingress.
    kind: str = "standard"
    joined_at_s: float | None = None
    left_at_s: float | None = None
    # Their own answer; None is no answer.
    recording_consent: bool | None = None
    url: str = ""
    image: str = ""
    title: str = ""
    organisation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file as the recording names it, believed in nothing but its bytes."""

    # Relative to the recording's root with `/` between parts; `fetch` turns it into bytes on this machine.
    path: str
    kind: FileKind = "mix"
    participant: str | None = None
    # Room second of its first audio frame; may be negative.
    start_offset_s: float = 0.0
    duration_s: float | None = None
    size_bytes: int | None = None
    sha256: str | None = None
    part: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomEvent:
    """Something that happened in the room, such as `topic_pinned` with its title and link, and a picture by its path in the
    recording; by its sha256 once it is kept."""

    t_s: float
    type: str
    participant: str | None = None
    title: str = ""
    url: str = ""
    image: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What one room session left behind. Empty strings and None are filled by the show's settings."""

    recording_id: str
    engine: str
    session_id: str
    name: str
    started_at: datetime
    ended_at: datetime | None = None
    title: str = ""
    description: str = ""
    language: str = ""
    show: str = ""
    access: Access | None = None
    distribution: Distribution | None = None
    # "speakers": each one's own yes is needed; "notice": the notice covers all who did not refuse.
    consent_policy: Literal["speakers", "notice"] | None = None
    participants: tuple[Participant, ...] = ()
    files: tuple[SourceFile, ...] = ()
    events: tuple[RoomEvent, ...] = ()


# ---- what went wrong or was left out, told and never silent


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Seconds that should be there and are not; `at_s` is room time, None where the place is not known."""

    at_s: float | None
    lost_s: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Room seconds left out on purpose."""

    start_s: float
    end_s: float
    why: str


# ---- sound


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A source file whose bytes are on this machine."""

    source: SourceFile
    file: MadeFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What `probe` found in all the fetched files; a file that cannot be read is a loss while another can."""

    streams: tuple["Probed", ...]
    losses: tuple[Loss, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """One audio stream we can decode, with what its packets say; the decode in `listen` has the last word on length."""

    file: MadeFile
    kind: FileKind
    participant: str | None
    start_offset_s: float
    part: int
    codec: str
    rate_hz: int
    channels: int
    duration_s: float
    losses: tuple[Loss, ...] = ()
    # which of the file's audio streams, from 0
    stream: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One file on the room's clock."""

    file: MadeFile
    participant: str | None
    start_offset_s: float
    duration_s: float
    channels: int
    # which of the file's audio streams, from 0
    stream: int = 0
    # What shall be taken out of it: lines of mains hum, steady noise.
    hum_lines_hz: tuple[float, ...] = ()
    denoise: bool = False
    # It shall sound as it came: not even its rumble is taken out.
    untouched: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A piece of the show's music, ready to be heard: raw float32 samples, interleaved, in the episode's channels."""

    file: MadeFile
    samples: int
    # K-weighted mean squares of its every 100 ms (.npy)
    powers: MadeFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Music:
    """The show's own music; a piece that cannot be played is a loss."""

    intro: Piece | None = None
    outro: Piece | None = None
    # begins anew without a seam when it has ended
    bed: Piece | None = None
    losses: tuple[Loss, ...] = ()

    @property
    def is_heard(self) -> bool:
        """Whether there is any of it."""
        return bool(self.intro or self.outro or self.bed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Who is heard when: every track on one clock, without those who refused."""

    tracks: tuple[Track, ...]
    # True: the tracks are single voices that we mix; False: one file of everybody.
    separate: bool
    length_s: float
    cuts: tuple[Cut, ...] = ()
    losses: tuple[Loss, ...] = ()
    # Who is heard on separate tracks, host first; empty for one file of everybody.
    voices: tuple[Participant, ...] = ()
    # Timeline second 0 is this room second: negative where a track began before the room's own clock.
    starts_at_s: float = 0.0
    mutes: tuple[Mute, ...] = ()
    # Seconds of the show's own music that are heard before the room begins, and after it has ended.
    intro_s: float = 0.0
    outro_s: float = 0.0
    music: Music = Music()

    @property
    def channels(self) -> int:
        """In how many channels its tracks are decoded; whether a mix is worth two of them is heard later."""
        return 1 if self.separate else min(2, max(track.channels for track in self.tracks))


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What one decode of every track measured; the arrays lie in `measures` (one .npz, layout in listen.py)."""

    measures: MadeFile
    # 16 kHz mono s16 WAV per track of the timeline, in its order, starting at room second 0.
    speech: tuple[MadeFile, ...]
    # Channels of the mix: 2 only where left and right truly differ.
    channels: int
    decoded_s: float
    # Of all tracks summed as they came, with the meter's rule for this number of channels; None is silence.
    integrated_lufs: float | None
    true_peak_dbtp: float | None
    losses: tuple[Loss, ...] = ()
    loudness_range_lu: float | None = None
    # One a row of the measures.
    conditions: tuple["Condition", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What is wrong with a track, or with the mix, as it came."""

    # the level of its quietest moments, K-weighted like all loudness; None: digital silence
    noise_lufs: float | None = None
    # mains hum: 50 or 60 Hz, how far its lines stand above their neighbours, and which do; None: there is none
    hum_hz: float | None = None
    hum_db: float = 0.0
    hum_lines_hz: tuple[float, ...] = ()
    # moments of 20 ms in which samples are cut off at full scale
    clipped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendition:
    """An encoded audio file of the episode, measured again from its decoded bytes."""

    format: str
    file: MadeFile
    mime_type: str
    duration_s: float
    channels: int
    bitrate_kbps: int
    integrated_lufs: float | None = None
    true_peak_dbtp: float | None = None
    loudness_range_lu: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceLevel:
    """How loud one voice was in its own speech, before and after; None: it never spoke."""

    participant: str | None
    name: str
    role: Role
    speech_s: float
    before_lufs: float | None
    after_lufs: float | None
    condition: Condition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """Loudness of each voice over the episode, for the voice strip: whole dBFS per bin, SILENT where it says nothing."""

    bin_s: float
    # (identity or "" for a mix, one value a bin), host first
    voices: tuple[tuple[str, tuple[int, ...]], ...]


SILENT_DBFS = -99


@dataclass(frozen=True, slots=True, kw_only=True)
class Loudness:
    """EBU R128 of a whole; None is silence."""

    integrated_lufs: float | None
    true_peak_dbtp: float | None
    loudness_range_lu: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """Something that was put right in the sound, told to its creator; `participant` None: in all of it."""

    participant: str | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """The machine's side of an episode's audio, kept in the catalogue; `cuts` and `losses` are room time."""

    # length of the room and of the episode that is left after the cuts
    source_s: float
    duration_s: float
    target_lufs: float
    channels: int
    voices: tuple[VoiceLevel, ...]
    activity: Activity
    cuts: tuple[Cut, ...]
    losses: tuple[Loss, ...]
    mutes: tuple[Mute, ...] = ()
    intro_s: float = 0.0
    outro_s: float = 0.0
    # as it came, and as it is heard now (of the first rendition)
    before: Loudness | None = None
    after: Loudness | None = None
    repairs: tuple[Repair, ...] = ()


# ---- words


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    text: str
    start_s: float
    end_s: float
    confidence: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A stretch of one voice, in room seconds (machine results) or episode seconds (a `Script`)."""

    # identity of the participant; None: nobody can say who
    speaker: str | None
    start_s: float
    end_s: float
    text: str
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """Every transcript names its engine; `quality` none carries the reason in `why`."""

    engine: str
    model: str
    quality: Quality
    language: str
    segments: tuple[Segment, ...] = ()
    why: str = ""


NO_WORDS = Transcript(engine="none", model="", quality="none", language="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    start_s: float
    end_s: float
    title: str
    source: ChapterSource
    url: str = ""
    image: str = ""  # sha256 of its picture
