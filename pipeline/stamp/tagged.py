"""Tags in the ways that files know: ID3v2.3, Vorbis comments, MP4 atoms. The only file that imports mutagen.

A writer of `WRITERS` writes into a file that is ours, in place; `room_bytes` is what it keeps free for tags that come later.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from mutagen import id3
from mutagen.flac import FLAC, Picture
from mutagen.mp4 import MP4, AtomDataType, MP4Cover
from mutagen.oggopus import OggOpus

from pipeline.clock import written_ms
from pipeline.formats import Tagging
from pipeline.languages import three_letters
from pipeline.models import Chapter, MadeFile
from pipeline.stamp.cover import mime_type_of
from pipeline.stamp.riff import put_id3
from pipeline.stamp.room import HEADER_BYTES, fill, header, tag_bytes, what_fits
from pipeline.telling import Tags

GENRE = "Podcast"
# ID3: "no offset is given" (id3v2-chapters-1.0, 3.1), and no language is known.
NO_OFFSET = 0xFFFFFFFF
NO_LANGUAGE = "XXX"
ENTRIES = 255


# ---- ID3


def _id3(path: Path, tags: Tags, _room_bytes: int) -> None:
    """Into the room that the file's tag has; what finds none is left out."""
    room = tag_bytes(path)
    fill(path, _written(what_fits(tags, lambda some: HEADER_BYTES + len(_written(some)) <= room)))


def _riff(path: Path, tags: Tags, _room_bytes: int) -> None:
    frames = _written(tags)
    put_id3(path, header(HEADER_BYTES + len(frames)) + frames)


def _written(tags: Tags) -> bytes:
    """The frames in this order: mutagen would sort them by size, and players that take chapters as they come would show them so."""
    return b"".join(map(_alone, _frames(tags)))


def _alone(frame: id3.Frame) -> bytes:
    tag, written = id3.ID3(), BytesIO()
    tag.add(frame)
    tag.update_to_v23()
    tag.save(written, v1=0, v2_version=3, padding=_nothing)
    return written.getvalue()[HEADER_BYTES:]


def _frames(tags: Tags) -> list[id3.Frame]:
    language = three_letters(tags.language)
    words = (
        (id3.TIT2, tags.title), (id3.TPE1, tags.artist), (id3.TALB, tags.album), (id3.TRCK, str(tags.number or "")),
        (id3.TDRC, tags.date), (id3.TLAN, language), (id3.TCON, GENRE),
    )  # fmt: skip
    frames = [kind(encoding=_encoding(text), text=text) for kind, text in words if text]
    for kind, text in ((id3.COMM, tags.comment), (id3.USLT, tags.lyrics)):
        if text:
            frames.append(kind(encoding=_encoding(text), lang=language or NO_LANGUAGE, desc="", text=text))
    if tags.cover:
        frames.append(_picture_frame(tags.cover, id3.PictureType.COVER_FRONT))
    names = [f"ch{n}" for n in range(len(tags.chapters))]
    pictures = {picture.sha256: picture for picture in tags.pictures}
    chapters = (_chapter_frame(name, one, pictures.get(one.image)) for name, one in zip(names, tags.chapters, strict=True))
    return [*frames, *_contents(names), *chapters]


def _picture_frame(picture: MadeFile, kind: id3.PictureType) -> id3.Frame:
    mime_type, content = _picture_of(picture)
    return id3.APIC(encoding=id3.Encoding.LATIN1, mime=mime_type, type=kind, desc="", data=content)


def _encoding(text: str) -> id3.Encoding:
    """One byte a letter where that loses nothing, else two: ID3v2.3 knows no UTF-8."""
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return id3.Encoding.UTF16
    return id3.Encoding.LATIN1


def _contents(names: Sequence[str]) -> list[id3.Frame]:
    """The table of contents; beyond 255 chapters, a table of tables: one holds no more (id3v2-chapters-1.0, 3.2)."""
    if not names:
        return []
    if len(names) <= ENTRIES:
        return [_table("toc", names, id3.CTOCFlags.TOP_LEVEL | id3.CTOCFlags.ORDERED)]
    parts = [names[start : start + ENTRIES] for start in range(0, len(names), ENTRIES)]
    inner = [_table(f"toc{n}", part, id3.CTOCFlags.ORDERED) for n, part in enumerate(parts)]
    return [*_contents([table.element_id for table in inner]), *inner]


