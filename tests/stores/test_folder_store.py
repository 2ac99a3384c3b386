"""The folder store when things go wrong: killed writers, full disks, hands that edit its files."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.errors import Broken, Hindered, Refused
from pipeline.stores import open_store
from pipeline.stores.folder import FolderStore, Options, open_at


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return open_at(str(tmp_path / "store"), Options())


def put(store: FolderStore, key: str, content: bytes | Path) -> str:
    return store.put(key, content, mime_type="text/plain", cache_control="max-age=60").etag


def everything_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


WRITER = """
import sys, pathlib
from pipeline.stores import open_store
store = open_store(sys.argv[1])
big = pathlib.Path(sys.argv[2])
print("writing", flush=True)
while True:
    store.put("show/ep/episode.mp3", big, mime_type="audio/mpeg", cache_control="")
"""


def test_a_writer_killed_in_the_middle_leaves_the_old_bytes_and_nothing_else(store: FolderStore, tmp_path: Path) -> None:
    new = tmp_path / "new.bin"
    new.write_bytes(b"n" * (8 << 20))
    for delay_s in (0.0, 0.01, 0.03):
        put(store, "show/ep/episode.mp3", b"old")
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, store.root.as_uri(), str(new)], stdout=subprocess.PIPE, start_new_session=True
        )
        assert writer.stdout and writer.stdout.readline() == b"writing\n"
        time.sleep(delay_s)
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        writer.stdout.close()

        again = open_at(str(store.root), Options())
        content = again.get("show/ep/episode.mp3")
        assert content in (b"old", new.read_bytes())
        stat = again.stat("show/ep/episode.mp3")
        assert stat and stat.etag == put(again, "copy.bin", content)
        assert list(again.keys("")) == ["copy.bin", "show/ep/episode.mp3"]
        assert not list((store.root / ".aircheck" / "parts").iterdir())


def test_a_part_that_is_being_written_survives_the_opening_of_the_store_elsewhere(store: FolderStore, tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    os.mkfifo(slow)
    writing = f"""
        import pathlib
        from pipeline.stores import open_store
        open_store({store.root.as_uri()!r}).put("a.txt", pathlib.Path({str(slow)!r}), mime_type="text/plain", cache_control="")
    """
    writer = subprocess.Popen([sys.executable, "-c", textwrap.dedent(writing)])
    with slow.open("wb") as pipe:
        pipe.write(b"slowly")
        pipe.flush()
        while not list((store.root / ".aircheck" / "parts").iterdir()):
            time.sleep(0.01)
        open_at(str(store.root), Options())
    assert writer.wait(20) == 0
    assert store.get("a.txt") == b"slowly"


def test_a_file_edited_by_hand_has_another_etag(store: FolderStore) -> None:
    before = put(store, "notes.txt", b"before")
    (store.root / "notes.txt").write_bytes(b"afters")
    stat = store.stat("notes.txt")
    assert stat and stat.etag != before
    assert stat.mime_type == "text/plain"
    assert put(store, "same.txt", b"afters") == stat.etag


def test_an_edit_of_the_same_length_in_the_same_moment_is_seen(store: FolderStore) -> None:
    for n in range(50):
        before = put(store, "notes.txt", b"%03d before" % n)
        with (store.root / "notes.txt").open("r+b") as file:
            file.write(b"%03d afters" % n)
        stat = store.stat("notes.txt")
        assert stat and stat.etag != before


def test_a_file_put_there_by_hand_is_served_with_its_exact_type(store: FolderStore) -> None:
    (store.root / "show").mkdir()
    (store.root / "show" / "chapters.json").write_bytes(b"{}")
    stat = store.stat("show/chapters.json")
    assert stat and (stat.mime_type, stat.size_bytes) == ("application/json+chapters", 2)
    assert stat.etag == put(store, "other", b"{}")


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"null", b'{"file": 3}', b"\xff\xfe"])
def test_a_damaged_note_is_made_again(store: FolderStore, damage: bytes) -> None:
    etag = put(store, "a.mp3", b"sound")
    (store.root / ".aircheck" / "notes" / "a.mp3.json").write_bytes(damage)
    stat = store.stat("a.mp3")
    assert stat and stat.etag == etag


def test_the_notes_may_all_be_lost(store: FolderStore) -> None:
    etag = put(store, "show/a.mp3", b"sound")
    for note in sorted((store.root / ".aircheck").rglob("*"), reverse=True):
        note.unlink() if note.is_file() else note.rmdir()
    (store.root / ".aircheck").rmdir()
    again = open_store(store.root.as_uri())
    stat = again.stat("show/a.mp3")
    assert stat and (stat.etag, stat.mime_type) == (etag, "audio/mpeg")


def test_an_unchanged_object_is_not_read_again(store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    put(store, "a.mp3", b"sound")

    def read(*_: object) -> None:
        raise AssertionError("it was read")

    monkeypatch.setattr("hashlib.file_digest", read)
    assert store.stat("a.mp3")


def test_the_folder_knows_where_its_files_are(store: FolderStore) -> None:
    put(store, "show/a.txt", b"here")
    assert store.local_path("show/a.txt").read_bytes() == b"here"
    with pytest.raises(Refused):
        store.local_path("../a.txt")


def test_a_folder_with_a_strange_name_is_found_again(tmp_path: Path) -> None:
    place = tmp_path / "ünï %41 #1"
    put(open_at_uri(place), "a.txt", b"x")
    assert everything_in(place)[-1] == "a.txt"


def open_at_uri(place: Path) -> FolderStore:
    store = open_store(place.as_uri())
    assert isinstance(store, FolderStore)
    return store


def test_deleting_leaves_no_empty_folders(store: FolderStore) -> None:
    for key in ("show/one/a.mp3", "show/two/b.mp3"):
        put(store, key, b"x")
    store.delete("show/one/a.mp3")
    assert sorted(path.name for path in (store.root / "show").iterdir()) == ["two"]
    store.delete("show/two/b.mp3")
    assert [path.name for path in store.root.iterdir()] == [".aircheck"]
    assert not list((store.root / ".aircheck" / "notes").rglob("*"))


def test_writing_and_deleting_side_by_side_loses_nothing(store: FolderStore) -> None:
    def churn(name: str) -> str:
        other = open_at(str(store.root), Options())
        for n in range(60):
            put(other, f"show/same/{name}.txt", b"%d" % n)
            assert other.get(f"show/same/{name}.txt") == b"%d" % n
            other.delete(f"show/same/{name}.txt")
        put(other, f"show/same/{name}.txt", b"last")
        return name

    with ThreadPoolExecutor(4) as hands:
        assert list(hands.map(churn, "abcd")) == list("abcd")
    assert list(store.keys("")) == [f"show/same/{name}.txt" for name in "abcd"]


@pytest.fixture
def full_disk(tmp_path: Path) -> Path:
    """A disk of one megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True).returncode
    ):
        pytest.skip("only root may mount a small disk")
    return place


