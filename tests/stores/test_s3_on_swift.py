"""What only a service can show that checks signatures and digests, keeps objects on disk and is several processes."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import botocore.auth
import pytest
from botocore.exceptions import ClientError
from fakes_work import until

from bench.trial.proxy import HttpProxy
from bench.trial.weather import Weather
from pipeline.errors import Broken, Hindered
from pipeline.stores import Abilities, Store, open_store

if TYPE_CHECKING:
    from fakes_swift import Swift

pytest_plugins = ["fakes_s3", "fakes_swift"]


def put(store: Store, key: str, content: bytes | Path) -> None:
    store.put(key, content, mime_type="audio/mpeg", cache_control="public, max-age=300")


@pytest.fixture
def store(swift: "Swift", swift_bucket: str) -> Store:
    return open_store(f"s3://{swift_bucket}/pod", endpoint_url=swift.url)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large"
    path.write_bytes(os.urandom(20 << 20))
    return path


@contextlib.contextmanager
def behind_a_bad_road(swift: "Swift", bucket: str, weather: Weather, seed: int = 0) -> Iterator[Store]:
    with HttpProxy(swift.port, weather, seed=seed) as proxy:
        yield open_store(f"s3://{bucket}/pod", endpoint_url=f"http://127.0.0.1:{proxy.port}")


def test_what_it_can_do(store: Store) -> None:
    assert store.probe() == Abilities(conditional="none", checksums=True, ranges=True)


def test_it_does_not_know_the_condition_that_a_feed_needs(swift: "Swift", swift_bucket: str) -> None:
    client = swift.client()
    etag = client.put_object(Bucket=swift_bucket, Key="feed.xml", Body=b"one")["ETag"]
    with pytest.raises(ClientError) as refused:
        client.put_object(Bucket=swift_bucket, Key="feed.xml", Body=b"two", IfMatch=etag)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_a_wrong_secret_is_told_with_what_to_look_at(store: Store, swift: "Swift", monkeypatch: pytest.MonkeyPatch) -> None:
    put(store, "a.mp3", b"sound")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    stranger = open_store(f"s3://{store._bucket}/pod", endpoint_url=swift.url)  # type: ignore[attr-defined]
    for ask in (lambda: put(stranger, "a.mp3", b"x"), lambda: stranger.get("a.mp3"), lambda: list(stranger.keys(""))):
        with pytest.raises(Hindered, match="look at AWS_SECRET_ACCESS_KEY and the clock") as told:
            ask()
        assert told.value.code == "store_denied"
    with pytest.raises(Hindered, match="refuses these credentials"):
        stranger.stat("a.mp3")
    assert store.get("a.mp3") == b"sound"


def test_an_unknown_key_is_told(store: Store, swift: "Swift", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody:here")
    with pytest.raises(Hindered, match="AWS_") as told:
        open_store("s3://any-bucket", endpoint_url=swift.url).get("a.mp3")
    assert told.value.code == "store_denied"


def test_a_wrong_clock_is_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    right = botocore.auth.get_current_datetime
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *args: right(*args) - timedelta(hours=1))
    with pytest.raises(Hindered, match="the clock of this machine is wrong") as told:
        store.get("a.mp3")
    assert told.value.code == "clock_wrong"


@pytest.mark.parametrize("parts", [False, True])
def test_a_body_that_was_broken_on_the_way_is_refused_and_what_stood_stands(
    swift: "Swift", swift_bucket: str, store: Store, large: Path, parts: bool
) -> None:
    put(store, "a.mp3", b"old sound")
    with behind_a_bad_road(swift, swift_bucket, Weather(wrong_up=1.0)) as far, pytest.raises(Broken) as differs:
        put(far, "a.mp3", large if parts else b"new sound")
    assert not isinstance(differs.value, Hindered)
    assert store.get("a.mp3") == b"old sound"
    assert swift.uploads_in(swift_bucket) == []


def test_bodies_that_are_broken_now_and_then_arrive_all_the_same(
    swift: "Swift", swift_bucket: str, store: Store, large: Path, tmp_path: Path
) -> None:
    with behind_a_bad_road(swift, swift_bucket, Weather(wrong_up=0.25, wrong_down=0.25), seed=3) as far:
        put(far, "a.mp3", large)
        far.download("a.mp3", tmp_path / "back")
    assert store.get("a.mp3") == (tmp_path / "back").read_bytes() == large.read_bytes()


WRITER = """
import sys, pathlib
from pipeline.stores import open_store
open_store(sys.argv[1], endpoint_url=sys.argv[2]).put("a.mp3", pathlib.Path(sys.argv[3]), mime_type="audio/mpeg", cache_control="")
"""


def test_the_upload_of_a_killed_writer_is_found_and_ended(swift: "Swift", swift_bucket: str, store: Store, large: Path) -> None:
    put(store, "a.mp3", b"old sound")
    # slow enough that it is still under way for half a minute
    with HttpProxy(swift.port, Weather(bytes_a_second=200_000)) as proxy:
        address = f"http://127.0.0.1:{proxy.port}"
        writer = subprocess.Popen([sys.executable, "-c", WRITER, f"s3://{swift_bucket}/pod", address, str(large)])
        until(lambda: bool(swift.uploads_in(swift_bucket)), 60)
        writer.send_signal(signal.SIGKILL)
        assert writer.wait(20) == -signal.SIGKILL
    assert store.get("a.mp3") == b"old sound"
    assert len(swift.uploads_in(swift_bucket)) == 1
    assert store.tidy(3600.0) == 0
    # its listing rounds times up, its clock rounds down
    until(lambda: store.tidy(0.0) == 1)
    assert swift.uploads_in(swift_bucket) == []
    assert store.tidy(0.0) == 0


def test_a_service_that_is_killed_is_waited_for_and_has_lost_nothing(swift: "Swift", store: Store, large: Path) -> None:
    put(store, "a.mp3", large)
    stat = store.stat("a.mp3")
    swift.kill()
    try:
        for ask in (lambda: store.get("a.mp3"), lambda: put(store, "a.mp3", b"x"), lambda: store.stat("a.mp3")):
            began_s = time.monotonic()
            with pytest.raises(Hindered, match="does not answer"):
                ask()
            assert time.monotonic() - began_s < 60
    finally:
        swift.start()
    assert store.stat("a.mp3") == stat
    assert store.get("a.mp3") == large.read_bytes()
