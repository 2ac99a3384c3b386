"""A watched folder: what has finished growing is taken, and taken once."""

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import AircheckError, Broken, Refused
from workers.rooms import Gathered
from workers.watch import Look, watch


class Watched:
    """A folder that is looked at by a clock of the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir()
        self.taken: list[Gathered] = []
        self.refused: list[tuple[str, AircheckError]] = []
        self.trouble: AircheckError | None = None
        self.now_s = 1000.0
        self._look = Look(
            on_finished=self._take, on_refused=lambda path, error: self.refused.append((path.name, error)), quiet_s=30
        )

    def _take(self, gathered: Gathered) -> None:
        if self.trouble:
            raise self.trouble
        self.taken.append(gathered)

    def after(self, seconds: float) -> list[str]:
        """What had been taken when so many seconds have passed, looked at every ten."""
        for _ in range(int(seconds // 10)):
            self._look.at(self.folder, self.now_s)
            self.now_s += 10
        self._look.at(self.folder, self.now_s)
        return [gathered.recording.title for gathered in self.taken]

    def write(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return path


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "drop")


def test_a_file_is_taken_when_it_has_been_quiet(watched: Watched) -> None:
    watched.write("talk.mp3", b"sound")
    assert watched.after(20) == []
    assert watched.after(10) == ["Talk"]
    assert watched.after(300) == ["Talk"]


def test_a_file_that_grows_is_waited_for(watched: Watched) -> None:
    path = watched.write("talk.mp3", b"s")
    for _ in range(6):
        assert watched.after(20) == []
        with path.open("ab") as file:
            file.write(b"more")
    assert watched.after(20) == []
    assert watched.after(20) == ["Talk"]
    assert watched.taken[0].recording.files[0].size_bytes == 25


def test_one_look_is_never_enough(watched: Watched) -> None:
    watched.write("talk.mp3", b"sound")
    Look(on_finished=watched.taken.append, on_refused=lambda *_: None, quiet_s=0).at(watched.folder, 5.0)
    assert watched.taken == []


@pytest.mark.parametrize("name", ["talk.mp3.part", "talk.tmp", "talk.mp3.crdownload", ".talk.mp3", ".hidden"])
def test_unfinished_names_are_waited_for_until_they_are_renamed(watched: Watched, name: str) -> None:
    path = watched.write(name, b"sound")
    assert watched.after(300) == []
    path.rename(watched.folder / "talk.mp3")
    assert watched.after(30) == ["Talk"]


def test_an_empty_file_has_not_begun(watched: Watched) -> None:
    path = watched.write("talk.mp3", b"")
    assert watched.after(300) == []
    path.write_bytes(b"sound")
    assert watched.after(30) == ["Talk"]


def test_the_same_content_is_taken_once(watched: Watched) -> None:
    watched.write("a.mp3", b"sound")
    watched.write("b.mp3", b"sound")
    assert watched.after(60) == ["A"]
    (watched.folder / "a.mp3").touch()
    assert watched.after(60) == ["A"]


def test_other_content_under_the_same_name_is_another_recording(watched: Watched) -> None:
    watched.write("a.mp3", b"sound")
    assert watched.after(30) == ["A"]
    watched.write("a.mp3", b"other sound")
    assert watched.after(40) == ["A", "A"]


def test_a_folder_is_taken_when_its_manifest_says_so(watched: Watched, manifest: dict[str, Any]) -> None:
    watched.write("room/1-alice.ogg", b"sound")
    assert watched.after(300) == []
    watched.write("room/room.json", json.dumps({**manifest, "complete": False}).encode())
    assert watched.after(300) == []
    assert watched.refused == []
    watched.write("room/room.json", json.dumps(manifest).encode())
    assert watched.after(40) == ["Why we record"]


def test_a_folder_whose_files_still_grow_is_waited_for(watched: Watched, manifest: dict[str, Any]) -> None:
    watched.write("room/room.json", json.dumps(manifest).encode())
    for n in range(5):
        watched.write("room/1-alice.ogg", b"sound" * (n + 1))
        assert watched.after(20) == []
    part = watched.write("room/2-bob.ogg.part", b"sound")
    assert watched.after(300) == []
    part.rename(part.with_suffix(""))
    assert watched.after(40) == ["Why we record"]


def test_what_is_refused_is_told_once_and_stops_nobody_else(watched: Watched) -> None:
    watched.write("bad/room.json", b"{")
    watched.write("good.mp3", b"sound")
    assert watched.after(300) == ["Good"]
    assert [(name, error.code) for name, error in watched.refused] == [("bad", "bad_json")]


def test_what_could_not_be_handed_over_is_tried_again(watched: Watched) -> None:
    watched.trouble = Broken("the database does not answer")
    watched.write("talk.mp3", b"sound")
    assert watched.after(50) == []
    assert len(watched.refused) == 3
    watched.trouble = None
    assert watched.after(10) == ["Talk"]


def test_a_file_that_goes_away_is_forgotten(watched: Watched) -> None:
    path = watched.write("talk.mp3", b"sound")
    watched.after(20)
    path.unlink()
    assert watched.after(20) == []
    watched.write("talk.mp3", b"sound")
    assert watched.after(20) == []


def test_watching_ends_when_it_is_told_to(tmp_path: Path) -> None:
    taken: list[str] = []
    stop = threading.Event()
    (tmp_path / "talk.mp3").write_bytes(b"sound")
    options: dict[str, Any] = {"stop": stop, "quiet_s": 0.05, "poll_s": 0.02}
    watcher = threading.Thread(target=watch, args=(tmp_path, lambda g: taken.append(g.recording.title)), kwargs=options)
    watcher.start()
    ends_at = time.monotonic() + 10
    while not taken and time.monotonic() < ends_at:
        time.sleep(0.01)
    stop.set()
    watcher.join(10)
    assert taken == ["Talk"] and not watcher.is_alive()


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="is no folder"):
        watch(tmp_path / "nothing", lambda _: None, stop=threading.Event())
