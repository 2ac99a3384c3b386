"""Whatever was pinned becomes a small plain picture, or is refused before it can do harm."""

import struct
import zlib
from pathlib import Path

import pytest
from fakes_children import Here
from PIL import Image

from pipeline.child import Children
from pipeline.errors import Refused
from pipeline.models import MadeFile
from pipeline.picture import CHAPTER_BYTES, small_picture

ORIENTATION, MAKER, DRAWN_BY = 0x0112, 0x010F, 0x013B


def small(path: Path, children: Children | None = None) -> MadeFile:
    return small_picture(MadeFile.of(path), children=children or Here(), scratch=path.parent)


def png(width: int, height: int) -> bytes:
    """One that says it is so large."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(1 << 20))), (b"IEND", b"")]
    written = b"".join(struct.pack(">I", len(c)) + kind + c + struct.pack(">I", zlib.crc32(kind + c)) for kind, c in chunks)
    return b"\x89PNG\r\n\x1a\n" + written


HOSTILE = {
    "thirty thousand pixels square": png(30_000, 30_000),
    "a GIF of four thousand million": b"GIF89a"
    + b"\xff" * 4
    + bytes(3)
    + b","
    + bytes(4)
    + b"\xff" * 4
    + b"\x00\x02\x02D\x01\x00;",
    "text": b"This is no picture at all.",
    "nothing": b"",
    "a program for a printer": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n",
    "a drawing": b'<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>',
    "half a picture": png(600, 600)[:60],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_picture_or_too_large_a_one_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "pinned.jpg").write_bytes(HOSTILE[name])
    with pytest.raises(Refused, match=r"no picture that can be read|at most 40,000,000 are read"):
        small(tmp_path / "pinned.jpg")


def test_a_photograph_is_upright_small_and_tells_nothing_of_where_it_was_taken(tmp_path: Path, children: Children) -> None:
    path = tmp_path / "photo.jpg"
    photo = Image.effect_noise((3000, 2000), 90).convert("RGB")
    photo.paste("red", (0, 0, 3000, 600))
    about = Image.Exif()
    about[ORIENTATION], about[MAKER], about[DRAWN_BY] = 6, "ACME", "Ana at home"
    photo.save(path, exif=about, comment=b"at home", quality=95)
    made = small(path, children)
    with Image.open(made.path) as picture:
        assert (picture.format, picture.mode) == ("JPEG", "RGB")
        assert picture.height > picture.width and max(picture.size) <= 600
        red, green, _ = picture.getpixel((picture.width - 5, picture.height // 2))
        assert red > 150 > green
        assert not picture.getexif() and "comment" not in picture.info
    assert made.size_bytes <= CHAPTER_BYTES
    assert not any(word in made.path.read_bytes() for word in (b"ACME", b"Ana", b"home"))


def test_what_is_not_painted_is_white_and_of_a_film_there_is_its_first_picture(tmp_path: Path) -> None:
    Image.new("RGBA", (50, 50), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    frames = [Image.new("RGB", (50, 50), colour) for colour in ("white", *["black"] * 200)]
    frames[0].save(tmp_path / "film.gif", save_all=True, append_images=frames[1:])
    for name in ("clear.png", "film.gif"):
        with Image.open(small(tmp_path / name).path) as picture:
            assert min(picture.getpixel((25, 25))) > 250


def test_the_same_picture_gives_the_same_bytes_under_any_name(tmp_path: Path) -> None:
    Image.new("RGB", (700, 70), "teal").save(tmp_path / "a.webp")
    (tmp_path / "b").write_bytes((tmp_path / "a.webp").read_bytes())
    assert small(tmp_path / "a.webp").sha256 == small(tmp_path / "b").sha256
