"""Rooms that lie on disk or are posted become recordings; the shelf of rooms keeps its contract."""

import importlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from pipeline import shelf
from pipeline.errors import Broken, Refused
from workers.places import Places
from workers.rooms import gather, generic

Manifest = dict[str, Any]


@pytest.mark.parametrize("name", shelf.names("workers.rooms"))
def test_every_platform_reads_the_disk_or_understands_events(name: str) -> None:
    platform = importlib.import_module(f"workers.rooms.{name}")
    assert callable(getattr(platform, "understand", None)) or (callable(platform.recognises) and callable(platform.gather))


def file(path: Path, content: bytes = b"sound") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (1_795_160_217, 1_795_160_217))
    return path


def room(folder: Path, manifest: Manifest) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "room.json").write_text(json.dumps(manifest))
    return folder


def test_a_folder_with_a_manifest_is_its_recording(tmp_path: Path, manifest: Manifest) -> None:
    gathered = gather([room(tmp_path / "a room", manifest)])
    assert gathered.recording.recording_id == "EG_abc"
    assert gathered.root == (tmp_path / "a room").as_uri()


def test_warnings_come_along(tmp_path: Path, manifest: Manifest) -> None:
    manifest["room"]["access"] = "friends"
    assert gather([room(tmp_path, manifest)]).warnings == ("room.access 'friends' is not known and read as private",)


def test_a_bare_file_is_a_mix_named_by_its_file_and_known_by_its_content(tmp_path: Path) -> None:
    gathered = gather([file(tmp_path / "tuesday_room-4.mp3")])
    recording = gathered.recording
    assert (recording.title, recording.engine, recording.name) == ("Tuesday room 4", "file", "tuesday_room-4")
    assert recording.recording_id == recording.session_id == recording.files[0].sha256
    assert (recording.files[0].path, recording.files[0].kind, recording.files[0].participant) == ("tuesday_room-4.mp3", "mix", None)
    assert recording.started_at.isoformat() == "2026-11-20T07:36:57+00:00"
    assert (recording.access, recording.distribution, recording.consent_policy) == (None, None, None)


def test_the_same_content_under_another_name_is_the_same_recording(tmp_path: Path) -> None:
    one, other = gather([file(tmp_path / "a.mp3")]), gather([file(tmp_path / "sub" / "b.ogg")])
    assert one.recording.recording_id == other.recording.recording_id
    assert gather([file(tmp_path / "c.mp3", b"else")]).recording.recording_id != one.recording.recording_id


def test_several_files_are_tracks_of_one_room(tmp_path: Path) -> None:
    paths = [
        file(tmp_path / "my room" / name, name.encode()) for name in ("1-alice_a.ogg", "2-bob.ogg", "03 carol.wav", "x/2-bob.ogg")
    ]
    recording = gather(paths).recording
    assert [p.name for p in recording.participants] == ["Alice a", "Bob", "Carol", "Bob 2"]
    assert [f.participant for f in recording.files] == [p.identity for p in recording.participants]
    assert {f.kind for f in recording.files} == {"track"}
    assert recording.files[3].path == "x/2-bob.ogg"
    assert recording.title == "My room"


def test_another_track_makes_another_recording(tmp_path: Path) -> None:
    a, b = file(tmp_path / "a.ogg", b"a"), file(tmp_path / "b.ogg", b"b")
    ids = {gather(paths).recording.recording_id for paths in ([a], [a, b], [b, a])}
    assert len(ids) == 3


@pytest.mark.parametrize(
    "name", ["12:30 colon.wav", "-y.mp3", "a\nb.wav", "üñí 🎙.ogg", "%41.wav", "#?.wav", os.fsdecode(b"\xff.wav"), "a\\b.wav"]
)
def test_awkward_names_are_names(tmp_path: Path, name: str) -> None:
    gathered = gather([file(tmp_path / name)])
    json.dumps([gathered.root, gathered.recording.files[0].path, gathered.recording.title]).encode()
    repr(gathered).encode()


def test_a_link_is_followed_to_the_real_file(tmp_path: Path) -> None:
    real = file(tmp_path / "real" / "a.mp3")
    link = tmp_path / "drop" / "link.mp3"
    link.parent.mkdir()
    link.symlink_to(real)
    gathered = gather([link])
    assert gathered.root == real.parent.as_uri()
    assert gathered.recording.title == "Link"


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"no file or folder .*nothing.wav"):
        gather([tmp_path / "nothing.wav"])
    with pytest.raises(Refused, match="give the path"):
        gather([])


