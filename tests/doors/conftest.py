"""A manifest to change, and a web server on loopback whose certificate is believed for the length of a test."""

import copy
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from fakes_tls import loopback_certificate
from invented_manifest import MANIFEST

from workers.settings import Settings, load


@pytest.fixture
def manifest() -> dict[str, Any]:
    """A manifest without a fault, to be changed."""
    return copy.deepcopy(MANIFEST)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    """Settings as the environment would say them: `settings(hooks__roots="/srv")`."""
    monkeypatch.chdir(tmp_path)

    def say(**values: str) -> Settings:
        for name, value in values.items():
            monkeypatch.setenv(f"AIRCHECK_{name.upper()}", value)
        return load()

    return say


class WebPage(BaseHTTPRequestHandler):
    """Answers every path as `answer` says: status, headers, body or pieces of one."""

    protocol_version = "HTTP/1.1"
    answer: ClassVar[Callable[["WebPage"], tuple[int, dict[str, str], Any]]]
    asked: ClassVar[list[tuple[str, dict[str, str]]]]

    def do_GET(self) -> None:
        type(self).asked.append((self.path, dict(self.headers)))
        status, headers, body = type(self).answer(self)
        self.send_response(status)
        if isinstance(body, bytes):
            headers = {"Content-Length": str(len(body)), **headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = True
        try:
            for piece in [body] if isinstance(body, bytes) else body:
                self.wfile.write(piece)
        except OSError:
            return

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate, with its key, for localhost, files.example and 127.0.0.1."""
    return loopback_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def web(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, type[WebPage]]]:
    """The port of an https server on loopback, and its page."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    page = type("TestPage", (WebPage,), {"asked": [], "answer": staticmethod(lambda _page: (200, {}, b"sound"))})
    server = ThreadingHTTPServer(("127.0.0.1", 0), page)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_args: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1], page
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    return tmp_path / "scratch"
