"""The tables of `aircheck.toml`: every key with what it may hold, its default and one line that says what it is for."""

import json
from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from pipeline import shelf
from pipeline.formats import Effort
from pipeline.limits import Limits
from pipeline.models import Recording
from pipeline.plan import ChapterPlan, CleanPlan, EncodePlan, FilterPlan, LevelPlan, Mode, SpeechPlan
from pipeline.text import slug

CHAPTERS, CLEAN, ENCODE, FILTERS = ChapterPlan(), CleanPlan(), EncodePlan(), FilterPlan()
LEVEL, LIMITS, SPEECH = LevelPlan(), Limits(), SpeechPlan()

# ---- what values may look like


def _listed(value: object) -> object:
    """`a, b` as the environment writes a list."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _paired(value: object) -> object:
    """`key: secret` lines as LiveKit writes its keys."""
    if not isinstance(value, str):
        return value
    pairs = [line.partition(":") for line in value.replace(",", "\n").splitlines() if line.strip()]
    if not all(mark and secret.strip() for _, mark, secret in pairs):
        raise ValueError("write one `key: secret` a line")
    return {key.strip(): secret.strip() for key, _, secret in pairs}


def _tabled(value: object) -> object:
    """Tables as JSON, for the environment."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError('write JSON such as [{"room": "tuesday-*", "show": "tuesday"}]') from None


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]
Keys = Annotated[dict[str, SecretStr], NoDecode, BeforeValidator(_paired)]


