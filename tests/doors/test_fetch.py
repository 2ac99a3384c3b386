"""Files come onto this machine, whole and unchanged, and from nowhere else than allowed."""

import os
from pathlib import Path

import pytest
from rooms_to_fetch import Say, left_in, mix, recording

from pipeline.errors import Broken, Hindered, Refused
from pipeline.models import MadeFile, SourceFile
from pipeline.stores import open_store
from workers.fetch import fetch

pytest_plugins = ["fakes_s3"]


@pytest.fixture
def room(tmp_path: Path) -> Path:
    folder = tmp_path / "room one"
    folder.mkdir()
    return folder


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
