"""The doctor finds what is broken, says how to mend it, and leaves nothing behind."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import pytest

from pipeline.stores import open_store
from workers import doctor
from workers.doctor import Finding, examine
from workers.doctor.findings import timed
from workers.settings import Settings

Say: TypeAlias = Callable[..., Settings]

pytest_plugins = ["fakes_s3"]


@pytest.fixture(autouse=True)
def no_speech(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking for models asks the network; only one test does."""
    monkeypatch.setenv("AIRCHECK_SPEECH__ENGINE", "none")


def found(settings: Settings) -> dict[str, Finding]:
    return {finding.name: finding for finding in examine(settings)}


class Listener(BaseHTTPRequestHandler):
    """Serves a folder store well but for `fault`."""

    folder: ClassVar[Path]
    fault: ClassVar[str] = ""

    def do_GET(self) -> None:
        path = self.folder / self.path.lstrip("/")
        if not path.is_file() or self.fault == "elsewhere":
            self._say(404, b"")
            return
        content = path.read_bytes()
        if "Range" in self.headers and self.fault != "ranges":
            self._say(206, content[:2])
        else:
            self._say(200, content)

    do_HEAD = do_GET  # noqa: N815 - the name http.server calls

    def _say(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if self.fault == "type" else "audio/mpeg")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "max-age=86400" if self.fault == "cache" else "no-store")
        if self.fault != "name":
            self.send_header("Content-Disposition", 'inline; filename="sound.mp3"')
        if self.fault != "cors":
            self.send_header("Access-Control-Allow-Origin", "*")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[tuple[str, type[Listener]]]:
    """The address of a server of the public folder, and its listener to spoil."""
    listener = type("TestListener", (Listener,), {"folder": tmp_path / "aircheck-data" / "public"})
    server = ThreadingHTTPServer(("127.0.0.1", 0), listener)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", listener
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def test_a_good_installation_is_well(serving: tuple[str, Any], settings: Say) -> None:
    url, _listener = serving
    configured = settings(public_url=url)
    findings = found(configured)
    worrying = {name for name, finding in findings.items() if finding.verdict != "ok"}
    assert worrying <= {"speech", "address", "disk", "clock"}
    assert findings["public_url"].said == f"{url} serves the store: length, type, name, caching, ranges, CORS"
    assert findings["ffmpeg"].said.endswith("writes mp3, m4a, opus, flac")
    assert "conditional writes: " in findings["store.url"].said


def test_every_worry_comes_with_what_to_do(settings: Say) -> None:
    for finding in examine(settings()):
        assert (finding.verdict == "ok") == (finding.fix == ""), finding


def test_nothing_is_left_behind(settings: Say) -> None:
    configured = settings()
    examine(configured)
    for url in (configured.store.url, configured.store.private_url):
        assert list(open_store(url).keys("")) == []


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("elsewhere", "HEAD answers 404 for a file that lies in the store"), ("type", "the type is text/plain, not audio/mpeg"),
        ("ranges", "a range is answered with 200, not 206"), ("cors", "no Access-Control-Allow-Origin"),
        ("cache", "it may be cached as 'max-age=86400', not as the store says"), ("name", "it has no name to be saved under"),
    ],
)  # fmt: skip
def test_a_public_address_that_serves_badly_is_found(serving: tuple[str, Any], settings: Say, fault: str, words: str) -> None:
    url, listener = serving
    listener.fault = fault
    finding = found(settings(public_url=url))["public_url"]
    assert finding.verdict == "bad" and words in finding.said


def test_an_address_where_nobody_answers_is_only_a_warning(settings: Say, deaf_address: str) -> None:
    finding = found(settings(public_url=deaf_address))["public_url"]
    assert (finding.verdict, finding.fix) == ("warn", "aircheck up")


