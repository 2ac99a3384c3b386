"""Scratch is given back, and never taken from under somebody."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from fakes_work import until

from pipeline.errors import Hindered
from workers import scratch

HOLDER = (
    "import sys, pathlib; from workers import scratch\n"
    "with scratch.held(pathlib.Path(sys.argv[1])):\n    print('held', flush=True); sys.stdin.read()"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch" / "run"
    (folder / "source").mkdir(parents=True)
    (folder / "source" / "000").write_bytes(b"sound")
    return folder


def test_nobody_removes_what_another_process_works_in(folder: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        assert not scratch.remove(folder)
        assert (folder / "source" / "000").read_bytes() == b"sound"
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert scratch.remove(folder)
    assert scratch.folders(folder.parent) == ()


def test_two_jobs_of_a_run_may_work_in_it_at_once(folder: Path) -> None:
    with scratch.held(folder):
        with scratch.held(folder):
            assert not scratch.remove(folder)
        assert not scratch.remove(folder)
    assert scratch.remove(folder)


def test_who_comes_while_it_is_removed_begins_anew(folder: Path) -> None:
    seen: list[list[str]] = []
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            with scratch.held(folder):
                (folder / "mine").touch()
                seen.append([path.name for path in folder.iterdir()])

    worker = threading.Thread(target=work)
    worker.start()
    removed: list[int] = []
    until(lambda: (removed.append(1) if scratch.remove(folder) else None, len(removed) > 20 and len(seen) > 20)[1])
    over.set()
    worker.join()
    assert all("mine" in names for names in seen)


def test_what_a_killed_remover_left_behind_goes_with_the_next(folder: Path) -> None:
    left = folder.with_name(f"{scratch.GONE}1")
    folder.rename(left)
    (folder.parent / "a file").touch()
    assert all(scratch.remove(found) for found in scratch.folders(folder.parent))
    assert scratch.folders(folder.parent) == ()


def test_too_little_room_is_told_with_figures_and_what_to_do(folder: Path) -> None:
    scratch.must_have_room(folder, 0, 1)
    with pytest.raises(
        Hindered, match=r"too little room in .*/scratch: [\d,]+ bytes are free; .*; make room or move data_dir"
    ) as told:
        scratch.must_have_room(folder, 1 << 60)
    assert told.value.code == "disk_full"
    with pytest.raises(Hindered, match="the recording needs 1,152,921,504,606,846,976 and 5 shall stay free"):
        scratch.must_have_room(folder, 5, 1 << 60)
