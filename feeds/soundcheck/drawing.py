"""What a picture is made of: four shapes in the colours of the house, which every writer can draw. Pixels; y grows downwards."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from feeds.pages.voices import STAGE_COLOUR, TEXT_ON_STAGE, VOICE_COLOURS

# Where it is narrower, things stand below one another.
BREAK_PX = 560.0

# Sound stands on the stage, which is the same in both themes; words stand on paper.
ON_STAGE = {
    "stage": STAGE_COLOUR, "on": TEXT_ON_STAGE, "on2": "#b9b9c8", "on3": "#8f8fa1", "rule": "#2b2b37", "meant": "#5fd39c",
    "meant2": "#1d3a2d", "cut": "#ff8a80", "lost": "#f5b452", "lost2": "#33260f",
    **{f"v{n}": c for n, c in enumerate(("#8f8fa1", *VOICE_COLOURS))},
}  # fmt: skip
LIGHT = {"card": "#ffffff", "line": "#e2e2e8", "ink": "#14141a", "ink2": "#474753", "ink3": "#62626f"}
DARK = {"card": "#17171e", "line": "#2a2a34", "ink": "#f3f3f7", "ink2": "#bdbdc9", "ink3": "#9090a0"}

# Of the size of the type, generously: what a letter takes in the house's font and in those that stand in for it.
_LETTER, _HEAVIER = 0.58, 1.08
_LETTERS = {**dict.fromkeys("iljtfrI.,:;'|!()[] ", 0.36), **dict.fromkeys("MWmw@%", 0.95), "…": 0.95}
_CAPITAL, _WIDE = 0.7, 1.05
# What joins the letter before it and takes no room of its own.
_MARKS, _SKIN_TONES = {"Mn", "Me", "Cf"}, "🏻🏼🏽🏾🏿"


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    x: float
    y: float
    width: float
    height: float
    colour: str
    radius: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Disc:
    """Filled, or with `ring` a line around what lies below it."""

    x: float
    y: float
    radius: float
    colour: str
    ring: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Strokes:
    """Straight lines (x1, y1, x2, y2) of one colour."""

    lines: tuple[tuple[float, float, float, float], ...]
    colour: str
    width: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One line; `y` is its baseline, `x` its end that does not move."""

    x: float
    y: float
    text: str
    colour: str
    size: float = 14.0
    heavy: bool = False
    anchor: Literal["start", "middle", "end"] = "start"


Shape: TypeAlias = Box | Disc | Strokes | Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Shapes below one another, and where they end."""

    shapes: tuple[Shape, ...]
    bottom: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """`told` says the same in words."""

    width: float
    height: float
    shapes: tuple[Shape, ...]
    told: str


def hatched(x: float, y: float, width: float, height: float, *, step: float = 6.0) -> Iterator[tuple[float, float, float, float]]:
    """Slanted lines that fill a rectangle and end at its edges."""
    at = step
    while at < width + height:
        yield x + max(at - height, 0.0), y + min(at, height), x + min(at, width), y + max(at - width, 0.0)
        at += step


# ---- how long words are


def width_of(text: str, size: float, *, heavy: bool = False) -> float:
    """About how much room a line takes: no reader need have the house's font, so nobody can know."""
    return sum(_share(letter) for letter in text) * size * (_HEAVIER if heavy else 1.0)


def _share(letter: str) -> float:
    if letter in _LETTERS:
        return _LETTERS[letter]
    if unicodedata.category(letter) in _MARKS or letter in _SKIN_TONES:
        return 0.0
    if unicodedata.east_asian_width(letter) in {"W", "F"} or ord(letter) > 0xFFFF:
        return _WIDE
    return _CAPITAL if letter.isupper() else _LETTER


def shortened(text: str, size: float, room: float, *, heavy: bool = False) -> str:
    """The line, or as much of its beginning as there is room for; no letter loses its marks."""
    if width_of(text, size, heavy=heavy) <= room:
        return text
    while text and width_of(f"{text}…", size, heavy=heavy) > room:
        text = _without_last(text)
    return f"{text.rstrip()}…"


def _without_last(text: str) -> str:
    """The text without its last letter as people see it: with its marks, and with what is joined to it."""
    end = len(text) - 1
    while end > 0 and (_share(text[end]) == 0.0 or text[end - 1] == "\u200d"):
        end -= 1
    return text[:end]


def wrapped(text: str, size: float, room: float, *, most: int = 3) -> Sequence[str]:
    """The text in lines; what does not fit into the last one is left out there."""
    rows: list[str] = []
    for word in text.split():
        joined = f"{rows[-1]} {word}" if rows else word
        if rows and (width_of(joined, size) <= room or len(rows) == most):
            rows[-1] = joined
        else:
            rows.append(word)
    return [shortened(row, size, room) for row in rows]
