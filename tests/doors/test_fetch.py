"""Files come onto this machine, whole and unchanged, and from nowhere else than allowed."""

import gzip
import os
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from pipeline.errors import AircheckError, Broken, Hindered, Refused
from pipeline.models import MadeFile, Recording, SourceFile
from pipeline.stores import open_store
from workers.fetch import fetch, is_public
from workers.settings import Settings

if TYPE_CHECKING:
    from conftest import WebPage

pytest_plugins = ["fakes_s3"]

Say: TypeAlias = Callable[..., Settings]
Web: TypeAlias = "tuple[int, type[WebPage]]"


def recording(*files: SourceFile) -> Recording:
    started_at = datetime(2026, 11, 20, tzinfo=UTC)
    return Recording(recording_id="r", engine="file", session_id="s", name="room", started_at=started_at, files=files)


def mix(path: str, **more: Any) -> Recording:
    return recording(SourceFile(path=path, **more))


@pytest.fixture
def room(tmp_path: Path) -> Path:
    folder = tmp_path / "room one"
    folder.mkdir()
    return folder


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    return tmp_path / "scratch"


def left_in(scratch: Path) -> list[str]:
    return sorted(path.name for path in scratch.rglob("*") if path.is_file())


# ---- from this machine


def test_files_come_in_their_order_with_their_sha256(room: Path, scratch: Path, settings: Say) -> None:
    (room / "tracks").mkdir()
    files = []
    for name in ("b.ogg", "tracks/a.ogg"):
        (room / name).write_bytes(name.encode())
        files.append(SourceFile(path=name, kind="track", participant=name))
    shares: list[float] = []
    got = fetch(recording(*files), room.as_uri(), scratch=scratch, settings=settings(), report=shares.append)
    assert [f.source.path for f in got] == ["b.ogg", "tracks/a.ogg"]
    assert [f.file.sha256 for f in got] == [MadeFile.of(room / name).sha256 for name in ("b.ogg", "tracks/a.ogg")]
    assert [f.file.path.name for f in got] == ["000", "001"]
    assert shares == [0.5, 1.0]


def test_the_source_is_linked_never_changed(room: Path, scratch: Path, settings: Say) -> None:
    source = room / "mix.wav"
    source.write_bytes(b"sound")
    source.chmod(0o440)
    before = source.stat()
    (got,) = fetch(mix("mix.wav"), room.as_uri(), scratch=scratch, settings=settings())
    assert got.file.path.samefile(source)
    got.file.path.unlink()
    after = source.stat()
    assert source.read_bytes() == b"sound"
    assert (after.st_mtime_ns, after.st_mode, after.st_ino) == (before.st_mtime_ns, before.st_mode, before.st_ino)


def test_where_no_link_can_be_made_it_is_copied(room: Path, scratch: Path, settings: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    def other_disk(*_args: object, **_more: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", other_disk)
    (room / "mix.wav").write_bytes(b"sound")
    (got,) = fetch(mix("mix.wav"), room.as_uri(), scratch=scratch, settings=settings())
    assert got.file.path.read_bytes() == b"sound" and not got.file.path.samefile(room / "mix.wav")


def test_fetching_again_gives_the_same(room: Path, scratch: Path, settings: Say) -> None:
    (room / "mix.wav").write_bytes(b"sound")
    one, other = (fetch(mix("mix.wav"), room.as_uri(), scratch=scratch, settings=settings()) for _ in range(2))
    assert one == other
    assert left_in(scratch) == ["000"]


def test_a_wrong_sha256_refuses_the_file(room: Path, scratch: Path, settings: Say) -> None:
    (room / "mix.wav").write_bytes(b"sound")
    with pytest.raises(Refused, match=r"is not the file that was recorded: sha256 dd29442deca6… where") as refused:
        fetch(mix("mix.wav", sha256="0" * 64), room.as_uri(), scratch=scratch, settings=settings())
    assert refused.value.code == "wrong_checksum"
    assert (room / "mix.wav").read_bytes() == b"sound"
    assert left_in(scratch) == []


def test_a_missing_file_may_still_come(room: Path, scratch: Path, settings: Say) -> None:
    with pytest.raises(Broken, match=r"nothing.wav is not there \(yet\)") as missing:
        fetch(mix("nothing.wav"), room.as_uri(), scratch=scratch, settings=settings())
    assert missing.value.code == "missing"


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "link", "linked/secret", "file:///etc/passwd"])
def test_a_path_that_leads_out_is_refused(room: Path, scratch: Path, settings: Say, path: str) -> None:
    (room.parent / "secret").write_bytes(b"x")
    (room / "link").symlink_to(room.parent / "secret")
    (room / "linked").symlink_to(room.parent)
    with pytest.raises(Refused, match="outside of the recording's folder"):
        fetch(mix(path), room.as_uri(), scratch=scratch, settings=settings())
    assert left_in(scratch) == []


