"""The road between hosts and services is as bad as it was told to be, and no worse."""

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
import redis
from botocore.config import Config
from fakes_work import until

from bench.trial.proxy import HttpProxy, Proxy
from bench.trial.servers import S3_CREDENTIALS, RedisServer, S3Server
from bench.trial.weather import Weather

BODY = bytes(range(256)) * 100


class Keeper(BaseHTTPRequestHandler):
    """Keeps what it is sent, and gives it back."""

    protocol_version = "HTTP/1.1"
    kept: dict[str, bytes] = {}

    def do_PUT(self) -> None:
        self.kept[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        self._say(b"")

    def do_GET(self) -> None:
        self._say(self.kept[self.path])

    def do_HEAD(self) -> None:
        self.do_GET()

    def _say(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def keeper() -> Iterator[tuple[int, type[Keeper]]]:
    handler = type("OneKeeper", (Keeper,), {"kept": {"/thing": BODY}})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server.server_address[1], handler
        server.shutdown()
        thread.join()


def asked(port: int, method: str = "GET", body: bytes | None = None) -> tuple[int, bytes]:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request(method, "/thing", body)
        answer = connection.getresponse()
        return answer.status, answer.read()


def test_a_fair_road_changes_nothing(keeper: Any) -> None:
    port, handler = keeper
    with HttpProxy(port) as road:
        assert asked(road.port) == (200, BODY)
        assert asked(road.port, "PUT", BODY[::-1]) == (200, b"")
        assert asked(road.port, "HEAD") == (200, b"")
    assert handler.kept["/thing"] == BODY[::-1]
    assert road.counts == {"GET": 1, "PUT": 1, "HEAD": 1, "fair": 3}


def test_errors_come_as_often_as_asked_and_the_same_way_for_the_same_seed(keeper: Any) -> None:
    stories = []
    for _ in range(2):
        with HttpProxy(keeper[0], Weather(errors=0.2), seed=7) as road:
            stories.append([asked(road.port)[0] for _ in range(60)])
    assert stories[0] == stories[1]
    assert 5 <= sum(status >= 500 for status in stories[0]) <= 20
    assert {200, 500, 503} == set(stories[0])


def test_an_answer_cut_off_ends_early(keeper: Any) -> None:
    with HttpProxy(keeper[0], Weather(cut_down=1.0, cut_after_bytes=1000)) as road:
        with pytest.raises(http.client.IncompleteRead) as cut:
            asked(road.port)
        assert cut.value.partial == BODY[:1000]


def test_a_body_cut_off_on_its_way_up_never_arrives(keeper: Any) -> None:
    port, handler = keeper
    with HttpProxy(port, Weather(cut_up=1.0)) as road, pytest.raises((OSError, http.client.HTTPException)):
        asked(road.port, "PUT", BODY[::-1] * 100)
    assert handler.kept["/thing"] != BODY[::-1] * 100


@pytest.mark.parametrize("way", ["up", "down"])
def test_wrong_bytes_are_as_many_as_right_ones(keeper: Any, way: str) -> None:
    port, handler = keeper
    with HttpProxy(port, Weather(**{f"wrong_{way}": 1.0})) as road:
        asked(road.port, "PUT", BODY)
        _, got = asked(road.port)
    spoilt = handler.kept["/thing"] if way == "up" else got
    assert len(spoilt) == len(BODY)
    assert sum(a != b for a, b in zip(spoilt, BODY, strict=True)) == 1


def test_late_and_slow(keeper: Any) -> None:
    with HttpProxy(keeper[0], Weather(latency_s=0.3, bytes_a_second=len(BODY) * 2)) as road:
        began = time.monotonic()
        assert asked(road.port) == (200, BODY)
        assert time.monotonic() - began > 0.7


def test_refused_is_closed_without_a_word(keeper: Any) -> None:
    with HttpProxy(keeper[0], Weather(refused=1.0)) as road, pytest.raises((OSError, http.client.HTTPException)):
        asked(road.port)


def test_behind_a_partition_nothing_is_heard_until_it_is_healed(redis_server: RedisServer) -> None:
    with Proxy(redis_server.port) as road, contextlib.closing(redis.Redis(port=road.port, socket_timeout=0.5)) as client:
        assert client.set("bell", "rung")
        road.partition()
        with pytest.raises(redis.TimeoutError):
            client.get("bell")
        road.heal()
        until(lambda: _heard(client))


def _heard(client: "redis.Redis") -> bool:
    with contextlib.suppress(redis.RedisError):
        return client.get("bell") == b"rung"
    return False


def test_a_plain_connection_is_cut_after_so_many_bytes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        rough = Weather(cut_down=1.0, cut_after_bytes=10)
        with (
            Proxy(server.getsockname()[1], rough) as road,
            socket.create_connection(("127.0.0.1", road.port), timeout=20) as client,
            server.accept()[0] as far,
        ):
            far.sendall(b"0123456789abcdef")
            assert all_of(client) == b"0123456789"


def all_of(client: socket.socket) -> bytes:
    """Everything until its end, however that comes."""
    got = b""
    with contextlib.suppress(ConnectionResetError):
        while data := client.recv(100):
            got += data
    return got


def test_s3_goes_through_it_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in S3_CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    big = tmp_path / "big"
    big.write_bytes(BODY * 1000)
    with S3Server() as service, HttpProxy(service.port) as road:
        service.make_bucket("rooms")
        client = boto3.session.Session().client(
            "s3", endpoint_url=f"http://127.0.0.1:{road.port}", config=Config(s3={"addressing_style": "path"})
        )
        with contextlib.closing(client):
            client.upload_file(str(big), "rooms", "big")
            client.put_object(Bucket="rooms", Key="small", Body=b"small")
            assert client.get_object(Bucket="rooms", Key="big")["Body"].read() == BODY * 1000
            assert client.get_object(Bucket="rooms", Key="small")["Body"].read() == b"small"
        assert road.counts["POST"] == 2  # a multipart upload begun and completed
