"""A picture as SVG: text that stays text, escaped; no script, no address, no font of anybody else."""

from collections.abc import Mapping
from html import escape

from feeds.soundcheck.drawing import DARK, LIGHT, ON_STAGE, Box, Disc, Picture, Shape, Strokes, Text

_MARGIN = 24


def inside(picture: Picture) -> str:
    """What stands between `<svg>` and `</svg>`; its colours are classes of `style()`."""
    return "".join(map(_drawn, picture.shapes))


def view_box(picture: Picture, margin: float = 0) -> str:
    """The part of the plane that it takes."""
    return " ".join(_px(value) for value in (-margin, -margin, picture.width + 2 * margin, picture.height + 2 * margin))


def svg(picture: Picture) -> bytes:
    """The whole file, on a card of its own, in the theme of whoever looks."""
    width, height = (_px(side + 2 * _MARGIN) for side in (picture.width, picture.height))
    card = Box(x=-_MARGIN, y=-_MARGIN, width=picture.width + 2 * _MARGIN, height=picture.height + 2 * _MARGIN, colour="card")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="check" role="img" aria-label="{escape(picture.told)}"'
        f' width="{width}" height="{height}" viewBox="{view_box(picture, _MARGIN)}">'
        f"<style>{style()}</style>{_drawn(card)}{inside(picture)}</svg>\n"
    ).encode()


def style() -> str:
    """The colours as classes below `.check`, and its letters; the stage is the same in both themes."""
    letters = '.check text{font-family:"Instrument Sans","Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}'
    weights = ".check .heavy{font-weight:600}.check path{fill:none}"
    themes = f"{_classes(LIGHT)}@media (prefers-color-scheme:dark){{{_classes(DARK)}}}"
    return f"{letters}{weights}{_classes(ON_STAGE)}{themes}"


def _classes(palette: Mapping[str, str]) -> str:
    return "".join(f".check .{name}{{color:{colour}}}" for name, colour in palette.items())


# ---- shapes


def _drawn(shape: Shape) -> str:
    match shape:
        case Box():
            return _box(shape)
        case Disc():
            return _disc(shape)
        case Strokes():
            return _strokes(shape)
        case Text():
            return _text(shape)


def _box(box: Box) -> str:
    place = f'x="{_px(box.x)}" y="{_px(box.y)}" width="{_px(box.width)}" height="{_px(box.height)}"'
    rounded = f' rx="{_px(box.radius)}"' if box.radius else ""
    return f'<rect class="{box.colour}" fill="currentColor" {place}{rounded}/>'


def _disc(disc: Disc) -> str:
    paint = 'fill="none" stroke="currentColor" stroke-width="2"' if disc.ring else 'fill="currentColor"'
    return f'<circle class="{disc.colour}" {paint} cx="{_px(disc.x)}" cy="{_px(disc.y)}" r="{_px(disc.radius)}"/>'


def _strokes(strokes: Strokes) -> str:
    path = "".join(f"M{_px(x1)} {_px(y1)}L{_px(x2)} {_px(y2)}" for x1, y1, x2, y2 in strokes.lines)
    return f'<path class="{strokes.colour}" stroke="currentColor" stroke-width="{_px(strokes.width)}" d="{path}"/>' if path else ""


def _text(text: Text) -> str:
    classes = f"{text.colour} heavy" if text.heavy else text.colour
    anchor = f' text-anchor="{text.anchor}"' if text.anchor != "start" else ""
    place = f'x="{_px(text.x)}" y="{_px(text.y)}" font-size="{_px(text.size)}"{anchor}'
    return f'<text class="{classes}" fill="currentColor" {place}>{escape(text.text)}</text>'


def _px(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
