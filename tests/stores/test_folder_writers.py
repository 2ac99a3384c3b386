"""Many writers of one folder store: processes that race, hang and die; and what is told when the folder itself is in the way."""

import fcntl
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
from fakes_work import until

from pipeline.errors import Broken, Hindered
from pipeline.stores import Overtaken, folder, open_store
from pipeline.stores.folder import FolderStore, Options, open_at


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return open_at(str(tmp_path / "store"), Options())


def put(store: FolderStore, key: str, content: bytes | Path, if_match: str | None = None) -> str:
    return store.put(key, content, mime_type="text/plain", cache_control="max-age=60", if_match=if_match).etag


SIGNER = """
import sys
from pipeline.stores import Overtaken, open_store
store = open_store(sys.argv[1])
for n in range(int(sys.argv[3])):
    while True:
        stat = store.stat("guests")
        try:
            before = store.read("guests", 0, stat.size_bytes, etag=stat.etag) if stat else b""
            signed = before + f"{sys.argv[2]} {n}\\n".encode()
            store.put("guests", signed, mime_type="text/plain", cache_control="", if_match=stat.etag if stat else "")
            break
        except Overtaken:
            pass
"""


def signing(store: FolderStore, name: str, times: int) -> subprocess.Popen[bytes]:
    """Somebody who adds to the same object again and again, after whatever the others have added."""
    return subprocess.Popen([sys.executable, "-c", SIGNER, store.root.as_uri(), name, str(times)])


def guests(store: FolderStore) -> list[str]:
    return (store.get("guests") or b"").decode().splitlines()


def test_processes_that_change_one_object_lose_nothing_of_each_other(store: FolderStore) -> None:
    signers = [signing(store, name, 25) for name in "abcd"]
    assert [signer.wait(120) for signer in signers] == [0] * 4
    assert sorted(guests(store)) == sorted(f"{name} {n}" for name in "abcd" for n in range(25))


def test_a_process_that_is_killed_in_between_holds_nobody_up(store: FolderStore) -> None:
    killed, goes_on = signing(store, "a", 10_000), signing(store, "b", 25)
    until(lambda: len(guests(store)) > 5)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert goes_on.wait(120) == 0
    assert [guest for guest in guests(store) if guest.startswith("b")] == [f"b {n}" for n in range(25)]
    open_at(str(store.root), Options())
    assert list((store.root / ".aircheck" / "parts").iterdir()) == []


