"""A show's own music: taken from its creator into the private store, and brought to whoever makes an episode."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from feeds.catalogue import KeptFile, ShowAudio, find_show
from pipeline.child import Children
from pipeline.errors import Refused
from pipeline.models import MadeFile
from pipeline.music import MOST_BYTES, PARTS, Part, tasted
from pipeline.plan import MusicPlan
from pipeline.stores import Store
from pipeline.text import clean_line
from workers.house import House

CACHE = "private, no-store"


def kept(house: House, slug: str, files: Mapping[str, Path]) -> dict[str, KeptFile]:
    """The files by part where the private store now has them, each found fit for it. Refused, in one line, where one is not.

    A piece lies under the sum of its bytes: an episode that is being made goes on with the one it began with.
    """
    with house.database.read() as session:
        if find_show(session, slug) is None:
            raise Refused(f"there is no show {slug}; see: aircheck show list", code="unknown_show")
    made = {part: _fit(house, part, files[part]) for part in PARTS if part in files}
    return {part: _stored(house.private, slug, file) for part, file in made.items()}


def _fit(house: House, part: Part, path: Path) -> MadeFile:
    name = clean_line(path.name, 80)
    if not path.is_file():
        raise Refused(f"there is no file {name} to be the {part}", code="no_file")
    if path.stat().st_size > MOST_BYTES:
        raise Refused(f"{name} cannot be the {part}: it has more than {MOST_BYTES >> 20} MB", code="too_large")
    made = MadeFile.of(path.resolve())
    try:
        Children(limits=house.limits("audio")).run(tasted, made, part)
    except Refused as refusal:
        raise Refused(f"{name} cannot be the {part}: {refusal}", code=refusal.code) from refusal
    return made


def _stored(private: Store, slug: str, made: MadeFile) -> KeptFile:
    key = f"{slug}/_music/{made.sha256[:16]}{_suffix(made.path)}"
    private.put(key, made.path, mime_type="application/octet-stream", cache_control=CACHE)
    return KeptFile(path=clean_line(made.path.name, 80), key=key, size_bytes=made.size_bytes, sha256=made.sha256)


def _suffix(path: Path) -> str:
    return path.suffix.lower() if re.fullmatch(r"\.[a-z0-9]{1,5}", path.suffix.lower()) else ""


def brought(private: Store, audio: ShowAudio, folder: Path) -> MusicPlan:
    """The show's pieces in that folder; one that is not in the store as it was put there is told of by whoever would play it."""
    plan = MusicPlan()
    for part in PARTS:
        piece: KeptFile | None = getattr(audio, part)
        if piece is not None:
            plan = replace(plan, **{part: _brought(private, piece, folder)})
    return plan


def _brought(private: Store, piece: KeptFile, folder: Path) -> MadeFile:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / piece.key.rpartition("/")[2]
    meant = MadeFile(path=path, size_bytes=piece.size_bytes, sha256=piece.sha256)
    if private.stat(piece.key) is not None:
        private.download(piece.key, path)
        if MadeFile.of(path) != meant:
            path.unlink()
    return meant
