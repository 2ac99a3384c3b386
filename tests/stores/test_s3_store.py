"""The S3 store when the service misbehaves, and what it sends."""

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest

from pipeline.errors import Broken
from pipeline.stores import Store, open_store

if TYPE_CHECKING:
    from fakes_s3 import Gate

pytest_plugins = ["fakes_s3"]

GATE: TypeAlias = "tuple[str, type[Gate]]"


def put(store: Store, key: str, content: bytes | Path) -> None:
    store.put(key, content, mime_type="audio/mpeg", cache_control="public, max-age=300")


def test_a_service_that_fails_now_and_then_is_asked_again(s3_bucket: str, s3_gate: GATE) -> None:
    url, gate = s3_gate
    left = {"PUT": 2, "HEAD": 1, "GET": 2}

    def spoil(method: str, path: str) -> int | None:
        left[method] = left.get(method, 0) - 1
        return 500 if left[method] >= 0 else None

    gate.spoil = staticmethod(spoil)
    store = open_store(f"s3://{s3_bucket}", endpoint_url=url)
    put(store, "show/a.mp3", b"sound")
    assert store.get("show/a.mp3") == b"sound"
    assert gate.asked.count("PUT") == 3


def test_a_service_that_always_fails_is_given_up_in_one_line(s3_bucket: str, s3_gate: GATE) -> None:
    url, gate = s3_gate
    gate.spoil = staticmethod(lambda method, path: 503)
    store = open_store(f"s3://{s3_bucket}/pod", endpoint_url=url)
    with pytest.raises(Broken, match=rf"s3://{s3_bucket}/pod/: a.mp3 cannot be written") as broken:
        put(store, "a.mp3", b"sound")
    assert "\n" not in str(broken.value)
    assert gate.asked == ["PUT"] * 4


def test_an_upload_that_did_not_arrive_whole_is_noticed(s3_bucket: str, s3_service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(f"s3://{s3_bucket}", endpoint_url=s3_service)
    other = open_store(f"s3://{s3_bucket}", endpoint_url=s3_service)
    real_stat = store.stat

    def stat_after_another_wrote(key: str) -> object:
        put_other = other._client.put_object  # type: ignore[attr-defined]
        put_other(Bucket=s3_bucket, Key=key, Body=b"shorter")
        return real_stat(key)

    monkeypatch.setattr(store, "stat", stat_after_another_wrote)
    with pytest.raises(Broken, match="should hold 11 bytes and holds 7 bytes") as differs:
        put(store, "a.mp3", b"much longer")
    assert differs.value.code == "upload_differs"


def test_a_missing_bucket_is_named(s3_service: str, s3_credentials: None, tmp_path: Path) -> None:
    store = open_store("s3://nobody-made-this", endpoint_url=s3_service)
    (tmp_path / "big").write_bytes(b"x" * (17 << 20))
    for content in (b"small", tmp_path / "big"):
        with pytest.raises(Broken, match=r"s3://nobody-made-this/: .* no such bucket; make it") as missing:
            put(store, "a.mp3", content)
        assert missing.value.code == "bucket_missing"
    with pytest.raises(Broken, match="no such bucket"):
        list(store.keys(""))
    with pytest.raises(Broken, match="no such bucket"):
        store.get("a.mp3")


def test_missing_credentials_are_told_with_what_to_set(s3_bucket: str, s3_service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    store = open_store(f"s3://{s3_bucket}", endpoint_url=s3_service)
    with pytest.raises(Broken, match="set AWS_ACCESS_KEY_ID") as told:
        put(store, "a.mp3", b"x")
    assert told.value.code == "no_credentials"


def test_refused_credentials_are_told(s3_bucket: str, s3_gate: GATE) -> None:
    url, gate = s3_gate
    gate.spoil = staticmethod(lambda method, path: 403)
    store = open_store(f"s3://{s3_bucket}", endpoint_url=url)
    with pytest.raises(Broken, match="refuses these credentials") as told:
        store.stat("a.mp3")
    assert told.value.code == "store_denied"


def test_nobody_listening_is_one_line(s3_credentials: None, deaf_address: str) -> None:
    store = open_store("s3://bucket", endpoint_url=deaf_address)
    with pytest.raises(Broken, match="Could not connect") as told:
        store.get("a.mp3")
    assert "\n" not in str(told.value)


def test_prefixes_are_worlds_of_their_own(s3_bucket: str, s3_service: str) -> None:
    one, other = (open_store(f"s3://{s3_bucket}/{name}/", endpoint_url=s3_service) for name in ("one", "other"))
    put(one, "a.mp3", b"1")
    assert list(other.keys("")) == []
    assert other.get("a.mp3") is None
    assert list(open_store(f"s3://{s3_bucket}", endpoint_url=s3_service).keys("")) == ["one/a.mp3"]


def test_a_failed_download_leaves_nothing(s3_bucket: str, s3_gate: GATE, tmp_path: Path) -> None:
    url, gate = s3_gate
    store = open_store(f"s3://{s3_bucket}", endpoint_url=url)
    put(store, "a.mp3", b"sound")
    gate.spoil = staticmethod(lambda method, path: 500 if method == "GET" else None)
    with pytest.raises(Broken, match="cannot be fetched"):
        store.download("a.mp3", tmp_path / "a")
    assert list(tmp_path.iterdir()) == []
