"""Title, names, cover and chapters are written into the audio files.

Each file is a copy; its audio stays as it is. An MP3's tag has a fixed size with room to spare, so that chapters which join an
episode later change no length and no audio byte. The only file that imports mutagen.
"""

import base64
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

from mutagen.flac import FLAC, Picture
from mutagen.id3 import APIC, CHAP, COMM, CTOC, ID3, TALB, TCON, TDRC, TIT2, TPE1, WXXX, CTOCFlags, Encoding, Frame, PictureType
from mutagen.mp4 import MP4, AtomDataType, MP4Cover
from mutagen.oggopus import OggOpus
from mutagen.wave import WAVE
from PIL import Image, UnidentifiedImageError

from pipeline import ffmpeg as tool
from pipeline.child import Children, Report
from pipeline.clock import written_ms
from pipeline.errors import Refused
from pipeline.formats import Tagging, named
from pipeline.journal import place
from pipeline.models import Chapter, MadeFile, Rendition, Tags
from pipeline.piped import run

VERSION = 1
GENRE = "Podcast"
# Room for words and some 450 chapters, beside the cover.
ROOM_BYTES = 64 << 10
STEP_BYTES = 4 << 10
# A cover that weighs more is made smaller: every listener downloads it with every episode.
COVER_BYTES = 300 << 10
# Tried in this order: pixels and JPEG quality.
COVER_SIZES = ((1400, 85), (1400, 60), (800, 60), (500, 40))
COVER_PIXELS = 40_000_000
KINDS = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png"}
# ID3: "no offset is given" (id3v2-chapters-1.0, 3.1).
NO_OFFSET = 0xFFFFFFFF
ENTRIES = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Art:
    """A cover as it goes into files."""

    mime_type: str
    content: bytes


def stamp(
    renditions: tuple[Rendition, ...], tags: Tags, *, children: Children, scratch: Path, ffmpeg: str = ""
) -> tuple[Rendition, ...]:
    """Copies of the renditions with the tags in them; a cover that cannot be read is left out."""
    folder = place(scratch, stamp, renditions, tags)
    art = _art(tags.cover, children, folder)
    stamped = []
    for rendition in renditions:
        tagging = named(rendition.format).TAGGING
        path = folder / f"stamped{named(rendition.format).SUFFIX}"
        if tagging == "mp4":
            children.run(rechaptered, rendition.file, tags.chapters, path, tool.find(ffmpeg))
        else:
            shutil.copyfile(rendition.file.path, path)
        _WRITERS[tagging](path, tags, art)
        stamped.append(replace(rendition, file=MadeFile.of(path)))
    return tuple(stamped)


# ---- the cover


def _art(cover: MadeFile | None, children: Children, folder: Path) -> Art | None:
    if cover is None:
        return None
    content = cover.path.read_bytes()
    if len(content) > COVER_BYTES or _kind(content) is None:
        try:
            content = children.run(smaller, cover, folder / "cover.jpg").path.read_bytes()
        except Refused:
            return None
    return Art(mime_type=_kind(content) or "image/jpeg", content=content)


def _kind(content: bytes) -> str | None:
    return next((kind for head, kind in KINDS.items() if content.startswith(head)), None)


def smaller(cover: MadeFile, target: Path, report: Report) -> MadeFile:
    """The picture as a JPEG that weighs little; works in the child. Refused when it is no picture, or too large a one."""
    Image.MAX_IMAGE_PIXELS = None
    try:
        with Image.open(cover.path) as picture:
            if picture.width * picture.height > COVER_PIXELS:
                raise Refused(f"the cover has {picture.width} × {picture.height} pixels; at most 40 million are read", code="cover")
            whole = picture.convert("RGB")
        for pixels, quality in COVER_SIZES:
            whole.thumbnail((pixels, pixels))
            whole.save(target, "JPEG", quality=quality, optimize=True)
            if target.stat().st_size <= COVER_BYTES:
                break
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise Refused(f"the cover cannot be read: {error}", code="cover") from error
    report(1.0)
    return MadeFile.of(target)


# ---- ID3


def _id3(path: Path, tags: Tags, art: Art | None) -> None:
    """One tag of a size that stays: a cover for which it has no room gives way."""
    room = _tag_bytes(path)
    frames = _frames(tags, art)
    if room and _size(frames) > room:
        frames = _frames(tags, None)
    size = _size(frames)
    usual = ROOM_BYTES + _stepped(len(art.content) if art else 0)
    total = room if size <= room else max(usual, _stepped(size))
    _filled(ID3(), frames).save(path, v1=0, v2_version=3, padding=lambda _: total - size)


def _tag_bytes(path: Path) -> int:
    """Size of the tag that is there already, 0 for none."""
    with path.open("rb") as file:
        head = file.read(10)
    if head[:3] != b"ID3":
        return 0
    return 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))