class Section(BaseModel):
    """A table of the file; a secret that is empty is read from the file its `…_file` names."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _secrets_from_files(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        named = {key.removesuffix("_file"): path for key, path in data.items() if key.endswith("_file") and path}
        return {**data, **{key: _read_secret(key, str(path)) for key, path in named.items() if not data.get(key)}}


def _read_secret(name: str, path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{name}_file = {path!r} cannot be read: {getattr(error, 'strerror', None) or 'not text'}") from None


# ---- the keys


class StoreSettings(Section):
    url: str = Field(
        default="", description="Where public files lie: file:///folder or s3://bucket/prefix; empty: public/ in data_dir."
    )
    private_url: str = Field(default="", description="Where nobody but Aircheck reads; empty: private/ in data_dir.")
    endpoint_url: str = Field(
        default="", description="Address of an S3 service that is not Amazon's; credentials as boto3 finds them."
    )


class SpeechSettings(Section):
    engine: Literal["auto", "faster_whisper", "pocketsphinx", "none"] = Field(
        default=SPEECH.engine,
        description="Who writes the words down; auto: a Whisper model that is here or may be downloaded, else nobody.",
    )
    model: str = Field(
        default=SPEECH.model, description="Whisper model: a name such as small, or the folder of one; empty: the best one here."
    )
    device: Literal["auto", "cpu", "cuda"] = Field(default=SPEECH.device, description="Where the recogniser computes.")
    compute_type: str = Field(
        default=SPEECH.compute_type, description="How it computes: auto, int8, float16, float32 and the like."
    )
    language: str = Field(
        default=SPEECH.language, description="Language of every room that names none, such as en; empty: detected."
    )
    download: bool = Field(default=SPEECH.download, description="Whether a model that is not here may be downloaded.")
    drafts: Literal["private", "public"] = Field(default="private", description="Who sees draft words of shows that do not say.")


class AudioSettings(Section):
    level: Mode = Field(default=LEVEL.mode, description="How much voices are evened out.")
    encode: Effort = Field(default=ENCODE.effort, description="Encoder effort.")
    target_lufs: float | None = Field(
        default=LEVEL.target_lufs,
        ge=-31,
        le=-9,
        description="Loudness of the episode, EBU R128; empty: -16 with two channels, -19 with one.",
    )
    denoise: bool = Field(default=FILTERS.denoise, description="Whether steady noise is taken out of every voice.")
    trim: bool = Field(default=CLEAN.trim, description="Whether dead air before the first word and after the last is cut.")
    shorten_pauses: bool = Field(default=CLEAN.shorten_pauses, description="Whether long pauses are shortened.")
    originals_days: int = Field(
        default=30, ge=0, description="Days that a recording fetched from elsewhere is kept as it came; 0: not at all."
    )
    keep_master: bool = Field(default=False, description="Whether a lossless master of every episode is kept in private.")
    voices: bool = Field(default=False, description="Whether each voice is kept as a file of its own as well, in private.")
    formats: Names = Field(default=ENCODE.formats, min_length=1, description="Renditions of every episode, the feed's first.")

    @field_validator("formats")
    @classmethod
    def _stand_on_the_shelf(cls, formats: tuple[str, ...]) -> tuple[str, ...]:
        known = shelf.names("pipeline.formats")
        if unknown := [name for name in formats if name not in known]:
            raise ValueError(f"there is no {unknown[0]!r}; known: {', '.join(known)}")
        return formats


class ChapterSettings(Section):
    min_room_s: float = Field(default=CHAPTERS.min_room_s, ge=0, description="Rooms shorter than this have no computed chapters.")
    target_s: float = Field(default=CHAPTERS.target_s, gt=0, description="About how long a computed chapter is.")


class PublishSettings(Section):
    hub_url: str = Field(default="", description="WebSub hub that feeds name; empty: none.")


class LimitSettings(Section):
    room_s: float = Field(default=12 * 3600.0, gt=0, description="Longest room that is taken.")
    tracks: int = Field(default=64, gt=0, description="Most audio files of one room.")
    fetch_bytes: int = Field(default=8 << 30, gt=0, description="Most bytes fetched for one room.")
    fetch_s: float = Field(default=3600.0, gt=0, description="Longest download of one file.")
    wall_s: float | None = Field(default=LIMITS.wall_s, gt=0, description="Longest life of one child process that touches media.")
    memory_bytes: int | None = Field(default=LIMITS.memory_bytes, gt=0, description="Most memory of one such process.")
    cpu_s: int | None = Field(default=LIMITS.cpu_s, gt=0, description="Most processor seconds of one such process.")
    file_bytes: int | None = Field(default=LIMITS.file_bytes, gt=0, description="Largest file that such a process may write.")
    free_bytes: int = Field(default=1 << 30, ge=0, description="Free space where scratch lies, without which no job begins.")
    overdue_s: float = Field(
        default=2 * 3600.0, gt=0, description="A room that ended so long ago and cannot be heard yet raises an alarm."
    )


class ShowRule(Section):
    """Rooms that fit all that is named here belong to the show."""

    show: str = Field(description="The show's slug.")
    room: str = Field(default="*", description="The room's name, * and ? stand for letters.")
    metadata: dict[str, str] = Field(default={}, description="Keys of the room's metadata and what they must say.")

    @field_validator("show")
    @classmethod
    def _is_slug(cls, show: str) -> str:
        if slug(show) != show:
            raise ValueError("use small letters, digits and dashes")
        return show


ShowRules = Annotated[tuple[ShowRule, ...], NoDecode, BeforeValidator(_tabled)]


class HookSettings(Section):
    secret: SecretStr = Field(
        default=SecretStr(""), description="Signs POST /hooks/rooms; two lines while it changes; empty: door closed."
    )
    secret_file: str = Field(default="", description="File that holds hooks.secret.")
    roots: Names = Field(default=(), description="Folders below which recordings may be named by path.")
    livekit_keys: Keys = Field(default={}, description="LiveKit API keys and their secrets, one `key: secret` a line.")
    livekit_keys_file: str = Field(default="", description="File that holds hooks.livekit_keys.")
    allowed_hosts: Names = Field(
        default=(), description="Hosts whose https addresses are fetched; host=private also inside our network."
    )
    shows: ShowRules = Field(default=(), description="Rules from a room's name or metadata to a show; the first that fits wins.")
    unknown_show: Literal["hold", "create", "refuse"] = Field(
        default="hold", description="What becomes of a room whose show is not there."
    )


class MailSettings(Section):
    host: str = Field(default="", description="SMTP server that notices go through; empty: no mail.")
    port: int = Field(default=587, gt=0, lt=65536, description="Its port.")
    user: str = Field(default="", description="Name to log in with; empty: no login.")
    password: SecretStr = Field(default=SecretStr(""), description="Password of mail.user.")
    password_file: str = Field(default="", description="File that holds mail.password.")
    sender: str = Field(default="", description="Address that notices come from.")
    operator: str = Field(default="", description="Address that alarms go to; empty: log, metrics and studio only.")


def show_for(recording: Recording, metadata: Mapping[str, str], rules: tuple[ShowRule, ...]) -> Recording:
    """The recording with its show: what it says itself, else the first rule that fits, else still none."""
    fitting = (
        rule.show
        for rule in rules
        if fnmatchcase(recording.name, rule.room) and all(metadata.get(key) == said for key, said in rule.metadata.items())
    )
    return recording if recording.show else replace(recording, show=next(fitting, ""))
