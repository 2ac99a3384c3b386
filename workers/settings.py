"""Every setting, read once: `aircheck.toml` (working folder, or the file `AIRCHECK_CONFIG` names), each key also as `AIRCHECK_…`.

`store.url` is `AIRCHECK_STORE__URL` in the environment, which wins over the file. Secrets come from the environment or from files
(`…_file`), never from the TOML file, and are shown by nothing.
"""

import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from pipeline.errors import Refused
from pipeline.models import Recording
from pipeline.text import slug

PREFIX = "AIRCHECK_"
CONFIG = "AIRCHECK_CONFIG"
FILE = "aircheck.toml"


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
        default="auto",
        description="Who writes the words down; auto: a Whisper model that is here or may be downloaded, else nobody.",
    )
    model: str = Field(default="small", description="Whisper model: a name such as small, or the folder of one.")
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="Where the recogniser computes.")
    compute_type: str = Field(default="default", description="How it computes: default, int8, float16, int8_float16, float32.")
    language: str = Field(default="", description="Language of every room that names none, such as en; empty: detected.")
    download: bool = Field(default=True, description="Whether a model that is not here may be downloaded.")
    drafts: Literal["private", "public"] = Field(default="private", description="Who sees draft words of shows that do not say.")


class AudioSettings(Section):
    level: Literal["even", "natural", "broadcast", "original"] = Field(
        default="even", description="How much voices are evened out."
    )
    encode: Literal["fast", "quality"] = Field(default="fast", description="Encoder effort.")
    target_lufs: float | None = Field(
        default=None, ge=-31, le=-9, description="Loudness of the episode, EBU R128; empty: -16 with two channels, -19 with one."
    )
    formats: Names = Field(
        default=("mp3", "m4a", "opus"), min_length=1, description="Renditions of every episode, the feed's first."
    )


class ChapterSettings(Section):
    min_room_s: float = Field(default=600.0, ge=0, description="Rooms shorter than this have no computed chapters.")
    target_s: float = Field(default=300.0, gt=0, description="About how long a computed chapter is.")


class PublishSettings(Section):
    hub_url: str = Field(default="", description="WebSub hub that feeds name; empty: none.")


class LimitSettings(Section):
    room_s: float = Field(default=12 * 3600.0, gt=0, description="Longest room that is taken.")
    tracks: int = Field(default=64, gt=0, description="Most audio files of one room.")
    fetch_bytes: int = Field(default=8 << 30, gt=0, description="Most bytes fetched for one room.")
    fetch_s: float = Field(default=3600.0, gt=0, description="Longest download of one file.")
    wall_s: float = Field(default=6 * 3600.0, gt=0, description="Longest life of one child process that touches media.")
    memory_bytes: int = Field(default=4 << 30, gt=0, description="Most memory of one such process.")
    file_bytes: int = Field(default=16 << 30, gt=0, description="Largest file that such a process may write.")


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


class Settings(BaseSettings):
    """All of it; made by `load`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", env_ignore_empty=True, extra="forbid", frozen=True, hide_input_in_errors=True
    )

    data_dir: Path = Field(default=Path("aircheck-data"), description="Where database, stores, models and scratch lie by default.")
    database_url: str = Field(
        default="", repr=False, description="sqlite:///… or postgresql+psycopg://…; empty: aircheck.db in data_dir."
    )
    redis_url: str = Field(
        default="", repr=False, description="redis://…, the bell of many machines; empty: bells ring within one process."
    )
    public_url: str = Field(default="http://127.0.0.1:8000", description="Address that listeners reach the public files under.")
    store: StoreSettings = StoreSettings()
    speech: SpeechSettings = SpeechSettings()
    audio: AudioSettings = AudioSettings()
    chapters: ChapterSettings = ChapterSettings()
    publish: PublishSettings = PublishSettings()
    limits: LimitSettings = LimitSettings()
    hooks: HookSettings = HookSettings()
    mail: MailSettings = MailSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over what was handed in, which is what the file says; nothing else is read."""
        return env_settings, init_settings

    @field_validator("public_url")
    @classmethod
    def _is_address(cls, url: str) -> str:
        if not url.startswith(("http://", "https://")):
            raise ValueError("write http:// or https:// and a host")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _fill_in(self) -> Self:
        data = self.data_dir.absolute()
        places = {
            "url": self.store.url or (data / "public").as_uri(),
            "private_url": self.store.private_url or (data / "private").as_uri(),
        }
        filled = {
            "data_dir": data,
            "database_url": self.database_url or f"sqlite:///{data / 'aircheck.db'}",
            "store": self.store.model_copy(update=places),
        }
        self.__dict__.update(filled)
        return self


