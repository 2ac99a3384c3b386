"""Covers: the name, and a voice strip in the colours of voices, on the stage. Square, JPEG, the same bytes for the same values."""

import hashlib
import io
import math
from collections.abc import Iterator, Sequence
from functools import cache

from PIL import Image, ImageDraw, ImageFont

from feeds.catalogue import Episode, Show
from feeds.pages.assets import font_path
from feeds.pages.strip import Line, TimeScale, lines, loudest
from feeds.pages.voices import STAGE_COLOUR, TEXT_ON_STAGE, VOICE_COLOURS, voices

SIDE_PX = 1400  # Apple's smallest square, and a picture that a phone loads at once
_MARGIN_PX = 112
_BARS, _BAR_PX = 42, 16
_AXIS_PX, _REACH_PX = 1010, 250
_TEXT_SIZES_PX = (212, 184, 160, 138, 118, 100, 84, 70)
_TEXT_BOTTOM_PX, _MOST_LINES = 690, 4
_SMALL_PX = 46
_OVERSAMPLED = 2
# What the two subsets of the font can write; a name in another script stands on no cover, rather than as empty boxes.
_WRITABLE = frozenset(
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


def _cover(title: str, over: str, drawn: Sequence[Line]) -> bytes:
    picture = Image.new("RGB", (SIDE_PX, SIDE_PX), STAGE_COLOUR)
    picture.paste(_strip_picture(drawn), (0, _AXIS_PX - _REACH_PX - _BAR_PX))
    pen = ImageDraw.Draw(picture)
    top = _MARGIN_PX
    if over and _is_writable(over):
        _write(pen, (_MARGIN_PX, top - 12), _shortened(over, _SMALL_PX), _SMALL_PX, "#b9b9c8")
        top += 92
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
    return large.resize((SIDE_PX, 2 * middle // k), Image.Resampling.LANCZOS)


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
    for size in _TEXT_SIZES_PX:
        rows = _rows(title, size)
        if len(rows) <= _MOST_LINES and top + len(rows) * size * 0.98 <= _TEXT_BOTTOM_PX:
            break
    else:
        rows = [*rows[: _MOST_LINES - 1], _shortened(" ".join(rows[_MOST_LINES - 1 :]), size)]
    for n, row in enumerate(rows):
        _write(pen, (_MARGIN_PX - size * 0.03, top - size * 0.16 + n * size * 0.98), row, size, TEXT_ON_STAGE)


def _rows(text: str, size: int) -> list[str]:
    """The text in lines that fit; a word longer than a line makes every size too large."""
    rows: list[str] = []
    for word in text.split():
        joined = f"{rows[-1]} {word}" if rows else word
        if rows and _width(joined, size) <= SIDE_PX - 2 * _MARGIN_PX:
            rows[-1] = joined
        else:
            rows.append(word)
    too_wide = any(_width(row, size) > SIDE_PX - 2 * _MARGIN_PX for row in rows)
    return rows if not too_wide else [*rows, *[""] * _MOST_LINES]


def _shortened(text: str, size: int) -> str:
    text = " ".join(text.split())
    if _width(text, size) <= SIDE_PX - 2 * _MARGIN_PX:
        return text
    while text and _width(text + "…", size) > SIDE_PX - 2 * _MARGIN_PX:
        text = text[:-1]
    return text.rstrip() + "…"


def _write(pen: ImageDraw.ImageDraw, at: tuple[float, float], text: str, size: int, colour: str) -> None:
    x, y = at
    for run, font in _runs(text, size):
        pen.text((x, y), run, font=font, fill=colour)
        x += font.getlength(run)


def _width(text: str, size: int) -> float:
    return sum(font.getlength(run) for run, font in _runs(text, size))


def _runs(text: str, size: int) -> Iterator[tuple[str, ImageFont.FreeTypeFont]]:
    """The text in stretches that one file of the font can write."""
    start = 0
    for n in range(1, len(text) + 1):
        if n == len(text) or (ord(text[n]) in _IN_LATIN) != (ord(text[start]) in _IN_LATIN):
            latin = ord(text[start]) in _IN_LATIN
            yield text[start:n], _font("instrument-sans-latin" if latin else "instrument-sans-latin-ext", size)
            start = n


def _is_writable(text: str) -> bool:
    return bool(text.strip()) and all(ord(c) in _WRITABLE for c in text)


@cache
def _font(stem: str, size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.truetype(font_path(stem), size, layout_engine=ImageFont.Layout.BASIC)
    font.set_variation_by_axes([82, 600])
    return font
