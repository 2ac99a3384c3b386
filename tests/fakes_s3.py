"""An S3 service on loopback, started once and ended by its process id; a bucket for each test. Ask for it with `pytest_plugins`."""

import os
import threading
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from bench.trial.servers import DIRECT, S3_CREDENTIALS, S3Server, free_port


@pytest.fixture
def deaf_address() -> str:
    """An address on this machine where nobody listens."""
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture(scope="session")
def s3_service() -> Iterator[str]:
    """The address of a service that speaks S3."""
    with S3Server() as server:
        yield server.url


@pytest.fixture
def s3_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """What boto3 looks for, and nothing of this machine."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, value in S3_CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def s3_bucket(s3_service: str, s3_credentials: None) -> str:
    """The name of a bucket of this test alone."""
    bucket = f"rooms-{uuid.uuid4().hex[:12]}"
    with DIRECT.open(urllib.request.Request(f"{s3_service}/{bucket}", method="PUT"), timeout=30):
        return bucket


class Gate(BaseHTTPRequestHandler):
    """Hands requests on to the service behind it; `spoil(method, path)` may name a status to answer instead.

    `up` and `down` may change the bodies on their way; one that comes out shorter was cut off.
    """

    protocol_version = "HTTP/1.1"
    behind: ClassVar[str] = ""
    spoil: ClassVar[Callable[[str, str], int | None]] = staticmethod(lambda _method, _path: None)
    up: ClassVar[Callable[[str, bytes], bytes]] = staticmethod(lambda _method, body: body)
    down: ClassVar[Callable[[str, bytes], bytes]] = staticmethod(lambda _method, body: body)
    asked: ClassVar[list[str]] = []

    def _pass_on(self) -> None:
        body = type(self).up(self.command, self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        type(self).asked.append(self.command)
        status = type(self).spoil(self.command, self.path)
        if status:
            self._say(status, {}, b"<Error><Code>InternalError</Code></Error>")
            return
        # without a type urllib would call it a form
        headers = {"Content-Type": "application/octet-stream", **self.headers}
        request = urllib.request.Request(f"{self.behind}{self.path}", data=body or None, method=self.command, headers=headers)
        try:
            with DIRECT.open(request, timeout=30) as answer:
                self._say(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as answer:
            with answer:
                self._say(answer.code, dict(answer.headers), answer.read())

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _pass_on  # noqa: N815 - the names http.server calls

    def _say(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        length = headers.pop("Content-Length", None) if self.command == "HEAD" else None
        for name, value in headers.items():
            if name.lower() not in {"content-length", "transfer-encoding", "connection", "server", "date"}:
                self.send_header(name, value)
        self.send_header("Content-Length", length or str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            arriving = type(self).down(self.command, body)
            self.wfile.write(arriving)
            self.close_connection = len(arriving) < len(body)

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def s3_gate(s3_service: str) -> Iterator[tuple[str, type[Gate]]]:
    """The address of a gate before the service, and the gate to spoil requests with."""
    gate = type("TestGate", (Gate,), {"behind": s3_service, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), gate)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", gate
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
