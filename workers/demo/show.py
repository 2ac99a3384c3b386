"""`aircheck demo`: the sample room goes the whole road, as a platform's room would.

An `aircheck up` of its own is started, the room's signed event is posted to its door, and the rest is waiting and telling.
"""

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from feeds.catalogue import add_show
from pipeline import shelf
from pipeline.errors import Broken, Refused
from pipeline.plan import SpeechPlan
from workers import ledger
from workers.cli import console
from workers.demo.telling import tell_complete, tell_listen_now
from workers.hooks import sign
from workers.house import House
from workers.ledger import Run
from workers.serving import login_address
from workers.settings import Settings, load
from workers.wiring import open_house

SAMPLE = Path(__file__).parent / "sample"
MARK = ".aircheck-demo"
START_S, LOOK_S = 30.0, 0.25
SHOW = {"title": "The Night Shift", "author": "Aircheck", "drafts": "public"}


def run_demo(*, once: bool, port: int, folder: Path) -> None:
    """From "the room has ended" to a complete episode; then serve it until Ctrl-C, or end with `once`."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server we started ends with us
    folder = _made_new(folder)
    settings = _settled(folder, port or _free_port())
    with open_house(settings) as house:
        _make_show(house)
        with _up(folder, settings) as process:
            _demonstrate(house, process)
            if not once:
                console.out(f"\nserving until Ctrl-C; the studio opens once at {login_address(house)}")
                with contextlib.suppress(KeyboardInterrupt):
                    process.wait()


def _demonstrate(house: House, process: subprocess.Popen[bytes]) -> None:
    ended_at = time.monotonic()
    run_id = _post_event(house)
    with console.following() as follow:
        for run in _watched(house, run_id, process):
            _show_progress(run, follow)
            if _is_in_feed(house, run):
                break
        heard_s = time.monotonic() - ended_at
        tell_listen_now(house, run_id, heard_s)
        for run in _watched(house, run_id, process):
            _show_progress(run, follow)
    tell_complete(house, run_id, time.monotonic() - ended_at)


# ---- the installation


def _made_new(folder: Path) -> Path:
    """An empty folder of ours; only an earlier demo is ever replaced."""
    folder = folder.expanduser().absolute()
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARK).exists():
            raise Refused(f"{folder} holds files that are not a demo's; choose another with --out", code="not_a_demo")
        shutil.rmtree(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MARK).touch()
    except OSError as error:
        raise Refused(f"cannot write to {folder}: {error.strerror}; choose another with --out", code="unwritable") from error
    return folder


def _settled(folder: Path, port: int) -> Settings:
    """The demo's settings, written where everybody can read them."""
    engine = _engine()
    lines = [
        "# The demo's own settings.",
        f"data_dir = {json.dumps(str(folder))}",
        f'public_url = "http://127.0.0.1:{port}"',
        "",
        "[hooks]",
        f"roots = [{json.dumps(str(SAMPLE))}]",
        'secret_file = "' + str(folder / "hook-secret") + '"',
        "",
        "[speech]",
        "# Without a Whisper model the words are a draft by PocketSphinx; the demo's show allows drafts to be seen, labelled.",
        f'engine = "{engine}"',
        "download = false",
    ]
    (folder / "hook-secret").write_text(secrets.token_hex(32))
    (folder / "hook-secret").chmod(0o600)
    (folder / "aircheck.toml").write_text("\n".join(lines) + "\n")
    return load(folder / "aircheck.toml")


def _engine() -> str:
    """The best recogniser that is here."""
    for name in ("faster_whisper", "pocketsphinx"):
        if not shelf.take("pipeline.engines", name).reason_unavailable(SpeechPlan(download=False)):
            return name
    return "none"


def _make_show(house: House) -> None:
    slug = _room()["room"]["show"]
    with house.database.begin() as session:
        made = add_show(session, slug, house.site.public_url, **SHOW)
        ledger.feed_changed(session, made.id)


@contextlib.contextmanager
def _up(folder: Path, settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """`aircheck up` in a process of its own, ended by its own pid."""
    port = settings.public_url.rpartition(":")[2]
    environment = {**os.environ, "AIRCHECK_CONFIG": str(folder / "aircheck.toml")}
    with (folder / "up.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "workers.cli", "up", "--port", port], env=environment, stdout=log, stderr=log
        )  # fmt: skip
    try:
        _await_health(settings.public_url, process, folder)
        yield process
    finally:
        process.terminate()
        process.wait()


def _await_health(url: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    ends_at = time.monotonic() + START_S
    while time.monotonic() < ends_at and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/healthz").status_code == 200:
                return
        time.sleep(LOOK_S)
    raise Broken(f"aircheck up did not start within {START_S:.0f} s; see {folder / 'up.log'}", code="not_up")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# ---- the room ends


def _room() -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((SAMPLE / "room.json").read_text())
    return manifest


def _post_event(house: House) -> str:
    """Post the sample room's signed event to the hook; the run it began."""
    body = json.dumps({**_room(), "root": str(SAMPLE)}).encode()
    secret = house.settings.hooks.secret.get_secret_value()
    answer = httpx.post(f"{house.settings.public_url}/hooks/rooms", content=body, headers=sign(secret, int(time.time()), body))
    if answer.status_code != 202:
        raise Broken(f"the hook answered {answer.status_code}: {answer.text[:200]}", code="hook")
    return str(answer.json()["run"])


def _watched(house: House, run_id: str, process: subprocess.Popen[bytes]) -> Iterator[Run]:
    """The run as it stands, again and again until it has ended. Errors: `Broken` when it failed, or the server died."""
    while True:
        with house.database.read() as session:
            run = ledger.run(session, run_id)
        assert run
        yield run
        if run.state == "done":
            return
        if run.state in ("failed", "cancelled", "held"):
            raise Broken(f"the run is {run.state}: {run.reason}", code="demo_failed")
        if process.poll() is not None:
            raise Broken(f"aircheck up ended with status {process.returncode}", code="not_up")
        time.sleep(LOOK_S)


def _show_progress(run: Run, follow: console.Follow) -> None:
    for job in run.jobs:
        if job.state == "running" and job.progress.stage:
            follow(job.progress.stage, job.progress.share, job.progress.note)


def _is_in_feed(house: House, run: Run) -> bool:
    """Whether a podcast app would see the episode now."""
    feed = httpx.get(house.address(f"{run.show_slug}/feed.xml"))
    return feed.status_code == 200 and run.episode_guid in feed.text
