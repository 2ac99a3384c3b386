"""How long after a room's end its episode is in the feed: the whole road through `aircheck up`, its door and its workers.

    python bench/road.py [--minutes 60] [--mix] [--beside-words]

The room is the sample's four tracks, repeated until they are long enough, or with --mix one file of all of them as a recorder would
leave it; no words are asked for. Prints seconds by stage. With --beside-words it is measured twice, alone and while PocketSphinx
hears a room of three hours, once on every processor, in the children that words jobs have; the ratio is of one run.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from pipeline.child import Children
from pipeline.engines import pocketsphinx
from pipeline.errors import Stopped
from pipeline.ffmpeg import find
from pipeline.limits import Limits
from pipeline.models import MadeFile
from pipeline.transcribe import SpeechPlan, Todo, find_slices, hear, prepare
from workers.hooks import sign

SAMPLE = Path(__file__).parents[1] / "workers" / "demo" / "sample"
SECRET = "bench"
WORDS_S = 3 * 3600.0


def main() -> None:
    """Measure once and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--mix", action="store_true")
    parser.add_argument("--beside-words", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="aircheck-bench-") as name:
        folder = Path(name)
        manifest = long_room(folder / "room", asked.minutes * 60)
        if asked.mix:
            manifest = mixed(folder / "room", manifest)
        alone_s = measure(folder / "alone", manifest, asked.minutes)
        if asked.beside_words:
            with words_jobs(folder):
                print(f"beside {os.cpu_count()} words jobs:")
                beside_s = measure(folder / "beside", manifest, asked.minutes)
            print(f"beside words / alone: {beside_s / alone_s:.2f}")


def long_room(folder: Path, length_s: float) -> dict[str, Any]:
    """A room of that length made of the sample's tracks."""
    (folder / "tracks").mkdir(parents=True)
    manifest: dict[str, Any] = json.loads((SAMPLE / "room.json").read_text())
    manifest["files"] = [file for file in manifest["files"] if file["start_offset"] < length_s]
    for file in manifest["files"]:
        length = str(length_s - file["start_offset"])
        command = [find(), "-nostdin", "-v", "error", "-stream_loop", "-1", "-i", str(SAMPLE / file["path"]), "-t", length]
        subprocess.run([*command, "-c", "copy", str(folder / file["path"])], check=True)
        for key in ("sha256", "size", "duration"):
            file.pop(key, None)
    manifest["room"].pop("ended_at", None)
    return {**manifest, "recording_id": "bench", "events": [], "root": str(folder)}


def mixed(folder: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """The same room as one Ogg Opus file of everybody."""
    files = manifest["files"]
    inputs = [word for file in files for word in ("-i", str(folder / file["path"]))]
    late = "".join(f"[{n}]adelay={round(1000 * file['start_offset'])}:all=1[t{n}];" for n, file in enumerate(files))
    together = "".join(f"[t{n}]" for n in range(len(files))) + f"amix=inputs={len(files)}:normalize=0"
    command = [find(), "-nostdin", "-v", "error", *inputs, "-filter_complex", late + together, "-c:a", "libopus", "-b:a", "32k"]
    subprocess.run([*command, str(folder / "mix.ogg")], check=True)
    return {**manifest, "files": [{"path": "mix.ogg", "kind": "mix", "start_offset": 0.0}]}


@contextmanager
def words_jobs(folder: Path) -> Iterator[None]:
    """While inside, every processor hears words of a long room, under the limits of a words job."""
    plan = SpeechPlan(engine="pocketsphinx", language="en")
    if why := pocketsphinx.reason_unavailable(plan):
        raise SystemExit(why)
    children = Children(limits=Limits(yields=True))
    track, speech = next((SAMPLE / "tracks").iterdir()), folder / "speech.wav"
    command = [find(), "-nostdin", "-v", "error", "-stream_loop", "-1", "-i", str(track), "-t", str(WORDS_S)]
    subprocess.run([*command, "-ar", "16000", "-ac", "1", str(speech)], check=True)
    heard = (MadeFile.of(speech),)
    ready, slices = children.run(prepare, "pocketsphinx", plan, ()), children.run(find_slices, heard, False)
    hearing = threading.Semaphore(0)

    def work(number: int) -> None:
        place = folder / f"words-{number}"
        place.mkdir()
        todo = Todo(slices=slices, speech=heard, language="en", languages={}, folder=place)
        with suppress(Stopped):
            children.run(hear, ready, todo, report=lambda _: hearing.release())

    threads = [threading.Thread(target=work, args=(n,)) for n in range(os.cpu_count() or 1)]
    for thread in threads:
        thread.start()
    try:
        for _ in threads:
            hearing.acquire()
        yield
    finally:
        children.stop.set()
        for thread in threads:
            thread.join()


def measure(folder: Path, manifest: dict[str, Any], minutes: float) -> float:
    """Post the room's event to a fresh installation and wait until a podcast app would see its episode; how long that took."""
    port = 8931
    url = f"http://127.0.0.1:{port}"
    settings = {
        "AIRCHECK_DATA_DIR": str(folder / "data"), "AIRCHECK_PUBLIC_URL": url, "AIRCHECK_HOOKS__SECRET": SECRET,
        "AIRCHECK_HOOKS__ROOTS": manifest["root"], "AIRCHECK_HOOKS__UNKNOWN_SHOW": "create", "AIRCHECK_SPEECH__ENGINE": "none",
    }  # fmt: skip
    environment = {**os.environ, **settings}
    up = subprocess.Popen(
        [sys.executable, "-m", "workers.cli", "up", "--port", str(port)], env=environment, stderr=subprocess.DEVNULL
    )  # fmt: skip
    try:
        until(lambda: httpx.get(f"{url}/healthz").status_code == 200)
        began = time.monotonic()
        body = json.dumps(manifest).encode()
        answer = httpx.post(f"{url}/hooks/rooms", content=body, headers=sign(SECRET, int(time.time()), body)).raise_for_status()
        acknowledged = time.monotonic()
        guid = answer.json()["episode"]
        until(lambda: guid in httpx.get(f"{url}/{manifest['room']['show']}/feed.xml").text, every_s=0.5)
        heard = time.monotonic()
        until(lambda: httpx.get(answer.json()["status_url"]).json()["state"] == "done")
        told = subprocess.run(
            [sys.executable, "-m", "workers.cli", "runs", "show", "bench", "--json"],
            env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
    finally:
        up.terminate()
        up.wait()
    files = len(manifest["files"])
    print(
        f"{minutes:.0f} minutes, {files} file{'s' * (files > 1)}: acknowledged in {1000 * (acknowledged - began):.0f} ms,", end=" "
    )
    print(f"in the feed and audible after {heard - began:.1f} s (must 60, aim 40 for an hour)")
    [audio] = [job for job in json.loads(told.stdout)["jobs"] if job["kind"] == "audio"]
    for stage, seconds in audio["timings_s"].items():
        print(f"  {stage:<10} {seconds:7.2f} s")
    return heard - began


def until(true: Any, within_s: float = 900.0, every_s: float = 0.1) -> None:
    """Wait until something is true."""
    ends_at = time.monotonic() + within_s
    while time.monotonic() < ends_at:
        try:
            if true():
                return
        except httpx.TransportError:
            pass
        time.sleep(every_s)
    raise SystemExit(f"not within {within_s:.0f} s")


if __name__ == "__main__":
    main()
