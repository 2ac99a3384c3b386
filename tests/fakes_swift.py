"""OpenStack Swift with its S3 API: checks signatures and digests, keeps objects on disk, and is not one process. One a session, a
bucket for each test. Ask for it with `pytest_plugins`."""

import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest

from bench.trial.servers import listens

SWIFT_UP = Path(__file__).with_name("swift_up")
PORTS_TAKEN = 4
# below the ports that outgoing connections get; each cluster has four
_PORTS = range(20_000, 32_000, 4)


class Swift:
    """One cluster, which may be killed and started again; its objects stay."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder, self.programs = folder, programs
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pids(self) -> list[int]:
        return [int(pid) for pid in (self.folder / "pids").read_text().split()]

    def client(self) -> Any:
        """boto3 itself, to look behind the store."""
        # a session of its own: the default one keeps the credentials of whoever asked first
        return boto3.session.Session().client("s3", endpoint_url=self.url)

    def uploads_in(self, bucket: str) -> list[Mapping[str, str]]:
        """The uploads that were begun and neither completed nor ended."""
        found: list[Mapping[str, str]] = self.client().list_multipart_uploads(Bucket=bucket).get("Uploads", [])
        return found

    def start(self) -> None:
        """Start it and return when it answers, on the same port again when it had one."""
        # not the generator that every test process seeds alike
        ports = [self.port] if self.port else random.SystemRandom().sample(_PORTS, 20)
        for port in ports:
            up = self._up(port)
            if up.returncode == 0:
                self.port = port
                return
            assert up.returncode == PORTS_TAKEN, up.stderr
        raise AssertionError(f"no free ports among {ports}")

    def _up(self, port: int) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.environ["PATH"], "SWIFT_BIN": str(self.programs)}
        return subprocess.run([SWIFT_UP, self.folder, str(port)], env=environment, capture_output=True, text=True)

    def kill(self) -> None:
        """kill -9 of all four servers; nobody listens any more afterwards."""
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
        ends_at = time.monotonic() + 30
        while any(listens(self.port + n) for n in range(4)):
            assert time.monotonic() < ends_at, "Swift does not end"
            time.sleep(0.02)


def programs() -> Path:
    """Where Swift's programs are."""
    return Path(os.environ.get("SWIFT_BIN") or Path(sys.prefix, "swift", "bin"))


def keeps_attributes(folder: Path) -> bool:
    try:
        os.setxattr(folder, "user.aircheck", b"1")
    except OSError:
        return False
    return True


@pytest.fixture(scope="session")
def swift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swift]:
    if not (programs() / "swift-proxy-server").exists():
        pytest.skip(f"OpenStack Swift is not in {programs()}: make swift")
    folder = tmp_path_factory.mktemp("swift")
    if not keeps_attributes(folder):
        pytest.skip(f"OpenStack Swift needs extended attributes, and {folder} keeps none")
    cluster = Swift(folder, programs())
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.kill()


@pytest.fixture
def swift_credentials(s3_credentials: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test:tester")


@pytest.fixture
def swift_bucket(swift: Swift, swift_credentials: None) -> str:
    """The name of a bucket of this test alone."""
    bucket = f"rooms-{uuid.uuid4().hex[:12]}"
    swift.client().create_bucket(Bucket=bucket)
    return bucket