def test_a_pipe_or_a_folder_is_no_file(room: Path, scratch: Path, settings: Say) -> None:
    os.mkfifo(room / "pipe")
    (room / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(Refused, match="is no file"):
            fetch(mix(name), room.as_uri(), scratch=scratch, settings=settings())


@pytest.mark.parametrize("path", ["zero", "within/zero"])
def test_a_device_behind_a_link_is_not_read(room: Path, scratch: Path, settings: Say, path: str) -> None:
    (room / "zero").symlink_to("/dev/zero")
    (room / "within").symlink_to("/dev")
    with pytest.raises(Refused, match="outside of the recording's folder"):
        fetch(mix(path), room.as_uri(), scratch=scratch, settings=settings())


def test_a_device_in_a_folder_of_devices_is_no_file(scratch: Path, settings: Say) -> None:
    with pytest.raises(Refused, match="zero is no file"):
        fetch(mix("zero"), "file:///dev", scratch=scratch, settings=settings())


@pytest.mark.parametrize("becomes", ["a link", "a pipe"])
def test_a_file_that_is_exchanged_after_we_looked_holds_nobody(
    room: Path, scratch: Path, settings: Say, becomes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = room / "mix.ogg"
    file.write_bytes(b"sound")

    def exchange(*_: object) -> None:
        file.unlink()
        file.symlink_to("/dev/zero") if becomes == "a link" else os.mkfifo(file)

    monkeypatch.setattr("workers.fetch._check_room", exchange)
    with pytest.raises(Refused, match=r"mix\.ogg is no file"):
        fetch(mix("mix.ogg"), room.as_uri(), scratch=scratch, settings=settings())
    assert left_in(scratch) == []


def test_too_many_files_or_bytes_are_refused_with_figures(room: Path, scratch: Path, settings: Say) -> None:
    (room / "a").write_bytes(b"x" * 2000)
    limited = settings(limits__tracks="2", limits__fetch_bytes="3000")
    with pytest.raises(Refused, match=r"3 files are too many; limits\.tracks allows 2"):
        fetch(recording(*[SourceFile(path="a")] * 3), room.as_uri(), scratch=scratch, settings=limited)
    with pytest.raises(Refused, match=r"4,000 bytes of recording; limits\.fetch_bytes allows 3,000"):
        fetch(recording(*[SourceFile(path="a")] * 2), room.as_uri(), scratch=scratch, settings=limited)


def test_three_times_the_room_must_be_free(room: Path, scratch: Path, settings: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    (room / "a").write_bytes(b"x" * 1000)
    limited = settings(limits__free_bytes="500")
    for free_bytes, fits in ((3499, False), (3500, True)):
        monkeypatch.setattr("shutil.disk_usage", lambda _path, free=free_bytes: type("Usage", (), {"free": free}))
        if fits:
            assert fetch(mix("a"), room.as_uri(), scratch=scratch, settings=limited)
        else:
            with pytest.raises(Hindered, match=r"3,499 bytes are free; the recording needs 3,000 and 500 shall stay free") as full:
                fetch(mix("a"), room.as_uri(), scratch=scratch, settings=limited)
            assert full.value.code == "disk_full"


def test_a_name_that_no_text_can_hold_is_still_fetched(room: Path, scratch: Path, settings: Say) -> None:
    source = room / os.fsdecode(b"\xff \xe9.wav")
    source.write_bytes(b"sound")
    (got,) = fetch(mix(source.as_uri()), room.as_uri(), scratch=scratch, settings=settings())
    assert got.file.path.read_bytes() == b"sound"


# ---- from a bucket


def test_an_object_is_fetched_from_its_bucket(s3_bucket: str, s3_service: str, scratch: Path, settings: Say) -> None:
    store = open_store(f"s3://{s3_bucket}", endpoint_url=s3_service)
    store.put("rec/mix.ogg", b"sound", mime_type="audio/ogg", cache_control="")
    configured = settings(store__endpoint_url=s3_service)
    for path, root in (("mix.ogg", f"s3://{s3_bucket}/rec"), (f"s3://{s3_bucket}/rec/mix.ogg", "")):
        (got,) = fetch(mix(path), root, scratch=scratch, settings=configured)
        assert got.file.path.read_bytes() == b"sound"
        got.file.path.unlink()
    with pytest.raises(Broken, match=r"rec/later.ogg is not there \(yet\)"):
        fetch(mix("later.ogg"), f"s3://{s3_bucket}/rec", scratch=scratch, settings=configured)


# ---- over https


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
    "a body that drips": (200, {"Connection": "close"}, dripping, Broken, r"takes longer than limits\.fetch_s"),
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