def test_a_full_disk_is_told_with_figures_and_leaves_nothing(full_disk: Path) -> None:
    try:
        store = open_at(str(full_disk), Options())
        put(store, "a.txt", b"small")
        before = everything_in(full_disk)
        with pytest.raises(Hindered, match=r"big.mp3 needs 2,000,000 bytes and [\d,]+ are free; make room") as full:
            put(store, "big.mp3", b"x" * 2_000_000)
        assert full.value.code == "disk_full"
        assert "\n" not in str(full.value)
        assert everything_in(full_disk) == before
        assert store.get("a.txt") == b"small"
        put(store, "b.txt", b"there is room for this")
    finally:
        subprocess.run(["umount", full_disk], check=True)


def test_a_file_size_limit_is_told_like_a_full_disk(store: FolderStore) -> None:
    limited = f"""
        import resource, signal
        from pipeline.stores import open_store
        from pipeline.errors import Broken
        store = open_store({store.root.as_uri()!r})
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            store.put("big.mp3", b"x" * 200_000, mime_type="audio/mpeg", cache_control="")
        except Broken as error:
            print(error.code)
    """
    told = subprocess.run([sys.executable, "-c", textwrap.dedent(limited)], capture_output=True, text=True, check=True)
    assert told.stdout == "disk_full\n"
    assert list(store.keys("")) == []
    assert not list((store.root / ".aircheck" / "parts").iterdir())


def test_a_place_that_is_no_folder_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(Broken, match="cannot be used"):
        open_store((tmp_path / "file").as_uri())
    with pytest.raises(Broken, match="cannot be used"):
        open_store("file:///proc/aircheck")


def test_an_object_cannot_stand_where_a_folder_is(store: FolderStore) -> None:
    put(store, "a/b.txt", b"x")
    with pytest.raises(Broken, match="cannot be written"):
        put(store, "a", b"x")
    assert store.get("a") is None
    assert store.stat("a") is None


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("ftp://host/x", "known: folder, s3"), ("s4://bucket", "known: folder, s3"), ("/srv/x", "file:///path/to/folder"),
        ("", "no store address"), ("file://host/x", "file:///path/to/folder"), ("s3://", "s3://bucket/prefix"),
    ],
)  # fmt: skip
def test_an_address_that_no_store_understands_is_refused_with_a_hint(url: str, hint: str) -> None:
    with pytest.raises(Refused, match=hint):
        open_store(url)
