"""What every store on the shelf promises, tried on each of them."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline import shelf
from pipeline.errors import Broken, Refused
from pipeline.stores import Store, mime_type_of, open_store

pytest_plugins = ["fakes_s3", "fakes_swift"]

CACHE = "public, max-age=60"


def _folder(request: pytest.FixtureRequest) -> Store:
    tmp_path: Path = request.getfixturevalue("tmp_path")
    return open_store((tmp_path / "a store").as_uri())


def _s3(request: pytest.FixtureRequest) -> Store:
    bucket = request.getfixturevalue("s3_bucket")
    return open_store(f"s3://{bucket}/a/prefix", endpoint_url=request.getfixturevalue("s3_service"))


def _swift(request: pytest.FixtureRequest) -> Store:
    bucket = request.getfixturevalue("swift_bucket")
    return open_store(f"s3://{bucket}/a/prefix", endpoint_url=request.getfixturevalue("swift").url)


OPENERS: dict[str, Callable[[pytest.FixtureRequest], Store]] = {"folder": _folder, "s3": _s3, "swift": _swift}


@pytest.fixture(params=[*shelf.names("pipeline.stores"), "swift"])
def store(request: pytest.FixtureRequest) -> Store:
    return OPENERS[request.param](request)


def put(store: Store, key: str, content: bytes | Path) -> None:
    store.put(key, content, mime_type=mime_type_of(key), cache_control=CACHE)


def test_what_is_put_is_got_again(store: Store) -> None:
    put(store, "show/ep/chapters.json", b'{"version": "1.2.0"}')
    assert store.get("show/ep/chapters.json") == b'{"version": "1.2.0"}'


def test_an_empty_object_is_an_object(store: Store) -> None:
    put(store, "show/empty.txt", b"")
    assert store.get("show/empty.txt") == b""
    stat = store.stat("show/empty.txt")
    assert stat and stat.size_bytes == 0


def test_a_file_of_many_parts_arrives_byte_for_byte(store: Store, tmp_path: Path) -> None:
    source, back = tmp_path / "source.bin", tmp_path / "back.bin"
    content = random.Random(7).randbytes((20 << 20) + 7)
    source.write_bytes(content)
    put(store, "show/ep/episode.mp3", source)
    store.download("show/ep/episode.mp3", back)
    assert back.read_bytes() == content
    assert source.read_bytes() == content


def test_what_is_known_of_an_object_is_exact(store: Store) -> None:
    stat = store.put("show/ep/chapters.json", b"{}", mime_type="application/json+chapters", cache_control=CACHE)
    assert stat == store.stat("show/ep/chapters.json")
    assert (stat.key, stat.size_bytes, stat.mime_type) == ("show/ep/chapters.json", 2, "application/json+chapters")
    assert stat.sha256 == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert stat.cache_control == CACHE
    assert stat.etag.startswith('"') and stat.etag.endswith('"')
    assert abs(stat.modified_at - datetime.now(UTC)) < timedelta(minutes=1)


def test_the_etag_follows_the_content(store: Store) -> None:
    etags = []
    for content in (b"one", b"two", b"one"):
        put(store, "show/feed.xml", content)
        stat = store.stat("show/feed.xml")
        assert stat
        etags.append(stat.etag)
    assert etags[0] == etags[2] != etags[1]


def test_what_is_not_there_is_none(store: Store, tmp_path: Path) -> None:
    assert store.get("show/nothing.txt") is None
    assert store.stat("show/nothing.txt") is None
    store.delete("show/nothing.txt")
    with pytest.raises(Broken, match="not there") as missing:
        store.download("show/nothing.txt", tmp_path / "back")
    assert missing.value.code == "missing"
    assert list(tmp_path.glob("*back*")) == []


def test_a_deleted_object_is_gone(store: Store) -> None:
    put(store, "show/a.txt", b"a")
    store.delete("show/a.txt")
    assert store.get("show/a.txt") is None
    assert store.stat("show/a.txt") is None
    assert list(store.keys("")) == []


def test_keys_come_in_order_and_by_prefix(store: Store) -> None:
    keys = ["a-b/x.txt", "a/y.txt", "a/z/w.txt", "ab.txt", "b.txt"]
    for key in reversed(keys):
        put(store, key, b"x")
    assert list(store.keys("")) == sorted(keys)
    assert list(store.keys("a/")) == ["a/y.txt", "a/z/w.txt"]
    assert list(store.keys("a")) == ["a-b/x.txt", "a/y.txt", "a/z/w.txt", "ab.txt"]
    assert list(store.keys("a/z/w")) == ["a/z/w.txt"]
    assert list(store.keys("c/")) == []


BAD_KEYS = [
    "", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", ".hidden", "a/.hidden", ".aircheck/parts/x", "a\\b", "a\0b",
    "a\nb", "é", "a b", "%2e%2e/a", "a?b", "a" * 201, "a/" * 500 + "a", "C:a", "~a",
]  # fmt: skip


def test_keys_that_lead_elsewhere_are_refused_and_are_never_there(store: Store) -> None:
    for key in BAD_KEYS:
        with pytest.raises(Refused, match="cannot be a key"):
            put(store, key, b"x")
        with pytest.raises(Refused, match="cannot be a key"):
            store.delete(key)
        assert store.get(key) is None, key
        assert store.stat(key) is None, key
    assert list(store.keys("")) == []


def test_nothing_of_the_store_itself_is_among_its_keys(store: Store) -> None:
    put(store, "show/a.txt", b"a")
    assert store.stat("show/a.txt")
    assert list(store.keys("")) == ["show/a.txt"]
