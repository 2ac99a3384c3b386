"""Files come over https from allowed hosts, and from nowhere else."""

import gzip
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from rooms_to_fetch import Say, left_in, mix, recording

from pipeline.errors import AircheckError, Broken, Refused
from pipeline.models import SourceFile
from workers.fetch import fetch, is_public
from workers.settings import Settings

if TYPE_CHECKING:
    from conftest import WebPage

Web: TypeAlias = "tuple[int, type[WebPage]]"


def allowed(settings: Say, port: int, host: str = "127.0.0.1", **more: str) -> Settings:
    return settings(hooks__allowed_hosts=f"{host}:{port}=private", **more)


def test_a_file_comes_from_an_allowed_host(web: Web, scratch: Path, settings: Say) -> None:
    port, page = web
    (got,) = fetch(mix("a b.ogg"), f"https://127.0.0.1:{port}/rec", scratch=scratch, settings=allowed(settings, port))
    assert got.file.path.read_bytes() == b"sound"
    path, headers = page.asked[0]
    assert path == "/rec/a%20b.ogg"
    assert headers["Accept-Encoding"] == "identity" and headers["Host"] == f"127.0.0.1:{port}"


def test_what_was_fetched_whole_is_not_asked_for_again(web: Web, scratch: Path, settings: Say) -> None:
    port, page = web
    for _ in range(2):
        fetch(mix("a.ogg"), f"https://127.0.0.1:{port}", scratch=scratch, settings=allowed(settings, port))
    assert len(page.asked) == 1


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """What the names of hosts lead to, one answer after another; every question is counted by what is left."""
    known: dict[str, list[list[str]]] = {}
    real = socket.getaddrinfo

    def look_up(host: Any, port: Any, *args: Any, **more: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name not in known:
            return real(host, port, *args, **more)
        return [(socket.AF_INET6 if ":" in a else socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in known[name].pop(0)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


def test_a_name_is_looked_up_once_and_keeps_its_certificate(
    web: Web, scratch: Path, settings: Say, names: dict[str, list[list[str]]]
) -> None:
    port, page = web
    names["files.example"] = [["127.0.0.1"]]
    configured = allowed(settings, port, "files.example")
    fetch(mix("a.ogg"), f"https://files.example:{port}", scratch=scratch, settings=configured)
    assert page.asked[0][1]["Host"] == f"files.example:{port}"
    assert names["files.example"] == []


def test_a_host_with_another_name_in_its_certificate_is_not_believed(
    web: Web, scratch: Path, settings: Say, names: dict[str, list[list[str]]]
) -> None:
    port, page = web
    names["other.example"] = [["127.0.0.1"]]
    with pytest.raises(Broken, match="certificate"):
        fetch(mix("a"), f"https://other.example:{port}", scratch=scratch, settings=allowed(settings, port, "other.example"))
    assert page.asked == []


@pytest.mark.parametrize(
    "answers",
    [
        ["127.0.0.1"],
        ["93.184.216.34", "10.0.0.7"],
        ["169.254.169.254"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["93.184.216.34", "fd00::1"],
    ],
)
def test_a_name_that_leads_inside_is_refused(
    web: Web, scratch: Path, settings: Say, names: dict[str, list[list[str]]], answers: list[str]
) -> None:
    port, page = web
    names["files.example"] = [answers]
    with pytest.raises(Refused, match="inside a private network"):
        fetch(
            mix("a"),
            f"https://files.example:{port}",
            scratch=scratch,
            settings=settings(hooks__allowed_hosts=f"files.example:{port}"),
        )
    assert page.asked == []


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:6379/", "ftp://files.example/a", "https://169.254.169.254/latest/meta-data", "https://[::ffff:127.0.0.1]/",
        "https://0x7f.1/", "https://2130706433/", "https://localhost./", "https://localhost/", "https://[::1]/", "gopher://x/",
        "https://files.example@127.0.0.1/", "https://127.0.0.1#files.example/", "https://127.0.0.1?.files.example", "HTTP://x/",
    ],
)  # fmt: skip
def test_nothing_is_opened_that_is_not_allowed_by_name(
    scratch: Path, settings: Say, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    def opened(*_args: object, **_more: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket, "create_connection", opened)
    monkeypatch.setattr(socket, "getaddrinfo", opened)
    with pytest.raises(Refused, match="may not be read"):
        fetch(mix(address), "", scratch=scratch, settings=settings(hooks__allowed_hosts="files.example"))


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True), ("2606:2800:220:1::1", True), ("10.1.2.3", False), ("100.64.0.1", False), ("127.0.0.1", False),
        ("0.0.0.0", False), ("169.254.169.254", False), ("192.168.1.1", False), ("224.0.0.1", False), ("255.255.255.255", False),
        ("::", False), ("::1", False), ("fe80::1%eth0", False), ("fc00::1", False), ("ff02::1", False), ("::ffff:10.0.0.1", False),
        ("::ffff:93.184.216.34", True), ("2002:7f00:1::", False), ("64:ff9b::7f00:1", False), ("64:ff9b::a00:1", False),
    ],
)  # fmt: skip
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


