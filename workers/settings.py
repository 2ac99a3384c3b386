"""Every setting, read once: `aircheck.toml` (working folder, or the file `AIRCHECK_CONFIG` names), each key also as `AIRCHECK_…`.

`store.url` is `AIRCHECK_STORE__URL` in the environment, which wins over the file. Secrets come from the environment or from files
(`…_file`), never from the TOML file, and are shown by nothing.
"""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from pipeline.errors import Refused
from workers.sections import (
    AudioSettings,
    ChapterSettings,
    HookSettings,
    LimitSettings,
    MailSettings,
    PublishSettings,
    Section,
    SpeechSettings,
    StoreSettings,
)

PREFIX = "AIRCHECK_"
CONFIG = "AIRCHECK_CONFIG"
FILE = "aircheck.toml"
# The folder of everything but public files, in the folder that `produce` writes to.
STATE = ".aircheck/run"


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

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never stand in a log."""
        keys = (key.get_secret_value() for key in self.hooks.livekit_keys.values())
        return (*self.hooks.secret.get_secret_value().splitlines(), self.mail.password.get_secret_value(), *keys)

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


def under(out: Path, settings: Settings) -> Settings:
    """The same with database, scratch and both stores inside the folder `out`, and no Redis: where `produce` leaves everything."""
    home = out.expanduser().absolute()
    state = home / STATE
    return settings.model_copy(update={
        "data_dir": state, "database_url": f"sqlite:///{state / 'aircheck.db'}", "redis_url": "",
        "store": StoreSettings(url=home.as_uri(), private_url=(state / "private").as_uri()),
    })  # fmt: skip


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


def in_words(settings: Settings) -> dict[str, str]:
    """What every key comes to, for people: of secrets only whether they are set, passwords in addresses left out."""
    return {key.key: _in_words(settings, key) for key in reference().values()}


def _in_words(settings: Settings, key: Key) -> str:
    value: Any = settings
    for part in key.key.split("."):
        value = getattr(value, part)
    if key.secret:
        is_set = bool(value.get_secret_value()) if hasattr(value, "get_secret_value") else bool(value)
        return "(set)" if is_set else ""
    if isinstance(value, tuple):
        return ", ".join(str(part) for part in value)
    return "" if value is None else re.sub(r"(://[^:/@]*):[^@/]*@", r"\1:…@", str(value))


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
