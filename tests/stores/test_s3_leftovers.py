"""Uploads that end before they are complete, and what a service can do being tried out: nothing of either is left behind."""

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import boto3
import pytest
from fakes_work import until

from pipeline.errors import Hindered
from pipeline.stores import Abilities, Store, open_store

if TYPE_CHECKING:
    from fakes_s3 import Gate

pytest_plugins = ["fakes_s3"]

CENTURY_S = 100 * 365 * 86_400.0
GATE: TypeAlias = "tuple[str, type[Gate]]"


def put(store: Store, key: str, content: bytes | Path) -> None:
    store.put(key, content, mime_type="audio/mpeg", cache_control="")


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large"
    path.write_bytes(bytes(20 << 20))
    return path


@pytest.fixture
def behind(s3_service: str, s3_credentials: None) -> Any:
    """boto3 itself, to look behind the store."""
    return boto3.client("s3", endpoint_url=s3_service)


def unfinished(behind: Any, bucket: str) -> list[str]:
    return [upload["Key"] for upload in behind.list_multipart_uploads(Bucket=bucket).get("Uploads", [])]


def test_an_upload_that_fails_is_ended_at_once(s3_bucket: str, s3_gate: GATE, large: Path, behind: Any) -> None:
    url, gate = s3_gate
    gate.spoil = staticmethod(lambda method, path: 500 if "partNumber=3" in path else None)
    with pytest.raises(Hindered, match="not well"):
        put(open_store(f"s3://{s3_bucket}", endpoint_url=url), "a.mp3", large)
    assert gate.asked.count("DELETE") == 1
    assert unfinished(behind, s3_bucket) == []


def test_an_upload_is_complete_also_when_the_answer_to_that_is_lost(s3_bucket: str, s3_gate: GATE, large: Path) -> None:
    url, gate = s3_gate
    completing: list[bytes] = []

    def lose_the_first(method: str, body: bytes) -> bytes:
        if method != "POST" or b"CompleteMultipartUploadResult" not in body:
            return body
        completing.append(body)
        return b"" if len(completing) == 1 else body

    gate.down = staticmethod(lose_the_first)
    store = open_store(f"s3://{s3_bucket}", endpoint_url=url)
    put(store, "a.mp3", large)
    assert store.get("a.mp3") == large.read_bytes()


def test_uploads_of_killed_writers_are_ended_when_they_are_old_and_below_our_prefix(
    s3_bucket: str, s3_service: str, behind: Any
) -> None:
    for key in ("pod/one.mp3", "pod/two.mp3", "other/three.mp3"):
        behind.create_multipart_upload(Bucket=s3_bucket, Key=key)
    store = open_store(f"s3://{s3_bucket}/pod", endpoint_url=s3_service)
    # moto says of every upload that it was begun in 2010
    assert store.tidy(CENTURY_S) == 0
    assert store.tidy(0.0) == 2
    assert unfinished(behind, s3_bucket) == ["other/three.mp3"]


def test_what_a_killed_probe_left_is_removed(s3_bucket: str, s3_service: str) -> None:
    store = open_store(f"s3://{s3_bucket}/pod", endpoint_url=s3_service)
    put(store, "_probe/0123", b"x")
    put(store, "show/a.mp3", b"x")
    assert store.tidy(3600.0) == 0
    until(lambda: store.tidy(0.0) == 1)
    assert list(store.keys("")) == ["show/a.mp3"]


def test_a_service_that_lists_no_uploads_is_no_failure(s3_bucket: str, s3_gate: GATE) -> None:
    url, gate = s3_gate
    gate.spoil = staticmethod(lambda method, path: 501 if "uploads" in path else None)
    assert open_store(f"s3://{s3_bucket}", endpoint_url=url).tidy(0.0) == 0


# ---- a listing of several pages, by a clock that is not ours


PAGE = """<ListMultipartUploadsResult><Bucket>b</Bucket><IsTruncated>{more}</IsTruncated>
<NextKeyMarker>{key}</NextKeyMarker><NextUploadIdMarker>{key}</NextUploadIdMarker>
<Upload><Key>{key}</Key><UploadId>{key}</UploadId><Initiated>{begun}</Initiated></Upload></ListMultipartUploadsResult>"""
# this service lives in another year
THEIR_NOW = datetime(2019, 5, 4, 12, 0, tzinfo=UTC)


