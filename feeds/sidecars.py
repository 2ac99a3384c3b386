"""Strict readers of our own transcripts and chapters, for the check: what they cannot read, some app cannot read either."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

_TIME = r"(\d{2,}):(\d\d):(\d\d)[.,](\d{3})"
_VTT_CUE = re.compile(rf"{_TIME} --> {_TIME}\n(?:[^\n]+\n?)+")
_SRT_CUE = re.compile(rf"(\d+)\n{_TIME} --> {_TIME}\n[^\n]+(?:\n[^\n]+)?")


class UnreadableError(ValueError):
    """Why an app would stumble over the file, in a few words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """How many phrases a transcript has, and when the last one ends; 0 phrases: a form without times."""

    count: int
    end_s: float


def span_of(content: bytes, mime_type: str) -> Span:
    """What a transcript of that type tells; raises `UnreadableError`."""
    reader = _READERS.get(mime_type)
    if reader is None:
        raise UnreadableError(f"{mime_type!r} is no type of a transcript")
    times = reader(_text(content))
    if any(start >= end for start, end in times) or any(a[0] > b[0] for a, b in pairwise(times)):
        raise UnreadableError("its phrases do not follow one another")
    return Span(count=len(times), end_s=max((end for _, end in times), default=0.0))


def chapters_in(content: bytes) -> tuple[float, ...]:
    """Where the chapters of a JSON file begin; raises `UnreadableError`."""
    starts = [_number(chapter, "startTime") for chapter in _listed(_text(content), "chapters")]
    if not starts or starts[0] != 0 or any(a >= b for a, b in pairwise(starts)):
        raise UnreadableError("its chapters do not begin at 0 and ascend")
    return tuple(starts)


def pictures_in(content: bytes) -> tuple[str, ...]:
    """The addresses of the chapters' pictures in a JSON file; raises `UnreadableError`."""
    images = [chapter.get("img", "") for chapter in _listed(_text(content), "chapters")]
    if not all(isinstance(image, str) for image in images):
        raise UnreadableError("a picture's address is no text")
    return tuple(filter(None, images))


def seconds(written: str) -> float:
    """`00:14:31.250` or `00:14:31,250` as seconds; raises `UnreadableError`."""
    found = re.fullmatch(_TIME, written)
    if found is None:
        raise UnreadableError(f"{written!r} is no time")
    return _seconds(found.groups())


def _vtt(text: str) -> list[tuple[float, float]]:
    head, _, body = text.partition("\n\n")
    if not head.startswith("WEBVTT"):
        raise UnreadableError("it does not begin with WEBVTT")
    blocks = [block for block in body.strip("\n").split("\n\n") if not block.startswith("NOTE")]
    return [_times(_VTT_CUE, block, 0) for block in blocks]


def _srt(text: str) -> list[tuple[float, float]]:
    times = [_times(_SRT_CUE, block, 1) for block in text.strip("\n").split("\n\n")]
    if any(a[1] > b[0] for a, b in pairwise(times)):
        raise UnreadableError("its cues overlap")
    return times


def _json(text: str) -> list[tuple[float, float]]:
    return [(_number(segment, "startTime"), _number(segment, "endTime")) for segment in _listed(text, "segments")]


def _html(text: str) -> list[tuple[float, float]]:
    if "<time>" not in text or "<p>" not in text:
        raise UnreadableError("it has no times and paragraphs")
    return []


def _times(cue: re.Pattern[str], block: str, first: int) -> tuple[float, float]:
    found = cue.fullmatch(block)
    if found is None:
        raise UnreadableError(f"{block[:40]!r} is no cue")
    return _seconds(found.groups()[first : first + 4]), _seconds(found.groups()[first + 4 :])


def _seconds(parts: Sequence[str]) -> float:
    hours, minutes, whole, thousandths = map(int, parts)
    return hours * 3600 + minutes * 60 + whole + thousandths / 1000


def _listed(text: str, key: str) -> list[Mapping[str, Any]]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise UnreadableError(f"it is no JSON: {error}") from error
    entries = document.get(key) if isinstance(document, dict) else None
    if not isinstance(entries, list) or "version" not in document or not all(isinstance(e, dict) for e in entries):
        raise UnreadableError(f"it has no version and list of {key}")
    return entries


def _number(entry: Mapping[str, Any], key: str) -> float:
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnreadableError(f"{key} {value!r} is no number")
    return float(value)


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise UnreadableError("it is not UTF-8") from error


_READERS: Mapping[str, Callable[[str], list[tuple[float, float]]]] = {
    "text/vtt": _vtt, "application/x-subrip": _srt, "application/json": _json, "text/html": _html,
}  # fmt: skip
