"""Settings: defaults, the file, the environment above it, and every mistake told in one line."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from pipeline.errors import Refused
from workers.hooks import HookConfig
from workers.settings import Settings, in_words, load, reference

Say: TypeAlias = Callable[..., Settings]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(text: str, name: str = "aircheck.toml") -> Path:
    path = Path(name)
    path.write_text(text)
    return path


def test_without_a_word_everything_lies_in_one_folder(tmp_path: Path) -> None:
    settings = load()
    data = tmp_path / "aircheck-data"
    assert settings.data_dir == data
    assert settings.database_url == f"sqlite:///{data}/aircheck.db"
    assert (settings.store.url, settings.store.private_url) == ((data / "public").as_uri(), (data / "private").as_uri())
    assert settings.redis_url == ""
    assert settings.hooks.unknown_show == "hold"


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    write('public_url = "https://file.example/"\n[store]\nurl = "s3://file/pod"\nendpoint_url = "http://s3"\n')
    monkeypatch.setenv("AIRCHECK_STORE__URL", "s3://environment")
    settings = load()
    assert settings.public_url == "https://file.example"
    assert (settings.store.url, settings.store.endpoint_url) == ("s3://environment", "http://s3")


def test_the_environment_may_name_another_file(monkeypatch: pytest.MonkeyPatch) -> None:
    write("[limits]\ntracks = 3\n", "other.toml")
    write("[limits]\ntracks = 4\n")
    assert load().limits.tracks == 4
    monkeypatch.setenv("AIRCHECK_CONFIG", "other.toml")
    assert load().limits.tracks == 3


def test_every_key_can_be_said_in_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from a file\n")
    said = {
        "redis_url": "redis://r", "speech.engine": "none", "speech.download": "false", "audio.formats": "mp3, opus",
        "audio.target_lufs": "-18", "chapters.target_s": "100", "limits.memory_bytes": "1000", "hooks.roots": "/a,/b",
        "hooks.livekit_keys": "API1: one, API2: two",
        "hooks.shows": '[{"room": "tue*", "show": "tuesday"}]', "mail.password_file": str(tmp_path / "secret"),
    }  # fmt: skip
    for key, value in said.items():
        monkeypatch.setenv(reference()[key].variable, value)
    settings = load()
    assert (settings.redis_url, settings.speech.engine, settings.speech.download) == ("redis://r", "none", False)
    assert (settings.audio.formats, settings.audio.target_lufs, settings.chapters.target_s) == (("mp3", "opus"), -18.0, 100.0)
    assert (settings.limits.memory_bytes, settings.hooks.roots) == (1000, ("/a", "/b"))
    assert {key: secret.get_secret_value() for key, secret in settings.hooks.livekit_keys.items()} == {"API1": "one", "API2": "two"}
    assert (settings.hooks.shows[0].room, settings.hooks.shows[0].show) == ("tue*", "tuesday")
    assert settings.mail.password.get_secret_value() == "from a file"


def test_two_secrets_may_be_alive_at_once(settings: Say) -> None:
    config = HookConfig.of(settings(hooks__secret="new\nold"))
    assert [secret.get_secret_value() for secret in config.secrets] == ["new", "old"]
    assert HookConfig.of(settings(hooks__secret=" ")).secrets == ()


def test_a_secret_is_shown_by_nothing(settings: Say) -> None:
    loaded = settings(
        hooks__secret="hush1", hooks__livekit_keys="API: hush2", mail__password="hush3",
        database_url="postgresql+psycopg://me:hush4@host/db", redis_url="redis://:hush5@host",
    )  # fmt: skip
    shown = f"{loaded!r} {loaded} {in_words(loaded)} {loaded.hooks!r} {loaded.model_dump_json(include={'hooks', 'mail'})}"
    assert "hush" not in shown
    words = in_words(loaded)
    assert (words["hooks.secret"], words["mail.password"]) == ("(set)", "(set)")
    assert words["database_url"] == "postgresql+psycopg://me:…@host/db"


MISTAKES = {
    'dta_dir = "x"': "aircheck.toml: there is no setting dta_dir; did you mean data_dir?",
    '[store]\nulr = "x"': "aircheck.toml: there is no setting store.ulr; did you mean store.url?",
    "[stroe]\nx = 1": r"aircheck.toml: there is no setting stroe; did you mean store",
    "[audio]\ntarget_luffs = 1": "aircheck.toml: there is no setting audio.target_luffs; did you mean audio.target_lufs?",
    "qqqq = 1": "aircheck.toml: there is no setting qqqq; known: data_dir, database_url",
    '[[hooks.shows]]\nshow = "a"\nrum = "b"': r"aircheck.toml: there is no setting hooks.shows.0.rum",
    '[audio]\nencode = "slow"': "aircheck.toml: audio.encode = 'slow' cannot be used: allowed is 'fast' or 'quality'",
    "[audio]\ntarget_lufs = 3": "aircheck.toml: audio.target_lufs = 3 cannot be used: allowed is less than or equal to -9",
    '[audio]\nformats = ["mp3", "aac"]': "audio.formats = .* cannot be used: there is no 'aac'; known: flac, m4a, mp3",
    "[audio]\nformats = []": "audio.formats = .* cannot be used",
    "[limits]\ntracks = 0": "aircheck.toml: limits.tracks = 0 cannot be used: allowed is greater than 0",
    "store = 3": "aircheck.toml: store cannot be used: allowed is a valid dictionary",
    'public_url = "pod.example"': "public_url = 'pod.example' cannot be used: write http:// or https:// and a host",
    '[[hooks.shows]]\nshow = "Bad Show"': r"hooks.shows.0.show cannot be used: use small letters",
    '[hooks]\nsecret = "hush"': "hooks.secret is a secret; put it into AIRCHECK_HOOKS__SECRET or a file",
    '[hooks]\nsecret_file = "/nope"': "secret_file = '/nope' cannot be read: No such file",
    "a = 1\nb = = 2": "aircheck.toml is not TOML: .*line 2",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_in_the_file_is_named_with_file_key_and_what_is_allowed(text: str) -> None:
    write(text)
    with pytest.raises(Refused, match=MISTAKES[text]) as refused:
        load()
    assert "\n" not in str(refused.value) and "hush" not in str(refused.value)


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("AIRCHECK_STORE__ULR", "x", "no setting AIRCHECK_STORE__ULR; did you mean AIRCHECK_STORE__URL?"),
        ("AIRCHECK_REDISURL", "x", "did you mean AIRCHECK_REDIS_URL?"),
        ("AIRCHECK_LIMITS__TRACKS", "many", r"AIRCHECK_LIMITS__TRACKS\): limits.tracks = 'many' cannot be used: allowed is"),
        ("AIRCHECK_HOOKS__SHOWS", "[{", 'write JSON such as'),
        ("AIRCHECK_HOOKS__LIVEKIT_KEYS", "hush-hush", "write one `key: secret` a line"),
        ("AIRCHECK_CONFIG", "/nope.toml", "/nope.toml cannot be read: No such file"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_environment_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(Refused, match=words) as refused:
        load()
    assert "hush" not in str(refused.value)


def test_every_key_is_told_in_one_line() -> None:
    for key in reference().values():
        assert 5 < len(key.description) < 130 and key.description.endswith("."), key.key
    assert {key for key, told in reference().items() if told.secret} == {"hooks.secret", "hooks.livekit_keys", "mail.password"}


def test_settings_are_read_without_the_heavy_libraries() -> None:
    heavy = (
        "import sys, workers.settings; print([m for m in ('av', 'boto3', 'faster_whisper', 'fastapi', 'PIL') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True).stdout == "[]\n"