def redirecting(*targets: str) -> Callable[["WebPage"], tuple[int, dict[str, str], bytes]]:
    steps = iter(targets)

    def answer(_page: "WebPage") -> tuple[int, dict[str, str], bytes]:
        target = next(steps, None)
        return (302, {"Location": target}, b"") if target else (200, {}, b"sound")

    return answer


def test_a_redirect_to_an_allowed_place_is_followed(web: Web, scratch: Path, settings: Say) -> None:
    port, page = web
    page.answer = staticmethod(redirecting("/b", f"https://127.0.0.1:{port}/c", "d?sig=1"))
    (got,) = fetch(mix("a"), f"https://127.0.0.1:{port}", scratch=scratch, settings=allowed(settings, port))
    assert got.file.path.read_bytes() == b"sound"
    assert [path for path, _ in page.asked] == ["/a", "/b", "/c", "/d?sig=1"]


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:{port}/x",
        "https://localhost:{port}/x",
        "file:///etc/passwd",
        "//169.254.169.254/",
        "https://[::1]:{port}/",
    ],
)
def test_a_redirect_elsewhere_is_refused(web: Web, scratch: Path, settings: Say, target: str) -> None:
    port, page = web
    page.answer = staticmethod(redirecting(target.format(port=port)))
    with pytest.raises(Refused, match="may not be read"):
        fetch(mix("a"), f"https://127.0.0.1:{port}", scratch=scratch, settings=allowed(settings, port))
    assert len(page.asked) == 1
    assert left_in(scratch) == []


def test_a_chain_of_redirects_ends(web: Web, scratch: Path, settings: Say) -> None:
    port, page = web
    page.answer = staticmethod(redirecting(*[f"/{n}" for n in range(50)]))
    with pytest.raises(Refused, match="more than 3 redirects"):
        fetch(mix("a"), f"https://127.0.0.1:{port}", scratch=scratch, settings=allowed(settings, port))
    assert len(page.asked) == 4


def endless() -> Iterator[bytes]:
    while True:
        yield b"x" * 65536


def dripping() -> Iterator[bytes]:
    for _ in range(400):
        time.sleep(0.05)
        yield b"x"


BAD_ANSWERS: dict[str, tuple[int, dict[str, str], Any, type[AircheckError], str]] = {
    "an endless body": (200, {"Connection": "close"}, endless, Refused, "more than the 100,000 bytes"),
    "a body too long": (200, {}, b"x" * 100_001, Refused, "more than the 100,000 bytes"),
    "a length that lies high": (200, {"Content-Length": "5000"}, b"x" * 100, Broken, "cannot be fetched"),
    "a body that drips": (200, {"Connection": "close"}, dripping, Broken, r"takes longer than it may"),
    "a compressed bomb": (200, {"Content-Encoding": "gzip"}, gzip.compress(b"0" * 10_000_000), Refused, "is sent in gzip"),
    "not found": (404, {}, b"", Broken, "answers 404; it is asked again"),
    "an error of the server": (503, {}, b"", Broken, "answers 503"),
    "forbidden": (403, {}, b"", Refused, "answers 403"),
    "a redirect without a place": (302, {}, b"", Refused, "answers 302"),
    "a part": (206, {}, b"x", Refused, "answers 206"),
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_an_answer_that_is_no_file_leaves_nothing(web: Web, scratch: Path, settings: Say, name: str) -> None:
    port, page = web
    status, headers, body, kind, words = BAD_ANSWERS[name]
    page.answer = staticmethod(lambda _page: (status, headers, body() if callable(body) else body))
    limited = allowed(settings, port, limits__fetch_bytes="100000", limits__fetch_s="1")
    with pytest.raises(kind, match=words) as told:
        fetch(mix(f"https://127.0.0.1:{port}/a?X-Amz-Signature=hush"), "", scratch=scratch, settings=limited)
    assert page.asked[0][0] == "/a?X-Amz-Signature=hush"
    assert "hush" not in str(told.value)
    assert left_in(scratch) == []


def test_the_limit_is_for_the_whole_room(web: Web, scratch: Path, settings: Say) -> None:
    port, page = web
    page.answer = staticmethod(lambda _page: (200, {}, b"x" * 60))
    limited = allowed(settings, port, limits__fetch_bytes="100")
    with pytest.raises(Refused, match="more than the 40 bytes"):
        fetch(recording(*[SourceFile(path="a")] * 2), f"https://127.0.0.1:{port}", scratch=scratch, settings=limited)


def test_a_host_that_cannot_be_found_may_be_found_later(scratch: Path, settings: Say) -> None:
    with pytest.raises(Broken, match="has no address"):
        fetch(mix("a"), "https://nobody.invalid", scratch=scratch, settings=settings(hooks__allowed_hosts="nobody.invalid"))
