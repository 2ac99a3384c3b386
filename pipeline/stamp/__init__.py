"""Title, names, cover, chapters with their pictures, and words are written into the audio files.

    plain ─> cover ─> a copy with room in front, or with its chapters ─> tagged

Each file is a copy; its audio stays as it is. An MP3's tag has a size that stays, with room to spare, so that chapters and words
which join an episode later change no length and no audio byte.
"""

import shutil
from dataclasses import replace
from pathlib import Path

from pipeline import ffmpeg as tool
from pipeline.child import Children
from pipeline.formats import named
from pipeline.journal import place
from pipeline.models import MadeFile, Rendition
from pipeline.stamp.cover import presentable
from pipeline.stamp.mp4_chapters import rechaptered
from pipeline.stamp.plain import plain
from pipeline.stamp.room import pictures_bytes, room_bytes, with_room
from pipeline.stamp.tagged import WRITERS
from pipeline.telling import Tags

VERSION = 3


def stamp(
    renditions: tuple[Rendition, ...], tags: Tags, *, children: Children, scratch: Path, ffmpeg: str = ""
) -> tuple[Rendition, ...]:
    """Copies of the renditions with the tags in them; a cover that cannot be read is left out."""
    folder = place(scratch, stamp, renditions, tags)
    told = replace(plain(tags), cover=presentable(tags.cover, children, folder))
    stamped = []
    for rendition in renditions:
        room, path = room_bytes(rendition.duration_s), folder / f"stamped{named(rendition.format).SUFFIX}"
        match tagging := named(rendition.format).TAGGING:
            case "mp4":
                children.run(rechaptered, rendition.file, told, path, tool.find(ffmpeg))
            case "id3":
                with_room(rendition.file.path, path, room + pictures_bytes(told))
            case _:
                shutil.copyfile(rendition.file.path, path)
        WRITERS[tagging](path, told, room)
        stamped.append(replace(rendition, file=MadeFile.of(path)))
    return tuple(stamped)
