"""The files that all pages share, named by their content: the fonts. Style and script lie in each page, which so is one request."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FONTS = Path(__file__).parent / "static" / "fonts"
_LATIN = (
    "U+0000-00FF,U+0131,U+0152-0153,U+02BB-02BC,U+02C6,U+02DA,U+02DC,U+0304,U+0308,U+0329,"
    "U+2000-206F,U+20AC,U+2122,U+2191,U+2193,U+2212,U+2215,U+FEFF,U+FFFD"
)
_LATIN_EXT = (
    "U+0100-02BA,U+02BD-02C5,U+02C7-02CC,U+02CE-02D7,U+02DD-02FF,U+1D00-1DBF,U+1E00-1E9F,U+1EF2-1EFF,"
    "U+2020,U+20A0-20AB,U+20AD-20C0,U+2113,U+2C60-2C7F,U+A720-A7FF"
)
_SANS = "font-family:'Instrument Sans';font-weight:400 700;font-stretch:75% 100%"
_SERIF = "font-family:Newsreader;font-weight:200 800"
_FACES = (
    ("instrument-sans-latin", _SANS, _LATIN),
    ("instrument-sans-latin-ext", _SANS, _LATIN_EXT),
    ("newsreader-latin", _SERIF, _LATIN),
    ("newsreader-latin-ext", _SERIF, _LATIN_EXT),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A file below `_assets/` that never changes under its name."""

    content: bytes
    mime_type: str


@cache
def assets() -> Mapping[str, Asset]:
    """Every shared file by its name below `_assets/`, the licences of the fonts among them."""
    fonts = {_named(path): Asset(content=path.read_bytes(), mime_type="font/woff2") for path in sorted(_FONTS.glob("*.woff2"))}
    licences = {_named(path): Asset(content=path.read_bytes(), mime_type="text/plain") for path in sorted(_FONTS.glob("*.txt"))}
    return fonts | licences


def font_faces(root: str) -> str:
    """The @font-face rules, for a page that reaches the store's top by `root`."""
    return "".join(
        f"@font-face{{{family};font-display:swap;src:url({root}_assets/{font_name(stem)});unicode-range:{characters}}}"
        for stem, family, characters in _FACES
    )


def font_name(stem: str) -> str:
    """The content-named file of a font, such as `newsreader-latin.0f3a….woff2`."""
    return _named(font_path(stem))


def font_path(stem: str) -> Path:
    """The font on this machine."""
    return _FONTS / f"{stem}.woff2"


@cache
def _named(path: Path) -> str:
    return f"{path.stem}.{hashlib.sha256(path.read_bytes()).hexdigest()[:10]}{path.suffix}"
