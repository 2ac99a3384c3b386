"""What a creator can take home: every rendition and every document, under names that say what they are."""

from dataclasses import dataclass

from pydantic import TypeAdapter

from feeds import soundcheck
from feeds.catalogue import Episode
from feeds.documents import Document, shelved, told_by
from feeds.pages.wording import format_name
from feeds.script import tell
from feeds.web.studio.chapters import own_chapters
from pipeline.models import Transcript
from pipeline.naming import disposition, file_name
from pipeline.stores import Store

_TRANSCRIPT = TypeAdapter(Transcript)


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A file as the page offers it."""

    # its last part of the address
    file: str
    words: str
    # 0 where it is written when asked for
    size_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloads:
    sound: tuple[Download, ...]
    transcript: tuple[Download, ...]
    chapters: tuple[Download, ...]
    report: tuple[Download, ...]


def downloads(episode: Episode) -> Downloads:
    """Everything there is to download now."""
    has_words = episode.words is not None and episode.words.count > 0
    matter = {"transcript": has_words, "chapters": bool(own_chapters(episode))}
    written = [(d.KIND, Download(file=d.FILE, words=_form(d.FILE))) for d in shelved() if matter[d.KIND]]
    return Downloads(
        sound=tuple(
            Download(file=r.key.rpartition("/")[2], words=format_name(r.format), size_bytes=r.size_bytes)
            for r in episode.renditions
        ),
        transcript=tuple(download for kind, download in written if kind == "transcript"),
        chapters=tuple(download for kind, download in written if kind == "chapters"),
        report=tuple(Download(file=file, words=_form(file)) for file in soundcheck.FILES if episode.sound),
    )


def document(episode: Episode, file: str, private: Store) -> tuple[bytes, str] | None:
    """That document and its type, written now from the machine's work and the creator's edits; None where it says nothing."""
    if file in soundcheck.FILES:
        return soundcheck.file_of(episode, file)
    if file not in {known.FILE for known in shelved()}:
        return None
    words = private.get(episode.words_key) if episode.words_key else None
    script = tell(episode, _TRANSCRIPT.validate_json(words) if words else None)
    found: Document | None = next((known for known in told_by(script) if file == known.FILE), None)
    return (found.render(script), found.MIME_TYPE) if found else None


def attachment(title: str, file: str) -> str:
    """Content-Disposition that saves the file under the episode's name."""
    own_name = file.startswith(("chapters", "sound", "transcript"))
    ending = f" - {file}" if own_name else f".{file.rpartition('.')[2]}"
    return disposition(file_name(title, ending), "attachment")


def _form(file: str) -> str:
    return file.rpartition(".")[2].upper()
