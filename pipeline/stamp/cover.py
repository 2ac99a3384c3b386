"""The cover as it goes into files: a picture that weighs little, for every listener downloads it with every episode."""

from pathlib import Path

from PIL import Image, UnidentifiedImageError

from pipeline.child import Children, Report
from pipeline.errors import Refused
from pipeline.models import MadeFile

COVER_BYTES = 300 << 10
# Tried in this order: pixels and JPEG quality.
COVER_SIZES = ((1400, 85), (1400, 60), (800, 60), (500, 40))
COVER_PIXELS = 40_000_000
KINDS = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png"}


def presentable(cover: MadeFile | None, children: Children, folder: Path) -> MadeFile | None:
    """The cover as a JPEG or PNG that is not heavy, made smaller where it must be; None where it cannot be read."""
    if cover is None or (cover.size_bytes <= COVER_BYTES and mime_type_of(cover.path.read_bytes())):
        return cover
    try:
        return children.run(smaller, cover, folder / "cover.jpg")
    except Refused:
        return None


def mime_type_of(picture: bytes) -> str:
    """`image/jpeg` or `image/png`; empty for what is neither."""
    return next((kind for head, kind in KINDS.items() if picture.startswith(head)), "")


def smaller(cover: MadeFile, target: Path, report: Report) -> MadeFile:
    """The picture as a JPEG that weighs little; works in the child. Refused when it is no picture, or too large a one."""
    Image.MAX_IMAGE_PIXELS = None
    try:
        with Image.open(cover.path) as picture:
            if picture.width * picture.height > COVER_PIXELS:
                raise Refused(f"the cover has {picture.width} × {picture.height} pixels; at most 40 million are read", code="cover")
            whole = picture.convert("RGB")
        for pixels, quality in COVER_SIZES:
            whole.thumbnail((pixels, pixels))
            whole.save(target, "JPEG", quality=quality, optimize=True)
            if target.stat().st_size <= COVER_BYTES:
                break
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise Refused(f"the cover cannot be read: {error}", code="cover") from error
    report(1.0)
    return MadeFile.of(target)
