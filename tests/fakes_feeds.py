"""What was said in the episodes of a show, as values; a store that remembers what was done to it; golden files."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import settings
from pydantic import TypeAdapter

from bench.trial.shows import CHAPTERS, PEOPLE, SITE, a_show, a_sound, an_episode  # noqa: F401 - handed on to tests
from bench.trial.stores import Over
from feeds.catalogue import Episode
from pipeline.models import Chapter, Segment, Transcript, Word
from pipeline.stores import Stat, Store
from pipeline.telling import Script

# No deadline for one example: the machine may be busy with something else.
settings.register_profile("feeds", deadline=None, max_examples=50)
settings.load_profile("feeds")

GOLDEN = Path(__file__).parent / "golden"

# What a room may try in any field of text (threat 9 of the threat model).
HOSTILE = (
    "NUL \x00 and backspace \x08",
    "bidi \u202eevil\u2066\u2069",
    "surrogate \ud800 and nonchar \uffff",
    "]]><script>alert(1)</script>",
    "&#0; &amp; &lt;b&gt;",
    "-->",
    "00:00:01.000 --> 99:00:00.000",
    "<v x>not me",
    "line\n\n00:00 --> 99:99\n\nbreak\u2028and\x85more",
    "=cmd()|' /C calc'!A0\t+1",
    "🎙️ שלום Ünïcødé 日本語",
    "word" * 2000,
    "{\\an8}<i>up</i>",
    "  \t ",
)


def a_draft(number: int = 1) -> Episode:
    episode = an_episode(number)
    assert episode.words
    return replace(episode, words=replace(episode.words, engine="pocketsphinx", quality="draft"))


def said(speaker: str | None, start_s: float, text: str, word_s: float = 0.4) -> Segment:
    """A segment whose words follow each other every `word_s`."""
    words = tuple(
        Word(text=f" {word}", start_s=start_s + n * word_s, end_s=start_s + (n + 1) * word_s) for n, word in enumerate(text.split())
    )
    return Segment(speaker=speaker, start_s=start_s, end_s=start_s + len(words) * word_s, text=text, words=words)


def a_transcript(**changes: object) -> Transcript:
    segments = (
        said("u1", 12.0, "Welcome to the room. Tonight we talk about bread, flour, water and the long patience between them."),
        said("u2", 17.5, "Hello!"),
        said("u2", 130.0, "Flour & water is 1 < 2, they say; <b>nobody</b> measures --> everybody guesses."),
        said("u4", 300.5, "Does it freeze?"),
        said("u1", 302.0, "It does."),
    )
    transcript = Transcript(engine="faster_whisper", model="base", quality="full", language="en", segments=segments)
    return replace(transcript, **changes)  # type: ignore[arg-type]


def a_script(**changes: object) -> Script:
    segments = (said("Ana", 1.0, "Hello everybody and welcome."), said("Ben", 2.0, "Hi."))
    chapters = (Chapter(start_s=0.0, end_s=60.0, title="Start", source="computed"),)
    script = Script(
        title="T", language="en", duration_s=60.0, engine="faster_whisper", quality="full", segments=segments, chapters=chapters
    )
    return replace(script, **changes)  # type: ignore[arg-type]


def upload(public: Store, private: Store, *episodes: Episode) -> None:
    """What the audio and words jobs leave behind: audio of the stated size, and the machine's words."""
    for episode in episodes:
        for rendition in episode.renditions:
            public.put(rendition.key, b"\xff" * rendition.size_bytes, mime_type=rendition.mime_type, cache_control="public")
        words = TypeAdapter(Transcript).dump_json(a_transcript(quality=episode.words.quality if episode.words else "full"))
        private.put(episode.words_key, words, mime_type="application/json", cache_control="private")


class Diary(Over):
    """A store that notes what is done to it, and dies at the write it is told to die at."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.forget()

    def put(self, key: str, content: bytes | Path, **about: Any) -> Stat:
        self._may_die(key)
        self.puts.append(key)
        return self.store.put(key, content, **about)

    def delete(self, key: str) -> None:
        self._may_die(key)
        self.deletes.append(key)
        self.store.delete(key)

    def _may_die(self, key: str) -> None:
        if self.dies_after is not None and len(self.puts) + len(self.deletes) >= self.dies_after:
            raise KilledError(key)

    def forget(self) -> None:
        """Begin anew, and live."""
        self.puts: list[str] = []
        self.deletes: list[str] = []
        self.dies_after: int | None = None

    def everything(self, prefix: str = "") -> dict[str, bytes | None]:
        return {key: self.store.get(key) for key in self.store.keys(prefix)}


class KilledError(BaseException):
    """The process is gone: nothing catches this."""


def assert_golden(name: str, content: bytes) -> None:
    """The content is byte for byte the golden file; GOLDEN=write writes it, to be looked at and committed."""
    path = GOLDEN / name
    if os.environ.get("GOLDEN") == "write":
        path.write_bytes(content)
    assert content == path.read_bytes()
