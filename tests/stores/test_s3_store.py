"""The S3 store when the service misbehaves, and what it sends."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import boto3
import pytest

from pipeline.errors import Broken, Hindered
from pipeline.stores import Overtaken, Stat, Store, open_store, s3

if TYPE_CHECKING:
    from fakes_s3 import Gate

pytest_plugins = ["fakes_s3"]

GATE: TypeAlias = "tuple[str, type[Gate]]"


def put(store: Store, key: str, content: bytes | Path, if_match: str | None = None) -> Stat:
    return store.put(key, content, mime_type="audio/mpeg", cache_control="public, max-age=300", if_match=if_match)


@pytest.fixture
def store(s3_bucket: str, s3_gate: GATE) -> Store:
    """A store behind the gate."""
    return open_store(f"s3://{s3_bucket}", endpoint_url=s3_gate[0])


@pytest.fixture
def gate(s3_gate: GATE) -> "type[Gate]":
    return s3_gate[1]


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file of three parts."""
    path = tmp_path / "large"
    path.write_bytes(b"".join(bytes([n]) * (1 << 20) for n in range(20)))
    return path


def the_first(times: int, change: Callable[[bytes], bytes], *methods: str) -> Callable[[str, bytes], bytes]:
    """Changes so many bodies of these methods and lets the others pass."""
    left = [times]

    def change_some(method: str, body: bytes) -> bytes:
        if method not in methods or left[0] == 0:
            return body
        left[0] -= 1
        return change(body)

    return staticmethod(change_some)


def with_a_wrong_byte(body: bytes) -> bytes:
    return body[:-1] + bytes([body[-1] ^ 1]) if body else body


def half(body: bytes) -> bytes:
    return body[: len(body) // 2]


# ---- a service that fails


def test_a_service_that_fails_now_and_then_is_asked_again(store: Store, gate: "type[Gate]") -> None:
    left = {"PUT": 2, "HEAD": 1, "GET": 2}

    def spoil(method: str, path: str) -> int | None:
        left[method] = left.get(method, 0) - 1
        return 500 if left[method] >= 0 else None

    gate.spoil = staticmethod(spoil)
    put(store, "show/a.mp3", b"sound")
    assert store.get("show/a.mp3") == b"sound"
    assert gate.asked.count("PUT") == 3


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (500, "store_away", "not well"), (503, "store_busy", "asks for patience"), (507, "store_full", "no more room"),
        (403, "store_denied", "refuses these credentials"), (429, "store_busy", "asks for patience"),
    ],
)  # fmt: skip
def test_a_service_that_does_not_serve_is_waited_for(store: Store, gate: "type[Gate]", status: int, code: str, words: str) -> None:
    gate.spoil = staticmethod(lambda method, path: status)
    with pytest.raises(Hindered, match=words) as hindered:
        store.stat("a.mp3")
    assert hindered.value.code == code
    assert "\n" not in str(hindered.value)


def test_a_service_that_always_fails_is_given_up_in_one_line(store: Store, gate: "type[Gate]") -> None:
    gate.spoil = staticmethod(lambda method, path: 503)
    with pytest.raises(Hindered, match=r"s3://rooms-\w+/: a.mp3 cannot be written") as broken:
        put(store, "a.mp3", b"sound")
    assert "\n" not in str(broken.value)
    assert gate.asked == ["PUT"] * 4


def test_a_missing_bucket_is_named_and_waited_for(s3_service: str, s3_credentials: None, large: Path) -> None:
    store = open_store("s3://nobody-made-this", endpoint_url=s3_service)
    asked: list[Callable[[], object]] = [
        lambda: put(store, "a.mp3", b"small"), lambda: put(store, "a.mp3", large), lambda: list(store.keys("")),
        lambda: store.get("a.mp3"), lambda: store.stat("a.mp3"), lambda: store.tidy(0.0), store.probe,
    ]  # fmt: skip
    for ask in asked:
        with pytest.raises(Hindered, match=r"s3://nobody-made-this/: .*no such bucket; make it") as missing:
            ask()
        assert missing.value.code == "bucket_missing"


