"""Covers: the name, and a voice strip in the colours of voices, on the stage. Square, JPEG, the same bytes for the same values."""

import hashlib
import io
import math
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

from PIL import Image, ImageDraw, ImageFont

from feeds.catalogue import Episode, Show
from feeds.pages.assets import font_path
from feeds.pages.strip import Line, TimeScale, lines, loudest
from feeds.pages.voices import STAGE_COLOUR, TEXT_ON_STAGE, VOICE_COLOURS, voices

SIDE_PX = 1400  # Apple's smallest square, and a picture that a phone loads at once
_MARGIN_PX = 108
_BARS, _BAR_PX = 42, 17
# The axis, and how far bars reach; the words have what is above.
_AXIS_PX, _REACH_PX = 980, 330
_TEXT_BOTTOM_PX, _MOST_LINES = 640, 4
_TEXT_SIZES_PX = (300, 270, 240, 212, 184, 160, 138, 118, 100, 84, 70)
_LINE, _TRACKING = 0.95, -0.026
_SMALL_PX = 50
_OVERSAMPLED = 2
_ROOM_PX = SIDE_PX - 2 * _MARGIN_PX
# What the two subsets of the font can write; a name in another script stands on no cover, rather than as empty boxes.
WRITABLE = frozenset(
    [
        *range(0x20, 0x7F),
        *range(0xA0, 0x180),
        *range(0x1E00, 0x1E9F),
        *range(0x2010, 0x2028),
        *range(0x2030, 0x2040),
        0x20AC,
        0x2122,
    ]
)
_IN_LATIN = frozenset([*range(0x20, 0x100), 0x131, 0x152, 0x153, *range(0x2000, 0x2070), 0x20AC, 0x2122])


def show_cover(show: Show) -> bytes:
    """1400 x 1400: the show's name above an invented conversation that is always the same for this show."""
    return _cover(show.title, "", _invented(show.guid))


def episode_cover(show: Show, episode: Episode) -> bytes:
    """1400 x 1400: the episode's title above its own strip, under the show's name."""
    sound = episode.sound
    scale = TimeScale.over(sound.duration_s, bars=_BARS) if sound else None
    drawn = lines(sound.activity, voices(episode), scale) if sound and scale and sound.activity.voices else ()
    return _cover(episode.title, show.title, drawn or _invented(episode.guid))


@lru_cache(64)  # a show's is wanted by every job of its rooms, an episode's again when its words join it
def _cover(title: str, over: str, drawn: tuple[Line, ...]) -> bytes:
    picture = Image.new("RGB", (SIDE_PX, SIDE_PX), STAGE_COLOUR)
    picture.paste(_strip_picture(drawn), (0, _AXIS_PX - _REACH_PX - _BAR_PX))
    pen = ImageDraw.Draw(picture)
    top = _MARGIN_PX
    if over and _is_writable(over):
        _write(pen, (_MARGIN_PX, top - 14), _shortened(over, _SMALL_PX), _SMALL_PX, "#b9b9c8")
        top += 96
    if _is_writable(title):
        _write_title(pen, title, top)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90, subsampling=0, optimize=True)
    return out.getvalue()


# ---- the strip


def _strip_picture(drawn: Sequence[Line]) -> Image.Image:
    """Bars with round ends, drawn large and made smaller: smooth edges."""
    k = _OVERSAMPLED
    middle = (_REACH_PX + _BAR_PX) * k
    large = Image.new("RGB", (SIDE_PX * k, 2 * middle), STAGE_COLOUR)
    pen = ImageDraw.Draw(large)
    pitch = (SIDE_PX - 2 * _MARGIN_PX - _BAR_PX) / (_BARS - 1)
    for colour, n, reach, above in _bars(drawn):
        x, half = (_MARGIN_PX + n * pitch) * k, _BAR_PX * k
        near, far = sorted((middle - 9 * k, middle - 9 * k - reach * k) if above else (middle + 9 * k, middle + 9 * k + reach * k))
        pen.rounded_rectangle((x, near, x + half, far), radius=half / 2, fill=VOICE_COLOURS[colour - 1])
    return large.reduce(k)


def _bars(drawn: Sequence[Line]) -> Iterator[tuple[int, int, float, bool]]:
    """(colour, place, reach, above), longest first, so that the shorter stands before it."""
    full = loudest(drawn)
    bars = [
        (line.colour, n, max(min(amplitude / full, 1.0) * (_REACH_PX - 9), _BAR_PX), line.above)
        for line in drawn
        for n, amplitude in enumerate(line.amplitudes)
        if amplitude > full * 0.02
    ]
    return iter(sorted(bars, key=lambda bar: (bar[1], -bar[2], bar[0])))