def show_for(recording: Recording, metadata: Mapping[str, str], rules: tuple[ShowRule, ...]) -> Recording:
    """The recording with its show: what it says itself, else the first rule that fits, else still none."""
    fitting = (
        rule.show
        for rule in rules
        if fnmatchcase(recording.name, rule.room) and all(metadata.get(key) == said for key, said in rule.metadata.items())
    )
    return recording if recording.show else replace(recording, show=next(fitting, ""))


# ---- reading them


def load(file: Path | None = None) -> Settings:
    """The settings of this process; anything unknown or impossible is refused in one line that names file and key."""
    path = file or _config_file()
    written = _read_toml(path) if path else {}
    known = reference()
    for key in _leaves(written):
        _check_known(key, known, str(path))
        _check_not_secret(key, known, path)
    _check_environment(known)
    try:
        return Settings(**written)
    except ValidationError as error:
        raise Refused(_told(error, path), code="bad_setting") from None


def _config_file() -> Path | None:
    named = os.environ.get(CONFIG)
    if named:
        return Path(named)
    return Path(FILE) if Path(FILE).exists() else None


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}", code="no_settings") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Refused(f"{path} is not TOML: {error}", code="bad_toml") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One setting, as the reference tells it."""

    key: str
    variable: str
    default: Any
    description: str
    secret: bool


def reference() -> dict[str, Key]:
    """Every key by its dotted name, in the order they stand above."""
    return {key.key: key for key in _keys(Settings, "")}


def _keys(model: type[BaseModel], prefix: str) -> Iterator[Key]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from _keys(field.annotation, f"{prefix}{name}.")
            continue
        key = prefix + name
        yield Key(
            key=key, variable=PREFIX + key.replace(".", "__").upper(), default=field.default, description=field.description or "",
            secret=f"{name}_file" in model.model_fields,
        )  # fmt: skip


def _leaves(data: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    sections = {name for name, field in Settings.model_fields.items() if not field.description}
    for name, value in data.items():
        if not prefix and name in sections and isinstance(value, dict):
            yield from _leaves(value, f"{name}.")
        else:
            yield prefix + name


def _check_known(key: str, known: Mapping[str, Key], where: str) -> None:
    sections = {name.partition(".")[0] for name in known if "." in name}
    if key not in known and key not in sections:
        raise Refused(f"{where}: there is no setting {key}; {_nearest(key, known)}", code="unknown_setting")


def _check_not_secret(key: str, known: Mapping[str, Key], path: Path | None) -> None:
    if key in known and known[key].secret:
        instead = f"put it into {known[key].variable} or a file, and that file's path into {key}_file"
        raise Refused(f"{path}: {key} is a secret; {instead}", code="secret_in_file")


def _nearest(key: str, known: Mapping[str, Key]) -> str:
    near = get_close_matches(key, known, 1, 0.5)
    last = [name for name in known if name.rpartition(".")[2] == key.rpartition(".")[2]]
    return (
        f"did you mean {(last or near)[0]}?"
        if near or last
        else f"known: {', '.join(dict.fromkeys(name.partition('.')[0] for name in known))}"
    )


def _check_environment(known: Mapping[str, Key]) -> None:
    variables = {key.variable: key for key in known.values()}
    for name in sorted(name for name in os.environ if name.startswith(PREFIX) and name != CONFIG):
        if name not in variables:
            raise Refused(f"the environment: there is no setting {name}; {_nearest(name, variables)}", code="unknown_setting")


def _told(error: ValidationError, path: Path | None) -> str:
    first = max(error.errors(include_url=False, include_context=False), key=lambda e: e["type"] == "extra_forbidden")
    key = ".".join(str(part) for part in first["loc"])
    known = reference()
    variable = known[key].variable if key in known else ""
    where = f"the environment ({variable})" if variable in os.environ else str(path or FILE)
    if first["type"] == "extra_forbidden":
        return f"{where}: there is no setting {key}; {_nearest(key, known)}"
    why = first["msg"].removeprefix("Value error, ").replace("Input should be", "allowed is")
    return f"{where}: {key}{_shown(key, known, path)} cannot be used: {why}"


def _shown(key: str, known: Mapping[str, Key], path: Path | None) -> str:
    """` = 'slow'`, as it was written, but never a secret."""
    if key not in known or known[key].secret:
        return ""
    value: Any = os.environ.get(known[key].variable)
    if value is None and path:
        value = _read_toml(path)
        for part in key.split("."):
            value = value.get(part) if isinstance(value, dict) else None
    return f" = {value!r}" if value is not None else ""
