"""An S3 service on loopback, started once and ended by its process id; a bucket for each test. Ask for it with `pytest_plugins`."""

import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

# No proxy, also where the environment names one: everything here is on loopback.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Whether anybody answers at that port of this machine."""
    with socket.socket() as knock:
        return knock.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def deaf_address() -> str:
    """An address on this machine where nobody listens."""
    return f"http://127.0.0.1:{free_port()}"


def _answers(url: str) -> bool:
    try:
        with _DIRECT.open(f"{url}/moto-api/data.json", timeout=5):
            return True
    except OSError:
        return False


@pytest.fixture(scope="session")
def s3_service() -> Iterator[str]:
    """The address of a service that speaks S3."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    try:
        ends_at = time.monotonic() + 60
        while not _answers(url):
            assert server.poll() is None and time.monotonic() < ends_at, "the S3 service did not start"
            time.sleep(0.2)
        yield url
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture
def s3_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """What boto3 looks for, and nothing of this machine."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def s3_bucket(s3_service: str, s3_credentials: None) -> str:
    """The name of a bucket of this test alone."""
    bucket = f"rooms-{uuid.uuid4().hex[:12]}"
    with _DIRECT.open(urllib.request.Request(f"{s3_service}/{bucket}", method="PUT"), timeout=30):
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
            with _DIRECT.open(request, timeout=30) as answer:
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
