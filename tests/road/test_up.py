"""`aircheck up`: a platform posts a room, listeners find an episode."""

import io
import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import feedparser
import httpx
import podcastparser
import pytest
from defusedxml.ElementTree import fromstring
from fixtures_database import new_postgres_database

from bench.trial.servers import RedisServer

pytest_plugins = ["fakes_s3"]


def event(room: Path, **changes: Any) -> dict[str, Any]:
    """What the platform posts: the room's manifest, and where its files lie."""
    return {**json.loads((room / "room.json").read_text()), "root": str(room), **changes}


def test_a_posted_room_reaches_the_feed_and_every_reader_of_feeds(aircheck: Any, start: Any, room: Path) -> None:
    aircheck("show", "add", "night-shift", "--owner-email", "desk@example.org")
    with start(roots=room.parent) as up:
        answer = up.post(event(room))
        assert answer.status_code == 202
        run = answer.json()["run"]
        up.until(lambda: up.run_state(run) == "done")

        assert up.post(event(room)).status_code == 200
        feed = httpx.get(f"{up.url}/night-shift/feed.xml")
        parsed = feedparser.parse(feed.content)
        assert not parsed.bozo
        [entry] = parsed.entries
        assert entry.id == answer.json()["episode"]
        podcast = podcastparser.parse(str(feed.url), io.BytesIO(feed.content))
        assert podcast["episodes"][0]["enclosures"][0]["mime_type"] == "audio/mpeg"
        assert "in order" in aircheck("feed", "night-shift", "--check").err
        for link in fromstring(feed.content).iter():
            address = link.get("url") or link.get("href") or ""
            if address.startswith(up.url):
                assert httpx.head(address).status_code == 200, address


def test_a_forged_signature_an_unknown_show_and_a_foreign_folder_are_turned_away(start: Any, aircheck: Any, room: Path) -> None:
    with start(roots=room.parent) as up:
        assert up.post(event(room), secret="a guess").status_code == 401
        refused = up.post(event(room))
        assert refused.status_code == 422
        assert "night-shift" in refused.json()["error"]["message"]
        aircheck("show", "add", "night-shift")
        assert up.post(event(room, root="/etc")).status_code == 422
        assert aircheck("episode", "list", "--json").data == {"episodes": []}


def test_a_killed_server_goes_on_with_what_it_had_accepted(aircheck: Any, start: Any, room: Path) -> None:
    aircheck("show", "add", "night-shift")
    with start(roots=room.parent) as up:
        run = up.post(event(room)).json()["run"]
        up.until(lambda: "running" in up.job_states(run))
        up.process.kill()
        up.process.wait()
    with start(roots=room.parent) as up:
        up.until(lambda: up.run_state(run) == "done")
        [episode] = aircheck("episode", "list", "--json").data["episodes"]
        assert episode["state"] == "complete"


def test_a_bare_file_dropped_into_a_watched_folder_reaches_the_feed(aircheck: Any, start: Any, mix: Path, tmp_path: Path) -> None:
    aircheck("show", "add", "drops")
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    with start() as up:
        command = aircheck.command("watch", inbox, "--show", "drops", "--quiet-s", "1")
        with (tmp_path / "watch.log").open("wb") as log:
            watcher = subprocess.Popen(command, cwd=aircheck.folder, env=aircheck.env, stdout=log, stderr=log)
        try:
            content = mix.read_bytes()
            piece = len(content) // 8 + 1
            with (inbox / "Tuesday talk.mp3").open("wb") as growing:
                for start_byte in range(0, len(content), piece):
                    growing.write(content[start_byte : start_byte + piece])
                    growing.flush()
                    time.sleep(0.4)  # three seconds in all, never quiet for one
            up.until(lambda: "Tuesday talk" in httpx.get(f"{up.url}/drops/feed.xml").text)
            [episode] = aircheck("episode", "list", "--json").data["episodes"]
            assert episode["duration_s"] > 30  # the whole of it, and once
        finally:
            watcher.terminate()
            watcher.wait(30)


def test_the_same_actors_work_on_redis_and_postgresql(
    aircheck: Any, start: Any, room: Path, redis_server: RedisServer, postgres_server: str
) -> None:
    where = {
        "AIRCHECK_REDIS_URL": redis_server.url, "AIRCHECK_DATABASE_URL": new_postgres_database(postgres_server, "road"),
    }  # fmt: skip
    aircheck.environment |= where
    aircheck("show", "add", "night-shift")
    with start(roots=room.parent, **where) as up:
        run = up.post(event(room)).json()["run"]
        up.until(lambda: up.run_state(run) == "done")
        assert run_guid(aircheck, run) in httpx.get(f"{up.url}/night-shift/feed.xml").text


def run_guid(aircheck: Any, run: str) -> str:
    return str(aircheck("runs", "show", run, "--json").data["episode_guid"])


def test_the_whole_road_on_s3(aircheck: Any, start: Any, room: Path, s3_service: str, s3_bucket: str) -> None:
    where = {
        "AIRCHECK_STORE__URL": f"s3://{s3_bucket}/pods", "AIRCHECK_STORE__PRIVATE_URL": f"s3://{s3_bucket}/private",
        "AIRCHECK_STORE__ENDPOINT_URL": s3_service,
    }  # fmt: skip
    aircheck.environment |= where
    aircheck("show", "add", "night-shift")
    with start(roots=room.parent, **where) as up:
        run = up.post(event(room)).json()["run"]
        up.until(lambda: up.run_state(run) == "done")
        feed = feedparser.parse(httpx.get(f"{up.url}/night-shift/feed.xml").content)
        [enclosure] = feed.entries[0].enclosures
        audio = httpx.get(enclosure.href)
        assert len(audio.content) == int(enclosure.length)
        assert audio.headers["content-type"] == "audio/mpeg"


@pytest.mark.skipif(not shutil.which("gpo"), reason="gpodder is not installed")
def test_gpodder_subscribes_and_downloads(aircheck: Any, start: Any, room: Path, tmp_path: Path) -> None:
    aircheck("show", "add", "night-shift")
    with start(roots=room.parent) as up:
        run = up.post(event(room)).json()["run"]
        up.until(lambda: up.run_state(run) == "done")

        def gpo(*words: str) -> str:
            home = {"HOME": str(tmp_path), "GPODDER_HOME": str(tmp_path / "gpo"), "PATH": "/usr/bin:/bin", "TERM": "xterm"}
            done = subprocess.run(["gpo", *words], env=home, capture_output=True, text=True, timeout=120, check=False)
            return done.stdout

        assert "Successfully added" in gpo("subscribe", f"{up.url}/night-shift/feed.xml")
        assert "1 episodes downloaded" in gpo("download")
        [download] = (tmp_path / "gpo" / "Downloads").rglob("*.mp3")
        stored = aircheck("episode", "show", run, "--json").data["renditions"][0]
        assert download.stat().st_size == stored["size_bytes"]
