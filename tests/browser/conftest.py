"""A browser, and a small server for a folder of pages that knows Range, as every store must."""

import functools
import http.server
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import fakes_pages as room
import imageio_ffmpeg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from feeds.pages import assets, episode_cover, episode_page, show_cover, show_page


class _Ranged(http.server.SimpleHTTPRequestHandler):
    """A folder served with Range requests answered by 206."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        path = Path(self.translate_path(self.path))
        if not wanted or not path.is_file():
            return super().do_GET()
        size = path.stat().st_size
        start, end = int(wanted[1]), min(int(wanted[2] or size - 1), size - 1)
        self.send_response(206)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Range", f"bytes {start}-{end}/{size}")
        self.send_header("Content-Length", str(end - start + 1))
        self.end_headers()
        return self.wfile.write(path.read_bytes()[start : end + 1])

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True  # a browser that seeks away hangs up

    def log_message(self, *_: Any) -> None:
        """Tests talk enough."""


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real MP3 as long as the room: a tone that wavers."""
    path = tmp_path_factory.mktemp("sound") / "episode.mp3"
    tone = f"sine=f=220:b=4:r=16000:d={room.DURATION_S}"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", tone, "-ac", "1", "-b:a", "24k", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


@pytest.fixture(scope="session")
def site(sound: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a show with one rich episode and its poorer sisters, each in a folder of its own."""
    folder = tmp_path_factory.mktemp("site")
    for key, content in _files().items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if path.name == "index.html" and path.parent.parent != folder:
            shutil.copy(sound, path.parent / "episode.mp3")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Ranged, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/late-build/"
        server.shutdown()
        thread.join()


def _files() -> dict[str, bytes]:
    show = room.show()
    sisters = [room.episode(slug) for slug in ("rich", "draft", "wordless", "mixed", "bare")]
    rich = sisters[0]
    mixed = replace(sisters[3], sound=room.mixed_sound())
    pages = {
        "rich": episode_page(show, rich, room.script(), room.SITE),
        "draft": episode_page(show, sisters[1], room.script(quality="draft"), room.SITE),
        "wordless": episode_page(show, replace(sisters[2], state="audible"), room.wordless(), room.SITE),
        "mixed": episode_page(show, mixed, room.script(chapters=()), room.SITE),
        "bare": episode_page(show, replace(sisters[4], sound=None, people=()), room.wordless(chapters=()), room.SITE),
    }
    return {
        **{f"_assets/{name}": asset.content for name, asset in assets().items()},
        **{f"late-build/{slug}/index.html": page for slug, page in pages.items()},
        "late-build/index.html": show_page(show, [*sisters[:3], mixed, *sisters, *sisters], room.SITE),
        "late-build/cover.jpg": show_cover(show),
        "late-build/rich/cover.jpg": episode_cover(show, rich),
    }


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium of the system; without one, tests that need it are skipped by name."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("needs the package chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """A fresh profile; `@pytest.mark.parametrize("context", [{...}], indirect=True)` sets its options."""
    options = {"viewport": {"width": 1280, "height": 900}} | getattr(request, "param", {})
    context = browser.new_context(**options)
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab; whatever the page complains about fails its test."""
    tab, complaints = context.new_page(), []
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None)
    yield tab
    assert not complaints
