"""The report as files: the values, and the picture in two forms. Written when they are asked for, and stored nowhere."""

import json
from collections.abc import Callable, Mapping

from feeds.catalogue import Episode, json_of
from feeds.soundcheck.picture import WIDE_PX, picture
from feeds.soundcheck.png import png
from feeds.soundcheck.report import SoundReport, report_of
from feeds.soundcheck.svg import svg

Writer = Callable[[Episode, SoundReport, float], bytes]


def _json(_episode: Episode, report: SoundReport, _width_px: float) -> bytes:
    return json.dumps(json_of(report), ensure_ascii=False, indent=1).encode() + b"\n"


def _svg(episode: Episode, report: SoundReport, width_px: float) -> bytes:
    return svg(picture(episode, report, width_px))


def _png(episode: Episode, report: SoundReport, width_px: float) -> bytes:
    return png(picture(episode, report, width_px))


# file: (its type, who writes it)
FILES: Mapping[str, tuple[str, Writer]] = {
    "sound.json": ("application/json", _json), "sound.svg": ("image/svg+xml", _svg), "sound.png": ("image/png", _png),
}  # fmt: skip


def file_of(episode: Episode, file: str, width_px: float = WIDE_PX) -> tuple[bytes, str] | None:
    """That file's bytes and type; None while there is no sound to report of, or where there is no such file."""
    report = report_of(episode)
    if report is None or file not in FILES:
        return None
    mime_type, write = FILES[file]
    return write(episode, report, width_px), mime_type
