"""Chapters and language of an MP4, which ffmpeg writes: they belong to its tracks, so that the whole file is copied for them."""

from collections.abc import Iterable
from pathlib import Path

from pipeline import ffmpeg as tool
from pipeline.child import Report
from pipeline.languages import three_letters
from pipeline.models import Chapter, MadeFile
from pipeline.piped import run
from pipeline.telling import Tags

# Nero's list counts the bytes of a title with one. Cut by ffmpeg it may end inside a letter, and mutagen then reads no file at all.
TITLE_BYTES = 255
# Before the end of a line a backslash, even an escaped one, makes ffmpeg read on (5.1 and 9.0.2): a space stands between them.
GUARD = " "


def rechaptered(made: MadeFile, tags: Tags, target: Path, binary: str, report: Report) -> MadeFile:
    """A copy with these chapters and no others, in both ways that players know; works in the child."""
    description = target.with_suffix(".ffmetadata")
    description.write_text(_ffmetadata(tags.chapters), encoding="utf-8")
    run(tool.chaptered(binary, made.path, description, target, three_letters(tags.language)))
    report(1.0)
    return MadeFile.of(target)


def _ffmetadata(chapters: Iterable[Chapter]) -> str:
    lines = [";FFMETADATA1"]
    for chapter in chapters:
        start_ms, end_ms = round(chapter.start_s * 1000), round(chapter.end_s * 1000)
        lines += ["[CHAPTER]", "TIMEBASE=1/1000", f"START={start_ms}", f"END={end_ms}", f"title={_escaped(chapter.title)}"]
    return "\n".join(lines) + "\n"


def _escaped(title: str) -> str:
    """What ffmpeg reads as that title, or as much of it as fits."""
    short = title.encode()[: TITLE_BYTES - len(GUARD)].decode(errors="ignore")
    if short.endswith("\\"):
        short += GUARD
    return "".join(f"\\{c}" if c in "=;#\\\n" else c for c in short)
