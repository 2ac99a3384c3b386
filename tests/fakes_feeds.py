"""A show, its episodes and what was said in them, as values; a store that remembers what was done to it; golden files."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import settings
from pydantic import TypeAdapter

from feeds.catalogue import Episode, Person, Show, StoredRendition, WordsInfo, episode_guid, episode_slug
from feeds.site import Site
from pipeline.models import Activity, Chapter, Cut, Script, Segment, Sound, Transcript, VoiceLevel, Word
from pipeline.stores import Abilities, Stat, Store

# No deadline for one example: the machine may be busy with something else.
settings.register_profile("feeds", deadline=None, max_examples=50)
settings.load_profile("feeds")

SITE = Site(public_url="https://pods.example", hub_url="https://hub.example/")
STARTED_AT = datetime(2026, 11, 17, 19, 0, tzinfo=UTC)
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


def a_show(**changes: object) -> Show:
    show = Show(
        id="1", slug="tuesday", guid="4b90ee2d-c462-5039-9c5d-be2e3147785c", title="Tuesday & Friends",
        description="Talk about bread.", author="Ana Costa", owner_email="ana@example.org",
        language="en", category="Documentary", explicit=False, access="public",
        consent="notice", distribution="auto", drafts="private", feed_rev=3, published_rev=2,
    )  # fmt: skip
    return replace(show, **changes)  # type: ignore[arg-type]


PEOPLE = (
    Person(identity="u1", name="Ana Costa", role="host", url="https://ana.example/", image="https://ana.example/a.jpg"),
    Person(identity="u2", name="Ben Ito", role="speaker"),
    Person(identity="u3", name="Cem", role="moderator", url="javascript:alert(1)"),
    Person(identity="u4", name="Lena Listener", role="listener"),
    Person(identity="u5", name="Rolf Refused", role="speaker"),
)


def a_sound(**changes: object) -> Sound:
    """620 s of a room of which 10 s at each end are cut: 600 s of an episode."""
    sound = Sound(
        source_s=620.0, duration_s=600.0, target_lufs=-19.0, channels=1,
        voices=tuple(
            VoiceLevel(participant=p, name=p, role="speaker", speech_s=60.0, before_lufs=-30.0, after_lufs=-19.0)
            for p in ("u1", "u2", "u3", "u4")
        ),
        activity=Activity(bin_s=10.0, voices=(("u1", (-20,) * 60), ("u2", (-30,) * 60))),
        cuts=(Cut(start_s=0.0, end_s=10.0, why="silence"), Cut(start_s=610.0, end_s=620.0, why="silence")), losses=(),
    )  # fmt: skip
    return replace(sound, **changes)  # type: ignore[arg-type]


CHAPTERS = (
    Chapter(start_s=10.0, end_s=130.0, title="Why bread", source="computed"),
    Chapter(start_s=130.0, end_s=300.25, title="Flour & water <1 kg>", source="pinned", url="https://example.org/flour?a=1&b=2"),
    Chapter(start_s=300.25, end_s=620.0, title="A question from the room", source="computed"),
)


def an_episode(number: int = 1, **changes: object) -> Episode:
    """Complete, with words; the higher its number the newer."""
    guid = episode_guid(a_show().guid, "livekit", f"RM_{number}")
    slug = episode_slug(guid)
    started_at = STARTED_AT + timedelta(days=number)
    episode = Episode(
        guid=guid, recording_id=f"REC_{number}", slug=slug, show_slug="tuesday", state="complete", title=f"Bread, part {number}",
        description="How to bake.\n\nRecipes: https://example.org/recipes.", language="en", access="public", started_at=started_at,
        created_at=started_at, published_at=started_at + timedelta(hours=2), reason="", people=PEOPLE, sound=a_sound(),
        renditions=renditions(slug), chapters=CHAPTERS, words_key=f"tuesday/{slug}/words.json",
        words=WordsInfo(engine="faster_whisper", model="base", quality="full", language="en", why="", count=12),
    )  # fmt: skip
    return replace(episode, **changes)  # type: ignore[arg-type]


def a_draft(number: int = 1) -> Episode:
    episode = an_episode(number)
    assert episode.words
    return replace(episode, words=replace(episode.words, engine="pocketsphinx", quality="draft"))


def renditions(slug: str) -> tuple[StoredRendition, ...]:
    forms = (("mp3", "audio/mpeg", 64, 4_800), ("m4a", "audio/mp4", 64, 4_900), ("opus", "audio/ogg", 32, 2_400))
    return tuple(
        StoredRendition(
            format=name, key=f"tuesday/{slug}/episode.{name}", mime_type=mime_type, size_bytes=size_bytes, sha256="0" * 64,
            sha384="ab" * 48, duration_s=600.02, channels=1, bitrate_kbps=bitrate_kbps, integrated_lufs=-19.0, true_peak_dbtp=-1.5,
        )
        for name, mime_type, bitrate_kbps, size_bytes in forms
    )  # fmt: skip


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


class Diary:
    """A store that notes what is done to it, and dies at the write it is told to die at."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.puts: list[str] = []
        self.deletes: list[str] = []
        self.dies_after: int | None = None

    def put(self, key: str, content: bytes | Path, **about: Any) -> Stat:
        if self.dies_after is not None and len(self.puts) + len(self.deletes) >= self.dies_after:
            raise KilledError(key)
        self.puts.append(key)
        return self.store.put(key, content, **about)

    def delete(self, key: str) -> None:
        if self.dies_after is not None and len(self.puts) + len(self.deletes) >= self.dies_after:
            raise KilledError(key)
        self.deletes.append(key)
        self.store.delete(key)

    def get(self, key: str) -> bytes | None:
        return self.store.get(key)

    def download(self, key: str, to: Path) -> None:
        self.store.download(key, to)

    def stat(self, key: str) -> Stat | None:
        return self.store.stat(key)

    def keys(self, prefix: str) -> Iterator[str]:
        return self.store.keys(prefix)

    @property
    def conditional(self) -> bool:
        return self.store.conditional

    def probe(self) -> Abilities:
        return self.store.probe()

    def tidy(self, older_than_s: float) -> int:
        return self.store.tidy(older_than_s)

    def read(self, key: str, first: int, length: int, *, etag: str = "") -> bytes | None:
        return self.store.read(key, first, length, etag=etag)

    def forget(self) -> None:
        self.puts, self.deletes, self.dies_after = [], [], None

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