def _table(name: str, children: Sequence[str], flags: id3.CTOCFlags) -> id3.Frame:
    return id3.CTOC(element_id=name, flags=flags, child_element_ids=list(children), sub_frames=[])


def _chapter_frame(name: str, chapter: Chapter, picture: MadeFile | None) -> id3.Frame:
    inside = [id3.TIT2(encoding=_encoding(chapter.title), text=chapter.title)]
    if chapter.url:
        inside.append(id3.WXXX(encoding=id3.Encoding.LATIN1, desc="", url=chapter.url))
    if picture:
        inside.append(_picture_frame(picture, id3.PictureType.OTHER))
    start_ms, end_ms = round(chapter.start_s * 1000), round(chapter.end_s * 1000)
    return id3.CHAP(
        element_id=name, start_time=start_ms, end_time=end_ms, start_offset=NO_OFFSET, end_offset=NO_OFFSET, sub_frames=inside
    )  # fmt: skip


# ---- Vorbis comments


def _vorbis(tags: Tags) -> dict[str, list[str]]:
    words = {"TITLE": tags.title, "ARTIST": tags.artist, "ALBUM": tags.album, "TRACKNUMBER": str(tags.number or "")}
    words |= {"DATE": tags.date, "GENRE": GENRE, "COMMENT": tags.comment, "LANGUAGE": tags.language, "LYRICS": tags.lyrics}
    for n, chapter in enumerate(tags.chapters, 1):
        words |= {
            f"CHAPTER{n:03}": written_ms(chapter.start_s),
            f"CHAPTER{n:03}NAME": chapter.title,
            f"CHAPTER{n:03}URL": chapter.url,
        }
    return {name: [text] for name, text in words.items() if text}


def _picture(cover: MadeFile) -> Picture:
    picture = Picture()
    picture.type = id3.PictureType.COVER_FRONT
    picture.mime, picture.data = _picture_of(cover)
    return picture


def _ogg(path: Path, tags: Tags, room_bytes: int) -> None:
    file = OggOpus(path)
    file.tags.clear()
    file.tags.update(_vorbis(tags))
    if tags.cover:
        file.tags["METADATA_BLOCK_PICTURE"] = [base64.b64encode(_picture(tags.cover).write()).decode()]
    file.save(padding=_kept_or(room_bytes))


def _flac(path: Path, tags: Tags, room_bytes: int) -> None:
    file = FLAC(path)
    if file.tags is None:
        file.add_tags()
    file.tags.clear()
    file.tags.update(_vorbis(tags))
    file.clear_pictures()
    if tags.cover:
        file.add_picture(_picture(tags.cover))
    file.save(padding=_kept_or(room_bytes))


# ---- MP4


def _mp4(path: Path, tags: Tags, _room_bytes: int) -> None:
    """No room is kept: chapters that come later want a copy of the whole file anyway."""
    file = MP4(path)
    if file.tags is None:
        file.add_tags()
    words = {
        "\xa9nam": tags.title, "\xa9ART": tags.artist, "\xa9alb": tags.album, "\xa9day": tags.date, "\xa9gen": GENRE,
        "\xa9cmt": tags.comment, "\xa9lyr": tags.lyrics,
    }  # fmt: skip
    file.tags.update({name: [text] for name, text in words.items() if text})
    if tags.number:
        file.tags["trkn"] = [(tags.number, 0)]
    if tags.cover:
        mime_type, content = _picture_of(tags.cover)
        kind = AtomDataType.PNG if mime_type == "image/png" else AtomDataType.JPEG
        file.tags["covr"] = [MP4Cover(content, imageformat=kind)]
    file.save(padding=_nothing)


# ---- what they share


def _picture_of(picture: MadeFile) -> tuple[str, bytes]:
    content = picture.path.read_bytes()
    return mime_type_of(content), content


def _nothing(_info: Any) -> int:
    return 0


def _kept_or(room_bytes: int) -> Callable[[Any], int]:
    """What is left of the room there was; new room where that was too little."""
    return lambda info: info.padding if info.padding >= 0 else room_bytes


WRITERS: Mapping[Tagging, Callable[[Path, Tags, int], None]] = {
    "id3": _id3, "riff": _riff, "vorbis_ogg": _ogg, "vorbis_flac": _flac, "mp4": _mp4,
}  # fmt: skip
