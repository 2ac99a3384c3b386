"""A manifest to change, and a web server on loopback whose certificate is believed for the length of a test."""

import copy
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any, ClassVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from workers.settings import Settings, load

MANIFEST: dict[str, Any] = {
    "schema": "room-recording/1", "recording_id": "EG_abc", "complete": True,
    "source": {"engine": "livekit", "version": "1", "session_id": ""},
    "room": {
        "sid": "RM_xyz", "name": "tuesday-room", "title": "Why we record", "description": "One.\n\nTwo.", "language": "en",
        "started_at": "2026-11-20T07:36:57.000Z", "ended_at": "2026-11-20T07:38:25.000Z", "show": "tuesday", "access": "public",
        "price": None, "explicit": False, "distribution": "auto", "exclusive_until": None, "retention_days": None,
    },
    "consent": {"notice_shown": True, "policy": "speakers"},
    "participants": [
        {"identity": "alice", "name": "Alice", "role": "host", "recording_consent": True, "url": "https://example.org/alice"},
        {"identity": "bob", "name": "Bob", "role": "speaker", "joined_at": 4.2, "left_at": 12.1, "recording_consent": None},
        {"identity": "eve", "name": "Eve Listening", "role": "listener", "joined_at": 1.0},
    ],
    "files": [
        {"path": "tracks/1-alice.ogg", "kind": "track", "participant": "alice", "start_offset": 0.1, "duration": 88.0, "part": 1},
        {"path": "tracks/2-bob.ogg", "kind": "track", "participant": "bob", "start_offset": 4.26, "size": 135815},
    ],
    "events": [
        {"t": 29.8, "type": "topic_pinned", "title": "Why record?", "url": "https://example.org/why", "participant": "alice"},
    ],
    "stats": {"peak_listeners": 14},
}  # fmt: skip


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
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    hosts = [x509.DNSName("localhost"), x509.DNSName("files.example"), x509.IPAddress(ip_address("127.0.0.1"))]
    start, end = (datetime.now(UTC) + timedelta(days=days) for days in (-1, 1))
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(key, hashes.SHA256())
    )  # fmt: skip
    path = tmp_path_factory.mktemp("tls") / "loopback.pem"
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return path


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