def test_a_folder_without_a_manifest_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"holds no room\.json; name the audio files themselves"):
        gather([tmp_path])
    with pytest.raises(Refused, match="is no file; give one folder"):
        gather([file(tmp_path / "a.wav"), tmp_path])


def test_a_bad_manifest_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "room.json").write_text("{")
    with pytest.raises(Refused, match=r"room\.json: it is no JSON"):
        gather([tmp_path])


def test_a_room_that_is_still_recorded_is_waited_for(tmp_path: Path, manifest: Manifest) -> None:
    manifest["complete"] = False
    with pytest.raises(Broken, match="still being written"):
        gather([room(tmp_path, manifest)])


# ---- posted by a platform


@pytest.fixture
def places(tmp_path: Path) -> Places:
    (tmp_path / "rooms" / "tuesday").mkdir(parents=True)
    return Places.of([str(tmp_path / "rooms")], ["Files.Example", "minio.internal:9000=private"])


def posted(manifest: Manifest, places: Places, **more: Any) -> str:
    return generic.understand(json.dumps({**manifest, **more}).encode(), places).root


def test_a_posted_room_names_its_folder(manifest: Manifest, places: Places, tmp_path: Path) -> None:
    tuesday = (tmp_path / "rooms" / "tuesday").as_uri()
    assert posted(manifest, places, root=str(tmp_path / "rooms" / "tuesday")) == tuesday
    assert posted(manifest, places, root=tuesday) == tuesday
    assert posted(manifest, places) == (tmp_path / "rooms").as_uri()
    assert posted(manifest, places, root="s3://rooms/tuesday/") == "s3://rooms/tuesday"
    assert posted(manifest, places, root="https://files.example/tuesday/") == "https://files.example/tuesday"


@pytest.mark.parametrize(
    "root",
    ["/", "/etc", "{rooms}/../other", "{rooms}/link", "file:///etc", "file:///{rooms}/%2e%2e/%2e%2e", "relative", "{rooms}-other"],
)
def test_a_folder_elsewhere_is_refused(manifest: Manifest, places: Places, tmp_path: Path, root: str) -> None:
    (tmp_path / "rooms" / "link").symlink_to("/etc")
    with pytest.raises(Refused, match=r"not below a folder of hooks\.roots"):
        posted(manifest, places, root=root.replace("{rooms}", str(tmp_path / "rooms")))


@pytest.mark.parametrize(
    "root",
    [
        "https://elsewhere.example/x", "https://files.example:8443/x", "https://files.example@elsewhere.example/x",
        "https://user:secret@files.example/x", "https://files.example.elsewhere.example/", "https://127.0.0.1/", "s3://",
        "https://elsewhere.example\\@files.example/", "https://files.example:99999/",
    ],
)  # fmt: skip
def test_a_host_that_is_not_allowed_is_refused(manifest: Manifest, places: Places, root: str) -> None:
    with pytest.raises(Refused):
        posted(manifest, places, root=root)


@pytest.mark.parametrize(
    ("path", "is_allowed"),
    [
        ("s3://rooms/a.ogg", True), ("https://files.example/a.ogg?sig=1", True), ("https://minio.internal:9000/a", True),
        ("http://files.example/a.ogg", False), ("file:///etc/passwd", False), ("ftp://files.example/a", False),
        ("https://169.254.169.254/latest", False), ("https://[::ffff:127.0.0.1]/", False), ("https://0x7f.1/", False),
        ("https://2130706433/", False), ("https://localhost./", False), ("data://x", False), ("https:///a", False),
    ],
)  # fmt: skip
def test_a_path_that_is_an_address_must_be_allowed(manifest: Manifest, places: Places, path: str, is_allowed: bool) -> None:
    manifest["files"] = [{"path": path, "kind": "mix"}]
    body = json.dumps(manifest).encode()
    if is_allowed:
        gathered = generic.understand(body, places)
        assert (gathered.recording.files[0].path, gathered.root) == (path, "")
    else:
        with pytest.raises(Refused, match="may not be read"):
            generic.understand(body, places)


def test_without_any_root_a_path_needs_one(manifest: Manifest) -> None:
    with pytest.raises(Refused, match="none is set"):
        posted(manifest, Places())


def test_the_room_s_own_metadata_comes_along(manifest: Manifest, places: Places) -> None:
    manifest["room"]["metadata"] = {"team": "radio", "depth": 3, "x\u202e": "y\n"}
    assert generic.understand(json.dumps(manifest).encode(), places).metadata == {"team": "radio", "x": "y"}