def test_a_writer_that_hangs_in_the_middle_of_a_change_is_not_waited_for(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, "a.txt", b"old")
    monkeypatch.setattr(folder, "LOCK_WAIT_S", 0.1)
    with (store.root / ".aircheck" / "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Hindered, match="held by a process that does not go on") as held:
            put(store, "a.txt", b"new")
        assert store.get("a.txt") == b"old"
        assert store.stat("a.txt")
    assert held.value.code == "store_held"
    put(store, "a.txt", b"new")
    assert not list((store.root / ".aircheck" / "parts").iterdir())


def left_behind(store: FolderStore, hours_ago: float) -> Path:
    part = store.root / ".aircheck" / "parts" / uuid.uuid4().hex
    part.write_bytes(b"half of")
    os.utime(part, (time.time() - 3600 * hours_ago,) * 2)
    return part


def test_abandoned_parts_go_when_they_are_old(store: FolderStore) -> None:
    old, young = left_behind(store, 25), left_behind(store, 1)
    assert store.tidy(86_400.0) == 1
    assert young.exists() and not old.exists()
    assert store.tidy(0.0) == 1


WRITER = """
import sys, pathlib
from pipeline.stores import open_store
open_store(sys.argv[1]).put("a.txt", pathlib.Path(sys.argv[2]), mime_type="text/plain", cache_control="")
"""


def test_the_part_of_a_living_writer_stays_however_old_it_is(store: FolderStore, tmp_path: Path) -> None:
    pipe = tmp_path / "slow"
    os.mkfifo(pipe)
    writer = subprocess.Popen([sys.executable, "-c", WRITER, store.root.as_uri(), str(pipe)])
    with pipe.open("wb") as slow:
        slow.write(b"slowly")
        slow.flush()
        parts = store.root / ".aircheck" / "parts"
        until(lambda: any(parts.iterdir()))
        (part,) = parts.iterdir()
        os.utime(part, (0, 0))
        assert store.tidy(0.0) == 0
    assert writer.wait(20) == 0
    assert store.get("a.txt") == b"slowly"


# ---- the folder itself is in the way


def test_a_disk_that_is_not_mounted_holds_nothing_and_yet_nothing_is_absent(store: FolderStore, tmp_path: Path) -> None:
    put(store, "show/a.txt", b"a")
    store.root.rename(tmp_path / "elsewhere")
    store.root.mkdir()
    asked = [
        lambda: store.get("show/a.txt"), lambda: store.stat("show/a.txt"), lambda: list(store.keys("")),
        lambda: store.read("show/a.txt", 0, 1), lambda: store.download("show/a.txt", tmp_path / "a"),
        lambda: put(store, "show/a.txt", b"b"), lambda: store.delete("show/a.txt"),
    ]  # fmt: skip
    for ask in asked:
        with pytest.raises(Hindered, match="is gone; is its disk mounted") as gone:
            ask()
        assert gone.value.code == "store_away"
    store.root.rmdir()
    (tmp_path / "elsewhere").rename(store.root)
    assert store.get("show/a.txt") == b"a"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
def test_a_disk_that_may_only_be_read_hinders_whoever_writes(tmp_path: Path) -> None:
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True).returncode:
        pytest.skip("nothing may be mounted here")
    try:
        store = open_at(str(place), Options())
        put(store, "a.txt", b"small")
        subprocess.run(["mount", "-o", "remount,ro", place], check=True)
        with pytest.raises(Hindered, match="Read-only file system") as denied:
            put(store, "b.txt", b"x")
        assert denied.value.code == "store_denied"
        assert store.get("a.txt") == b"small"
    finally:
        subprocess.run(["umount", place], check=True)


def test_a_source_that_is_not_there_is_no_fault_of_the_store(store: FolderStore, tmp_path: Path) -> None:
    with pytest.raises(Broken, match="it is not there") as missing:
        put(store, "a.txt", tmp_path / "nothing")
    assert not isinstance(missing.value, Hindered)


def test_bytes_that_decayed_on_the_disk_are_not_handed_on(store: FolderStore, tmp_path: Path) -> None:
    put(store, "a.mp3", b"sound")
    path = store.local_path("a.mp3")
    times = path.stat()
    path.write_bytes(b"sounb")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(Broken, match="has decayed on the disk") as decayed:
        store.download("a.mp3", tmp_path / "back")
    assert decayed.value.code == "download_differs"
    assert not (tmp_path / "back").exists()


def test_the_name_for_listeners_outlives_an_edit_by_hand(store: FolderStore) -> None:
    store.put("a.mp3", b"sound", mime_type="audio/mpeg", cache_control="", filename="Night.mp3")
    store.local_path("a.mp3").write_bytes(b"other sound")
    stat = store.stat("a.mp3")
    assert stat and stat.disposition.startswith('inline; filename="Night.mp3"')


def test_a_note_of_before_there_were_names_is_read(store: FolderStore) -> None:
    put(store, "a.mp3", b"sound")
    note = store.root / ".aircheck" / "notes" / "a.mp3.json"
    note.write_text(note.read_text().replace('"disposition": "", ', ""))
    assert "disposition" not in note.read_text()
    stat = store.stat("a.mp3")
    assert stat and stat.disposition == ""


def test_two_openings_of_one_folder_are_one_store(store: FolderStore) -> None:
    other = open_store(store.root.as_uri())
    etag = put(store, "feed.xml", b"one", "")
    with pytest.raises(Overtaken):
        other.put("feed.xml", b"two", mime_type="", cache_control="", if_match="")
    assert other.put("feed.xml", b"two", mime_type="", cache_control="", if_match=etag)