class Pages(BaseHTTPRequestHandler):
    """Lists three uploads, a page each, and notes which are ended."""

    begun: Mapping[str, datetime]
    ended: list[str]

    def do_GET(self) -> None:
        if "uploads" not in self.path:
            self._say(b"<ListBucketResult/>")
            return
        names = list(self.begun)
        after = next((n + 1 for n, name in enumerate(names) if f"key-marker={name}" in self.path), 0)
        key = names[after]
        more = "false" if key == names[-1] else "true"
        self._say(PAGE.format(more=more, key=key, begun=self.begun[key].isoformat()).encode())

    def do_DELETE(self) -> None:
        self.ended.append(self.path.partition("?")[0].rpartition("/")[2])
        self._say(b"")

    def _say(self, body: bytes) -> None:
        self.send_response_only(200)
        for name, value in {"Date": format_datetime(THEIR_NOW, usegmt=True), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_every_page_is_looked_at_and_age_is_told_by_the_clock_of_the_service(s3_credentials: None) -> None:
    begun = {"old": THEIR_NOW - timedelta(days=3), "young": THEIR_NOW - timedelta(hours=1), "older": THEIR_NOW - timedelta(days=9)}
    pages = type("ThreePages", (Pages,), {"begun": begun, "ended": []})
    with listening(pages) as url:
        assert open_store("s3://b", endpoint_url=url).tidy(86_400.0) == 2
    assert pages.ended == ["old", "older"]


# ---- what a service can do


def answers_to_conditions(answer: Callable[[str, str], int | None]) -> Callable[[Any], None]:
    """A gate's PUT where `answer(if_match, if_none_match)` may name a status."""

    def put(self: Any) -> None:
        status = answer(self.headers.get("If-Match", ""), self.headers.get("If-None-Match", ""))
        if status is None:
            for name in ("If-Match", "If-None-Match"):
                del self.headers[name]
            self._pass_on()
            return
        self.rfile.read(int(self.headers["Content-Length"]))
        self._say(status, {}, b"<Error><Code>Refused</Code></Error>")

    return put


NEVER_WRITTEN = hashlib.md5(b"never written").hexdigest()


def as_ceph(if_match: str, if_none_match: str) -> int | None:
    """Wants etags without their quotes."""
    return 412 if if_none_match or if_match.startswith('"') or if_match == NEVER_WRITTEN else None


@pytest.mark.parametrize(
    ("answer", "conditional"),
    [
        (as_ceph, "bare"),
        # takes every condition and heeds none
        (lambda if_match, if_none_match: None, "none"),
        # as Swift: new objects only, and no other condition
        (lambda if_match, if_none_match: 412 if if_none_match else 501 if if_match else None, "none"),
        # refuses whatever has a condition
        (lambda if_match, if_none_match: 412 if if_match or if_none_match else None, "none"),
    ],
)
def test_what_a_service_promises_is_found_out_and_leaves_nothing(
    s3_bucket: str, s3_gate: GATE, answer: Callable[[str, str], int | None], conditional: str
) -> None:
    url, gate = s3_gate
    gate.do_PUT = answers_to_conditions(answer)  # type: ignore[attr-defined]
    store = open_store(f"s3://{s3_bucket}", endpoint_url=url)
    assert store.probe().conditional == conditional
    assert store.conditional == (conditional != "none")
    assert list(store.keys("")) == []


def test_a_service_is_tried_out_once(s3_bucket: str, s3_gate: GATE) -> None:
    url, gate = s3_gate
    store = open_store(f"s3://{s3_bucket}", endpoint_url=url)
    # moto keeps whatever it is sent
    assert store.probe() == Abilities(conditional="quoted", checksums=False, ranges=True)
    asked = len(gate.asked)
    assert store.conditional
    assert len(gate.asked) == asked


def test_a_service_that_is_away_is_tried_out_later(s3_bucket: str, s3_gate: GATE) -> None:
    url, gate = s3_gate
    gate.spoil = staticmethod(lambda method, path: 500)
    store = open_store(f"s3://{s3_bucket}", endpoint_url=url)
    with pytest.raises(Hindered):
        store.probe()
    gate.spoil = staticmethod(lambda method, path: None)
    assert store.conditional