def _stepped(size: int) -> int:
    return -(-size // STEP_BYTES) * STEP_BYTES


def _size(frames: Iterable[Frame]) -> int:
    """Bytes that a tag of these frames has without padding."""
    written = BytesIO()
    _filled(ID3(), frames).save(written, v1=0, v2_version=3, padding=lambda _: 0)
    return len(written.getvalue())


def _filled(tag: Any, frames: Iterable[Frame]) -> Any:
    for frame in frames:
        tag.add(frame)
    tag.update_to_v23()
    return tag


def _frames(tags: Tags, art: Art | None) -> list[Frame]:
    words = ((TIT2, tags.title), (TPE1, tags.artist), (TALB, tags.album), (TDRC, tags.date), (TCON, GENRE))
    frames = [kind(encoding=Encoding.UTF16, text=text) for kind, text in words if text]
    if tags.comment:
        frames.append(COMM(encoding=Encoding.UTF16, lang="XXX", desc="", text=tags.comment))
    if art:
        frames.append(APIC(encoding=Encoding.LATIN1, mime=art.mime_type, type=PictureType.COVER_FRONT, desc="", data=art.content))
    names = [f"ch{n}" for n in range(len(tags.chapters))]
    frames += _contents(names)
    frames += [_chapter_frame(name, chapter) for name, chapter in zip(names, tags.chapters, strict=True)]
    return frames


def _contents(names: Sequence[str]) -> list[Frame]:
    """The table of contents; beyond 255 chapters, a table of tables: one holds no more (id3v2-chapters-1.0, 3.2)."""
    if not names:
        return []
    if len(names) <= ENTRIES:
        return [_table("toc", names, CTOCFlags.TOP_LEVEL | CTOCFlags.ORDERED)]
    parts = [names[start : start + ENTRIES] for start in range(0, len(names), ENTRIES)]
    inner = [_table(f"toc{n}", part, CTOCFlags.ORDERED) for n, part in enumerate(parts)]
    return [*_contents([table.element_id for table in inner]), *inner]


def _table(name: str, children: Sequence[str], flags: CTOCFlags) -> Frame:
    return CTOC(element_id=name, flags=flags, child_element_ids=list(children), sub_frames=[])


def _chapter_frame(name: str, chapter: Chapter) -> Frame:
    inside = [TIT2(encoding=Encoding.UTF16, text=chapter.title)]
    if chapter.url:
        inside.append(WXXX(encoding=Encoding.LATIN1, desc="", url=chapter.url))
    start_ms, end_ms = round(chapter.start_s * 1000), round(chapter.end_s * 1000)
    return CHAP(
        element_id=name, start_time=start_ms, end_time=end_ms, start_offset=NO_OFFSET, end_offset=NO_OFFSET, sub_frames=inside
    )  # fmt: skip


def _riff(path: Path, tags: Tags, art: Art | None) -> None:
    file = WAVE(path)
    if file.tags is None:
        file.add_tags()
    file.tags.clear()
    _filled(file.tags, _frames(tags, art))
    file.save(v2_version=3)


# ---- Vorbis comments


def _vorbis(tags: Tags) -> dict[str, list[str]]:
    words = {"TITLE": tags.title, "ARTIST": tags.artist, "ALBUM": tags.album, "DATE": tags.date, "GENRE": GENRE}
    words |= {"COMMENT": tags.comment, "LANGUAGE": tags.language}
    for n, chapter in enumerate(tags.chapters, 1):
        words |= {
            f"CHAPTER{n:03}": written_ms(chapter.start_s),
            f"CHAPTER{n:03}NAME": chapter.title,
            f"CHAPTER{n:03}URL": chapter.url,
        }
    return {name: [text] for name, text in words.items() if text}


def _picture(art: Art) -> Picture:
    picture = Picture()
    picture.type, picture.mime, picture.data = PictureType.COVER_FRONT, art.mime_type, art.content
    return picture


def _ogg(path: Path, tags: Tags, art: Art | None) -> None:
    file = OggOpus(path)
    file.tags.clear()
    file.tags.update(_vorbis(tags))
    if art:
        file.tags["METADATA_BLOCK_PICTURE"] = [base64.b64encode(_picture(art).write()).decode()]
    file.save(padding=_kept_room)


def _flac(path: Path, tags: Tags, art: Art | None) -> None:
    file = FLAC(path)
    if file.tags is None:
        file.add_tags()
    file.tags.clear()
    file.tags.update(_vorbis(tags))
    file.clear_pictures()
    if art:
        file.add_picture(_picture(art))
    file.save(padding=_kept_room)


def _kept_room(info: Any) -> int:
    """What is left of the room there was; new room where that was too little."""
    return info.padding if info.padding >= 0 else ROOM_BYTES


# ---- MP4


def rechaptered(made: MadeFile, chapters: tuple[Chapter, ...], target: Path, binary: str, report: Report) -> MadeFile:
    """A copy with these chapters and no others, in both ways that players know; works in the child."""
    description = target.with_suffix(".ffmetadata")
    description.write_text(_ffmetadata(chapters), encoding="utf-8")
    run(tool.chaptered(binary, made.path, description, target))
    report(1.0)
    return MadeFile.of(target)


def _ffmetadata(chapters: Iterable[Chapter]) -> str:
    lines = [";FFMETADATA1"]
    for chapter in chapters:
        start_ms, end_ms = round(chapter.start_s * 1000), round(chapter.end_s * 1000)
        title = "".join(f"\\{c}" if c in "=;#\\\n" else c for c in chapter.title)
        lines += ["[CHAPTER]", "TIMEBASE=1/1000", f"START={start_ms}", f"END={end_ms}", f"title={title}"]
    return "\n".join(lines) + "\n"


def _mp4(path: Path, tags: Tags, art: Art | None) -> None:
    file = MP4(path)
    if file.tags is None:
        file.add_tags()
    words = {"\xa9nam": tags.title, "\xa9ART": tags.artist, "\xa9alb": tags.album, "\xa9day": tags.date, "\xa9cmt": tags.comment}
    file.tags.update({name: [text] for name, text in {**words, "\xa9gen": GENRE}.items() if text})
    if art:
        kind = AtomDataType.PNG if art.mime_type == "image/png" else AtomDataType.JPEG
        file.tags["covr"] = [MP4Cover(art.content, imageformat=kind)]
    file.save(padding=lambda _: ROOM_BYTES)


_WRITERS: dict[Tagging, Callable[[Path, Tags, Art | None], None]] = {
    "id3": _id3, "riff": _riff, "vorbis_ogg": _ogg, "vorbis_flac": _flac, "mp4": _mp4,
}  # fmt: skip