def _invented(seed: str) -> tuple[Line, ...]:
    """A conversation of a host and three guests that follows from the seed alone."""
    rolls = hashlib.shake_256(seed.encode()).digest(4 * _BARS)
    speakers = _turns_of(rolls)
    heights = [_swell(rolls, n) for n in range(_BARS)]
    return tuple(
        Line(
            colour=colour, above=colour == 1,
            amplitudes=tuple(height if s == colour else 0.0 for s, height in zip(speakers, heights, strict=True)),
        )
        for colour in (1, 2, 3, 4)
    )  # fmt: skip


def _turns_of(rolls: bytes) -> list[int]:
    """Who speaks at each bar: the host opens, and has every second turn."""
    out: list[int] = []
    for n, roll in enumerate(rolls):
        speaker = 1 if n % 2 == 0 else 2 + (roll >> 4) % 3
        out.extend([speaker] * (2 + roll % 5))
    return out[:_BARS]


def _swell(rolls: bytes, n: int) -> float:
    breath = 0.62 + 0.3 * math.sin(n * 0.9 + rolls[0] / 40)
    return breath * (0.45 + 0.55 * rolls[2 * _BARS + n] / 255)


# ---- the words


def _write_title(pen: ImageDraw.ImageDraw, title: str, top: int) -> None:
    size, rows = _fitted(title, _TEXT_BOTTOM_PX - top)
    for n, row in enumerate(rows):
        _write(pen, (_MARGIN_PX - size * 0.04, top - size * 0.2 + n * size * _LINE), row, size, TEXT_ON_STAGE)


def _fitted(title: str, height_px: int) -> tuple[int, list[str]]:
    """The largest size at which the title fits, and its lines; what fits at no size ends in dots."""
    for size in _TEXT_SIZES_PX:
        rows = _rows(title, size)
        if len(rows) <= _MOST_LINES and len(rows) * size * _LINE <= height_px and all(_width(r, size) <= _ROOM_PX for r in rows):
            return size, rows
    first = rows[: _MOST_LINES - 1]
    return size, [_shortened(row, size) for row in (*first, " ".join(rows[len(first) :]))]


def _rows(text: str, size: int) -> list[str]:
    """The text in lines, each as full as it may be."""
    rows: list[str] = []
    for word in text.split():
        joined = f"{rows[-1]} {word}" if rows else word
        if rows and _width(joined, size) <= _ROOM_PX:
            rows[-1] = joined
        else:
            rows.append(word)
    return rows


def _shortened(text: str, size: int) -> str:
    if _width(text, size) <= _ROOM_PX:
        return text
    while text and _width(text + "…", size) > _ROOM_PX:
        text = text[:-1]
    return text.rstrip() + "…"


def _write(pen: ImageDraw.ImageDraw, at: tuple[float, float], text: str, size: int, colour: str) -> None:
    for letter, x, font in _letters(text, size):
        pen.text((at[0] + x, at[1]), letter, font=font, fill=colour)


def _width(text: str, size: int) -> float:
    return max((x + font.getlength(letter) for letter, x, font in _letters(text, size)), default=0.0)


def _letters(text: str, size: int) -> Iterator[tuple[str, float, ImageFont.FreeTypeFont]]:
    """Each letter with its place, set as tight as a headline on the page: kerned by pairs, in the file of the font that has it."""
    x = 0.0
    for n, letter in enumerate(text):
        font = _font(stem_of(letter), size)
        yield letter, x, font
        following = text[n + 1] if n + 1 < len(text) and stem_of(text[n + 1]) == stem_of(letter) else ""
        x += font.getlength(letter + following) - (font.getlength(following) if following else 0.0) + size * _TRACKING


def stem_of(letter: str) -> str:
    return "instrument-sans-latin" if ord(letter) in _IN_LATIN else "instrument-sans-latin-ext"


def _is_writable(text: str) -> bool:
    return bool(text.strip()) and all(ord(c) in WRITABLE for c in text)


@cache
def _font(stem: str, size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.truetype(font_path(stem), size, layout_engine=ImageFont.Layout.BASIC)
    font.set_variation_by_axes([82, 600])
    return font
