"""The machine itself: Python, folders, space, clock, fonts."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from workers.doctor.findings import ANSWER_S, Finding, bad, well, worrying
from workers.settings import Settings

PYTHONS = ((3, 11), (3, 14))
# Room for a few rooms at work beside the floor.
ROOMY_BYTES = 4 << 30


def python(_settings: Settings) -> Iterator[Finding]:
    """A version we are tested on."""
    version = ".".join(map(str, sys.version_info[:3]))
    good = PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]
    yield well("python", version) if good else worrying("python", version, "use Python 3.11 to 3.14")


def data_dir(settings: Settings) -> Iterator[Finding]:
    """A folder that we may write."""
    place = _standing(settings.data_dir)
    if os.access(place, os.W_OK | os.X_OK):
        yield well("data_dir", f"{settings.data_dir} can be written")
    else:
        yield bad("data_dir", f"{settings.data_dir} cannot be written", f"sudo chown -R $USER {place}")


def disk(settings: Settings) -> Iterator[Finding]:
    """Free space wherever we write, against the floor below which no job begins."""
    floor_bytes = settings.limits.free_bytes
    for place, names in _disks(settings).items():
        free_bytes = shutil.disk_usage(place).free
        said = f"{free_bytes / 1e9:,.1f} GB free for {', '.join(names)}"
        if free_bytes < floor_bytes:
            yield bad(
                "disk", f"{said}; below {floor_bytes / 1e9:,.1f} GB no job begins", "make room, or move it: data_dir, store.url"
            )
        elif free_bytes < floor_bytes + ROOMY_BYTES:
            yield worrying("disk", said, "make room, or move it: data_dir, store.url")
        else:
            yield well("disk", said)


def clock(_settings: Settings) -> Iterator[Finding]:
    """Whether something keeps our clock; those of database, Redis and stores are compared with it in their own findings."""
    if shutil.which("timedatectl") is None:
        yield well("clock", "nothing here tells whether it is kept; the others' clocks are compared with it")
        return
    asked = ["timedatectl", "show", "--property=NTPSynchronized", "--value"]
    told = subprocess.run(asked, capture_output=True, text=True, timeout=ANSWER_S, check=False).stdout.strip()
    if told == "no":
        yield worrying("clock", "nothing keeps this machine's clock", "timedatectl set-ntp true")
    else:
        yield well("clock", "kept by the network's time" if told == "yes" else "timedatectl does not tell whether it is kept")


def fonts(_settings: Settings) -> Iterator[Finding]:
    """Covers and pages are drawn with fonts of our own."""
    from PIL import ImageFont

    from feeds.pages.assets import font_path

    stems = ("instrument-sans-latin", "newsreader-latin")
    try:
        for stem in stems:
            ImageFont.truetype(font_path(stem), 20)
    except OSError as error:
        yield bad("fonts", f"covers cannot be drawn: {error}", "pip install --force-reinstall pillow aircheck")
    else:
        yield well("fonts", f"{len(stems)} fonts for covers and pages")


def _disks(settings: Settings) -> dict[Path, list[str]]:
    """One place on each disk we write to, and what we write there."""
    folders = {"scratch": settings.data_dir / "scratch"}
    for name, url in (("store.url", settings.store.url), ("store.private_url", settings.store.private_url)):
        if url.startswith("file://"):
            folders[name] = Path(unquote(urlsplit(url).path))
    disks: dict[int, tuple[Path, list[str]]] = {}
    for name, folder in folders.items():
        place = _standing(folder)
        disks.setdefault(place.stat().st_dev, (place, []))[1].append(name)
    return dict(disks.values())


def _standing(folder: Path) -> Path:
    """The folder, or as much of its path as is there already."""
    return next(path for path in (folder, *folder.parents) if path.exists())