def test_missing_credentials_are_told_with_what_to_set(
    s3_service: str, s3_credentials: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    store = open_store("s3://bucket", endpoint_url=s3_service)
    with pytest.raises(Hindered, match="set AWS_ACCESS_KEY_ID") as told:
        put(store, "a.mp3", b"x")
    assert told.value.code == "no_credentials"


def test_nobody_listening_is_one_line(s3_credentials: None, deaf_address: str) -> None:
    store = open_store("s3://bucket", endpoint_url=deaf_address)
    with pytest.raises(Hindered, match="Could not connect") as told:
        store.get("a.mp3")
    assert told.value.code == "store_away"
    assert "\n" not in str(told.value)


def test_what_is_small_is_given_up_well_before_a_lease_ends(s3_bucket: str, s3_gate: GATE, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its times a twentieth of the real ones, and a service that says nothing for longer than anybody waits."""
    url, gate = s3_gate
    monkeypatch.setattr(s3, "ANSWER_S", 0.4)
    monkeypatch.setattr(s3.store, "SOON_S", 0.4)
    store = open_store(f"s3://{s3_bucket}", endpoint_url=url)
    gate.spoil = staticmethod(lambda method, path: time.sleep(1.5))
    with pytest.raises(Hindered, match="does not answer"):
        put(store, "feed.xml", b"<rss/>")
    # the one that began in time, and at most one that began just before the time was over
    assert gate.asked in (["PUT"], ["PUT", "PUT"])


# ---- bytes that change on the way


def test_a_body_that_was_changed_on_its_way_up_is_sent_again(store: Store, gate: "type[Gate]", large: Path) -> None:
    for content in (b"sound", large):
        gate.up = the_first(1, with_a_wrong_byte, "PUT")
        assert put(store, "a.mp3", content).size_bytes == (5 if content == b"sound" else 20 << 20)
        assert store.get("a.mp3") == (content if isinstance(content, bytes) else content.read_bytes())


@pytest.mark.parametrize("parts", [False, True])
def test_a_body_that_is_changed_each_time_is_told_and_never_passes_for_the_true_one(
    store: Store, gate: "type[Gate]", large: Path, parts: bool
) -> None:
    put(store, "a.mp3", b"old sound")
    gate.up = the_first(-1, with_a_wrong_byte, "PUT")
    with pytest.raises(Broken, match="should hold") as differs:
        put(store, "a.mp3", large if parts else b"new sound")
    assert differs.value.code == "upload_differs"
    assert not isinstance(differs.value, Hindered)
    assert store.stat("a.mp3") is None


def test_an_upload_that_did_not_arrive_whole_is_noticed(s3_bucket: str, s3_service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(f"s3://{s3_bucket}", endpoint_url=s3_service)
    client = boto3.client("s3", endpoint_url=s3_service)
    real_stat = store.stat

    def stat_after_another_wrote(key: str) -> Stat | None:
        client.put_object(Bucket=s3_bucket, Key=key, Body=b"shorter")
        return real_stat(key)

    monkeypatch.setattr(store, "stat", stat_after_another_wrote)
    with pytest.raises(Broken, match="should hold 11 bytes and holds 7 bytes") as differs:
        put(store, "a.mp3", b"much longer")
    assert differs.value.code == "upload_differs"
    assert real_stat("a.mp3")


def test_who_finds_the_bytes_of_another_writer_was_overtaken(
    s3_bucket: str, s3_service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, other = (open_store(f"s3://{s3_bucket}", endpoint_url=s3_service) for _ in range(2))
    monkeypatch.setattr(store, "stat", lambda key: put(other, key, b"theirs"))
    with pytest.raises(Overtaken, match="written by somebody else"):
        put(store, "a.mp3", b"ours")
    assert other.get("a.mp3") == b"theirs"


@pytest.mark.parametrize("harm", [with_a_wrong_byte, half])
def test_what_comes_out_wrong_is_fetched_again(
    store: Store, gate: "type[Gate]", large: Path, tmp_path: Path, harm: Callable[[bytes], bytes]
) -> None:
    put(store, "a.mp3", large)
    for fetch in (lambda: store.get("a.mp3"), lambda: store.download("a.mp3", tmp_path / "a") or (tmp_path / "a").read_bytes()):
        gate.down = the_first(1, harm, "GET")
        assert fetch() == large.read_bytes()


def test_what_was_cut_off_goes_on_where_it_ended(store: Store, gate: "type[Gate]", large: Path) -> None:
    put(store, "a.mp3", large)
    sizes: list[int] = []
    gate.down = staticmethod(lambda method, body: sizes.append(len(body)) or (half(body) if len(sizes) < 3 else body))
    assert store.get("a.mp3") == large.read_bytes()
    assert sizes[0] == 20 << 20 and sizes[1] <= 11 << 20 and sizes[2] <= 6 << 20


@pytest.mark.parametrize("harm", [with_a_wrong_byte, half])
def test_what_never_comes_out_right_is_told_and_never_handed_on(
    store: Store, gate: "type[Gate]", tmp_path: Path, harm: Callable[[bytes], bytes]
) -> None:
    put(store, "a.mp3", b"sound" * 100)
    gate.down = the_first(-1, harm, "GET")
    for fetch in (lambda: store.get("a.mp3"), lambda: store.download("a.mp3", tmp_path / "a")):
        before = len(gate.asked)
        with pytest.raises(Broken, match="does not arrive as it was put there") as differs:
            fetch()
        assert differs.value.code == "download_differs"
        assert len(gate.asked) - before == 4
    assert list(tmp_path.iterdir()) == []


def test_an_object_replaced_between_two_tries_is_not_mixed(store: Store, gate: "type[Gate]", large: Path) -> None:
    old, new = b"o" * 3_000_000, b"n" * 4_000_000
    put(store, "a.mp3", old)

    def replace(body: bytes) -> bytes:
        put(store, "a.mp3", new)
        return half(body)

    gate.down = the_first(1, replace, "GET")
    assert store.get("a.mp3") == new


def test_a_failed_download_leaves_nothing(store: Store, gate: "type[Gate]", tmp_path: Path) -> None:
    put(store, "a.mp3", b"sound")
    gate.spoil = staticmethod(lambda method, path: 500 if method == "GET" else None)
    with pytest.raises(Hindered, match="cannot be fetched"):
        store.download("a.mp3", tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_prefixes_are_worlds_of_their_own(s3_bucket: str, s3_service: str) -> None:
    one, other = (open_store(f"s3://{s3_bucket}/{name}/", endpoint_url=s3_service) for name in ("one", "other"))
    put(one, "a.mp3", b"1")
    assert list(other.keys("")) == []
    assert other.get("a.mp3") is None
    assert list(open_store(f"s3://{s3_bucket}", endpoint_url=s3_service).keys("")) == ["one/a.mp3"]


def test_rooms_of_others_have_keys_that_we_would_not_write(s3_bucket: str, s3_service: str, tmp_path: Path) -> None:
    key = "Räume/am Montag (1)/mix #2?.ogg"
    boto3.client("s3", endpoint_url=s3_service).put_object(Bucket=s3_bucket, Key=key, Body=b"sound")
    store = open_store(f"s3://{s3_bucket}", endpoint_url=s3_service)
    store.download(key, tmp_path / "mix")
    assert (tmp_path / "mix").read_bytes() == b"sound"
    stat = store.stat(key)
    assert stat and (stat.size_bytes, stat.sha256) == (5, "")
