"""What every store on the shelf promises, tried on each of them."""

import hashlib
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline import shelf
from pipeline.errors import Broken, Hindered, Refused
from pipeline.stores import Overtaken, Stat, Store, mime_type_of, open_store

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


NAMED = "inline; filename=\"Cafe - Uber.mp3\"; filename*=UTF-8''Caf%C3%A9%20-%20%C3%9Cber.mp3"


def test_what_listeners_save_it_as_is_kept_with_the_object(store: Store, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * (17 << 20))
    for content in (b"sound", tmp_path / "large"):
        stat = store.put("e.mp3", content, mime_type="audio/mpeg", cache_control=CACHE, filename="Café - Über.mp3")
        assert stat.disposition == NAMED
        assert store.stat("e.mp3") == stat
    assert store.put("e.mp3", b"sound", mime_type="audio/mpeg", cache_control=CACHE).disposition == ""


def test_a_part_is_read_alone(store: Store) -> None:
    put(store, "e.mp3", b"0123456789")
    put(store, "empty", b"")
    stat = store.stat("e.mp3")
    assert stat
    asked = [(0, 3), (9, 1), (7, 100), (10, 5), (1000, 1)]
    assert [store.read("e.mp3", *part, etag=stat.etag) for part in asked] == [b"012", b"9", b"789", b"", b""]
    assert store.read("empty", 0, 10) == b""
    assert store.read("none.mp3", 0, 10) is None


def test_parts_are_of_one_version(store: Store) -> None:
    put(store, "e.mp3", b"old" * 100)
    stat = store.stat("e.mp3")
    put(store, "e.mp3", b"new" * 100)
    assert stat
    with pytest.raises(Overtaken, match="was replaced"):
        store.read("e.mp3", 0, 3, etag=stat.etag)


def put_if(store: Store, content: bytes, etag: str) -> Stat:
    return store.put("feed.xml", content, mime_type="text/xml", cache_control=CACHE, if_match=etag)


def test_who_was_overtaken_changes_nothing(store: Store) -> None:
    if not store.conditional:
        pytest.skip("this store promises nothing of that kind")
    first = put_if(store, b"first", "")
    second = put_if(store, b"second", first.etag)
    for etag in (first.etag, "", '"0123456789abcdef"'):
        with pytest.raises(Overtaken, match="somebody else"):
            put_if(store, b"third", etag)
        assert store.stat("feed.xml") == second
    store.delete("feed.xml")
    with pytest.raises(Overtaken):
        put_if(store, b"third", second.etag)


def test_who_comes_late_with_the_same_bytes_was_not_overtaken(store: Store) -> None:
    put_if(store, b"the same", "")
    assert put_if(store, b"the same", "").sha256 == put_if(store, b"the same", '"0123456789abcdef"').sha256


def test_of_many_who_write_at_once_every_one_stands_whole_or_is_told(store: Store) -> None:
    """One wins where the store is conditional; elsewhere the last one does, and those before it may not notice."""
    before = put_if(store, b"before", "")
    contents = [bytes([65 + n]) * 5000 for n in range(8)]

    def write(content: bytes) -> bool:
        try:
            return put_if(store, content, before.etag).sha256 == hashlib.sha256(content).hexdigest()
        except (Overtaken, Hindered):  # a service that is out of breath says so in time
            return False

    with ThreadPoolExecutor(8) as hands:
        stands = list(hands.map(write, contents))
    winners = [content for content, is_there in zip(contents, stands, strict=True) if is_there]
    assert winners
    assert store.get("feed.xml") in (winners if store.conditional else contents)
    assert len(winners) == 1 or not store.conditional


def test_trying_out_what_a_store_can_do_leaves_nothing(store: Store) -> None:
    abilities = store.probe()
    assert store.conditional == (abilities.conditional != "none")
    assert abilities.ranges
    assert list(store.keys("")) == []


def test_tidying_harms_nothing_that_stands(store: Store) -> None:
    put(store, "show/a.txt", b"a")
    assert store.tidy(0.0) == 0
    assert store.get("show/a.txt") == b"a"


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


def test_more_keys_than_a_listing_holds_all_come(store: Store) -> None:
    keys = [f"show/{n:02}.txt" for n in range(45)]
    with ThreadPoolExecutor(4) as hands:
        list(hands.map(lambda key: put(store, key, b"x"), keys))
    assert list(store.keys("show/")) == keys


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
