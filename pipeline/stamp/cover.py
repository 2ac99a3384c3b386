"""The cover as it goes into files: a picture that weighs little, for every listener downloads it with every episode."""

from pathlib import Path

from pipeline.child import Children
from pipeline.errors import Refused
from pipeline.models import MadeFile
from pipeline.picture import smaller

COVER_BYTES = 300 << 10
# Tried in this order: pixels and JPEG quality.
COVER_SIZES = ((1400, 85), (1400, 60), (800, 60), (500, 40))
KINDS = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png"}


def presentable(cover: MadeFile | None, children: Children, folder: Path) -> MadeFile | None:
    """The cover as a JPEG or PNG that is not heavy, made smaller where it must be; None where it cannot be read."""
    if cover is None or (cover.size_bytes <= COVER_BYTES and mime_type_of(cover.path.read_bytes())):
        return cover
    try:
        return children.run(smaller, cover, folder / "cover.jpg", COVER_SIZES, COVER_BYTES)
    except Refused:
        return None


def mime_type_of(picture: bytes) -> str:
    """`image/jpeg` or `image/png`; empty for what is neither."""
    return next((kind for head, kind in KINDS.items() if picture.startswith(head)), "")
