"""The log of a real run: every line about a room says which, so that one search tells its whole life."""

import json
import shutil
from pathlib import Path
from typing import Any

# What a process says of itself.
OF_THE_PROCESS = {"serving", "working", "supervising", "address_differs"}


def event(room: Path, **changes: Any) -> dict[str, Any]:
    return {**json.loads((room / "room.json").read_text()), "root": str(room), **changes}


def hopeless(room: Path, folder: Path) -> Path:
    """The same room with files that hold no sound."""
    shutil.copytree(room, folder)
    manifest = json.loads((folder / "room.json").read_text())
    for file in manifest["files"]:
        (folder / file["path"]).write_bytes(b"no sound at all " * 1000)
        file.pop("sha256", None)
        file.pop("size_bytes", None)
    manifest["recording_id"] = manifest["source"]["session_id"] = manifest["room"]["sid"] = "EG_hopeless"
    (folder / "room.json").write_text(json.dumps(manifest))
    return folder


def test_every_line_about_a_run_names_it(aircheck: Any, start: Any, room: Path, tmp_path: Path) -> None:
    aircheck("show", "add", "night-shift")
    bad_room = hopeless(room, room.parent / "hopeless")
    with start(roots=room.parent) as up:
        good, bad = up.post(event(room)).json()["run"], up.post(event(bad_room)).json()["run"]
        up.until(lambda: {up.run_state(good), up.run_state(bad)} <= {"done", "failed"})
        up.post(event(room))

    lines = [json.loads(line) for line in (Path(aircheck.folder) / "up.log").read_text().splitlines()]
    about_a_run = [line for line in lines if not is_of_the_process(line) and line.get("job") != "feed"]
    assert [line for line in about_a_run if not line.get("recording")] == []
    assert [line for line in lines if line.get("job") == "feed" and not line.get("show")] == []
    for run in (good, bad):
        strays = [line for line in lines if run in json.dumps(line) and line.get("recording") != run]
        assert strays == []
    told = {run: [line["event"] for line in about_a_run if line["recording"] == run] for run in (good, bad)}
    assert told[good][0] == "accepted" and told[good][-1] == "known" and told[good].count("done") == 2
    assert told[bad] == ["accepted", "refused"]
    assert all({"job", "fence", "show"} <= line.keys() for line in about_a_run if line["event"] in ("done", "refused"))


def is_of_the_process(line: dict[str, Any]) -> bool:
    return line["logger"].startswith("uvicorn") or line["event"] in OF_THE_PROCESS
