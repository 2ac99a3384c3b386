"""A picture that somebody sent becomes a JPEG that weighs little and tells nothing else: one frame, no notes of camera or place."""

from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from pipeline.child import Children, Report
from pipeline.errors import Refused
from pipeline.journal import place
from pipeline.models import MadeFile

# The only kinds that are ever opened; others hide programs.
KINDS = ("JPEG", "PNG", "WEBP", "GIF")
MOST_PIXELS = 40_000_000
CHAPTER_BYTES = 60_000
# Tried in this order: pixels of the longer side and JPEG quality.
CHAPTER_SIZES = ((600, 80), (600, 55), (400, 50), (300, 30))
WHITE = (255, 255, 255)


def small_picture(picture: MadeFile, *, children: Children, scratch: Path) -> MadeFile:
    """The picture as chapters carry it, upright. Errors: `Refused` when it is no picture, or too large a one."""
    return children.run(smaller, picture, place(scratch, small_picture, picture) / "small.jpg", CHAPTER_SIZES, CHAPTER_BYTES)


def smaller(picture: MadeFile, target: Path, sizes: tuple[tuple[int, int], ...], most_bytes: int, report: Report) -> MadeFile:
    """The picture as a JPEG of the first size that weighs no more; works in the child. Refused when it cannot be read."""
    try:
        whole = _opened(picture.path)
        for pixels, quality in sizes:
            whole.thumbnail((pixels, pixels))
            whole.save(target, "JPEG", quality=quality, optimize=True)
            if target.stat().st_size <= most_bytes:
                break
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise Refused("it is no picture that can be read; JPEG, PNG, WebP and GIF can", code="picture") from error
    report(1.0)
    return MadeFile.of(target)


def _opened(path: Path) -> Image.Image:
    """Its first frame, upright and opaque, with its pixels alone."""
    Image.MAX_IMAGE_PIXELS = None  # counted here, before any is decoded
    with Image.open(path, formats=KINDS) as picture:
        if picture.width * picture.height > MOST_PIXELS:
            figures = f"{picture.width:,} × {picture.height:,} pixels; at most {MOST_PIXELS:,} are read"
            raise Refused(f"it has {figures}", code="picture")
        upright = ImageOps.exif_transpose(picture)
        if not upright.has_transparency_data:
            return _bare(upright.convert("RGB"))
        painted = upright.convert("RGBA")
        on_paper = Image.new("RGB", painted.size, WHITE)
        on_paper.paste(painted, mask=painted)
        return on_paper


def _bare(picture: Image.Image) -> Image.Image:
    picture.info.clear()
    return picture