@pytest.mark.parametrize(
    ("url", "words"),
    [("http://localhost:1", "this machine only"), ("http://pod.invalid", "is not https"), ("https://pod.invalid", None)],
)
def test_an_address_that_apps_cannot_use_is_told(settings: Say, url: str, words: str | None) -> None:
    finding = found(settings(public_url=url)).get("address")
    assert (finding is None) if words is None else (finding is not None and words in finding.said)


def test_one_place_for_public_and_private_is_bad(settings: Say, tmp_path: Path) -> None:
    url = (tmp_path / "one").as_uri()
    finding = found(settings(store__url=url, store__private_url=url))["store.private_url"]
    assert finding.verdict == "bad" and "could reach what is private" in finding.said


def test_a_missing_bucket_is_bad_and_says_what_to_do(settings: Say, s3_service: str, s3_credentials: None) -> None:
    finding = found(settings(store__url="s3://nobody-made-this", store__endpoint_url=s3_service))["store.url"]
    assert (finding.verdict, finding.fix) == ("bad", "make it, or let store.url name another")


def test_a_bucket_that_works_is_well(settings: Say, s3_service: str, s3_bucket: str) -> None:
    finding = found(settings(store__url=f"s3://{s3_bucket}/pod", store__endpoint_url=s3_service))["store.url"]
    assert finding.verdict == "ok"


def test_a_database_or_redis_that_does_not_answer_is_bad(settings: Say, deaf_address: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    findings = found(settings(redis_url=deaf_address.replace("http", "redis"), database_url=f"sqlite:///{tmp_path}/file/a.db"))
    assert findings["redis"].verdict == "bad" and findings["redis"].fix == "start it, or correct redis_url"
    assert findings["database"].verdict == "bad"


def test_passwords_are_in_no_finding(settings: Say, deaf_address: str) -> None:
    redis_url = deaf_address.replace("http://", "redis://:hush@")
    findings = examine(settings(redis_url=redis_url, hooks__secret="hush-hush", mail__password="hush"))
    assert "hush" not in repr(findings)


def test_a_clock_that_is_off_is_told() -> None:
    assert timed("redis", "answers", time.time() - 3).verdict == "ok"
    assert timed("redis", "answers", time.time() - 8).verdict == "warn"
    off = timed("redis", "answers", time.time() + 90)
    assert off.verdict == "bad" and "90 s from ours" in off.said


def test_a_closed_door_and_missing_folders_are_told(settings: Say, tmp_path: Path) -> None:
    assert found(settings(hooks__roots=str(tmp_path)))["hooks"].fix == "export AIRCHECK_HOOKS__SECRET=…"
    assert found(settings(hooks__roots=f"{tmp_path}/none"))["hooks"].fix == f"mkdir -p {tmp_path}/none"


def test_little_room_is_told_with_figures(settings: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    for free_bytes, verdict in ((4 << 30, "warn"), (100 << 20, "bad")):
        monkeypatch.setattr("shutil.disk_usage", lambda _path, free=free_bytes: type("Usage", (), {"free": free}))
        finding = found(settings())["disk"]
        assert finding.verdict == verdict and "GB free" in finding.said


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_bad(settings: Say, tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    finding = found(settings(data_dir=str(tmp_path / "closed" / "data")))["data_dir"]
    assert finding.verdict == "bad" and finding.fix.startswith("sudo chown")


def test_a_model_that_is_not_there_is_told_without_asking_the_network(settings: Say, tmp_path: Path) -> None:
    finding = found(settings(speech__engine="faster_whisper", speech__model=str(tmp_path), speech__download="false"))["speech"]
    assert finding.verdict == "warn" and finding.fix


def test_a_check_that_fails_by_itself_stops_no_other(settings: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_settings: Settings) -> Iterator[Finding]:
        raise RuntimeError("oh")
        yield

    monkeypatch.setitem(doctor.CHECKS, "python", broken)
    findings = found(settings())
    assert findings["python"].verdict == "bad" and "RuntimeError: oh" in findings["python"].said
    assert findings["fonts"].verdict == "ok"
