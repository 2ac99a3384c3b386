"""A picture as PNG, in the light theme and in the house's font, for mail and wherever else SVG is not shown."""

import io
import re
from collections.abc import Iterator
from functools import cache

from PIL import Image, ImageDraw, ImageFont

from feeds.pages.assets import font_path
from feeds.pages.cover import WRITABLE, stem_of
from feeds.soundcheck.drawing import LIGHT, ON_STAGE, Box, Disc, Picture, Shape, Strokes, Text

# Pixels of a fine screen to one of the picture's.
SCALE = 2
_MARGIN = 24
_COLOURS = ON_STAGE | LIGHT
_MINUS = 0x2212
# In place of what the font has no letters for: a name in another script is told in the SVG and in the JSON.
_UNWRITTEN = "…"


def png(picture: Picture) -> bytes:
    """The whole file; the same bytes for the same picture."""
    width, height = (round((side + 2 * _MARGIN) * SCALE) for side in (picture.width, picture.height))
    image = Image.new("RGB", (width, height), _COLOURS["card"])
    pen = ImageDraw.Draw(image)
    for shape in picture.shapes:
        _draw(pen, shape)
    out = io.BytesIO()
    image.quantize(128, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def _draw(pen: ImageDraw.ImageDraw, shape: Shape) -> None:
    match shape:
        case Box():
            _box(pen, shape)
        case Disc():
            _disc(pen, shape)
        case Strokes():
            _strokes(pen, shape)
        case Text():
            _text(pen, shape)


def _box(pen: ImageDraw.ImageDraw, box: Box) -> None:
    corners = (*_at(box.x, box.y), *_at(box.x + box.width, box.y + box.height))
    pen.rounded_rectangle(corners, radius=box.radius * SCALE, fill=_COLOURS[box.colour])


def _disc(pen: ImageDraw.ImageDraw, disc: Disc) -> None:
    reach = disc.radius + disc.ring
    corners = (*_at(disc.x - reach, disc.y - reach), *_at(disc.x + reach, disc.y + reach))
    colour = _COLOURS[disc.colour]
    if disc.ring:
        pen.ellipse(corners, outline=colour, width=2 * SCALE)
    else:
        pen.ellipse(corners, fill=colour)


def _strokes(pen: ImageDraw.ImageDraw, strokes: Strokes) -> None:
    for x1, y1, x2, y2 in strokes.lines:
        pen.line((*_at(x1, y1), *_at(x2, y2)), fill=_COLOURS[strokes.colour], width=round(strokes.width * SCALE))


def _text(pen: ImageDraw.ImageDraw, text: Text) -> None:
    runs = [(run, _font(stem, round(text.size * SCALE), text.heavy)) for stem, run in _runs(text.text)]
    width = sum(font.getlength(run) for run, font in runs)
    x, y = _at(text.x, text.y)
    x -= {"start": 0.0, "middle": width / 2, "end": width}[text.anchor]
    for run, font in runs:
        pen.text((x, y), run, font=font, fill=_COLOURS[text.colour], anchor="ls")
        x += font.getlength(run)


def _runs(text: str) -> Iterator[tuple[str, str]]:
    """(file of the font, what it writes), in order."""
    writable = "".join(letter if ord(letter) in WRITABLE or ord(letter) == _MINUS else "\0" for letter in text)
    for run in re.findall(r"\S*\s*", re.sub("\0+", _UNWRITTEN, writable)):
        yield from _by_font(run)


def _by_font(word: str) -> Iterator[tuple[str, str]]:
    begun = 0
    for n in range(1, len(word) + 1):
        if n == len(word) or _stem(word[n]) != _stem(word[begun]):
            yield _stem(word[begun]), word[begun:n]
            begun = n


def _stem(letter: str) -> str:
    return "instrument-sans-latin" if ord(letter) == _MINUS else stem_of(letter)


def _at(x: float, y: float) -> tuple[float, float]:
    return (x + _MARGIN) * SCALE, (y + _MARGIN) * SCALE


@cache
def _font(stem: str, size: int, heavy: bool) -> ImageFont.FreeTypeFont:
    font = ImageFont.truetype(font_path(stem), size, layout_engine=ImageFont.Layout.BASIC)
    font.set_variation_by_axes([100, 600 if heavy else 400])
    return font
