"""Every document of the shelf: golden bytes, readable by others whatever was said, text that stays text, times that stay inside."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest
import srt
import webvtt
from fakes_feeds import HOSTILE, a_script, a_transcript, an_episode, assert_golden, said
from hypothesis import given
from hypothesis import strategies as st

from feeds import documents
from feeds.documents import Document
from feeds.script import tell
from pipeline import shelf
from pipeline.models import Chapter, Segment
from pipeline.stores import mime_type_of
from pipeline.telling import Script
from pipeline.text import clean_line

NAMES = shelf.names("feeds.documents")


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """What another program reads out of a document."""

    start_s: float
    end_s: float
    speaker: str
    text: str


def take(name: str) -> Document:
    return shelf.take("feeds.documents", name)  # type: ignore[return-value]


# ---- other programs


def read_vtt(content: bytes) -> list[Phrase]:
    captions = webvtt.from_string(content.decode())
    return [
        Phrase(
            start_s=clock(c.start), end_s=clock(c.end), speaker=unescaped(c.voice or ""), text=unescaped(c.text.replace("\n", " "))
        )
        for c in captions
    ]


def read_srt(content: bytes) -> list[Phrase]:
    return [
        Phrase(start_s=c.start.total_seconds(), end_s=c.end.total_seconds(), speaker="", text=" ".join(c.content.split("\n")))
        for c in srt.parse(content.decode())
    ]


def read_json(content: bytes) -> list[Phrase]:
    document = json.loads(content)
    assert document["version"] == "1.0.0"
    return [
        Phrase(start_s=s["startTime"], end_s=s["endTime"], speaker=s.get("speaker", ""), text=s["body"])
        for s in document["segments"]
    ]


def read_txt(content: bytes) -> list[Phrase]:
    paragraphs = [p for p in content.decode().strip().split("\n\n") if p.startswith("[")]
    return [Phrase(start_s=clock(p[1:9]), end_s=clock(p[1:9]), speaker="", text=p[11:]) for p in paragraphs]


def read_chapters(content: bytes) -> list[Phrase]:
    document = json.loads(content)
    assert document["version"] == "1.2.0"
    return [Phrase(start_s=c["startTime"], end_s=c["endTime"], speaker="", text=c["title"]) for c in document["chapters"]]


class Reader(HTMLParser):
    """cite, time and p, and nothing that acts."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.rows: list[dict[str, str]] = []
        self.open = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        self.open = tag
        if tag == "cite" or (tag == "time" and (not self.rows or "time" in self.rows[-1])):
            self.rows.append({})

    def handle_endtag(self, tag: str) -> None:
        self.open = ""

    def handle_data(self, data: str) -> None:
        if self.open in ("cite", "time", "p"):
            self.rows[-1][self.open] = self.rows[-1].get(self.open, "") + data


def read_html(content: bytes) -> list[Phrase]:
    reader = Reader()
    reader.feed(content.decode())
    assert reader.tags <= {"html", "head", "meta", "title", "body", "header", "cite", "time", "p"}
    return [
        Phrase(start_s=clock(r["time"]), end_s=clock(r["time"]), speaker=r.get("cite", "").removesuffix(":"), text=r["p"])
        for r in reader.rows
    ]


READERS: dict[str, Callable[[bytes], list[Phrase]]] = {
    "chapters_json": read_chapters, "transcript_html": read_html, "transcript_json": read_json, "transcript_srt": read_srt,
    "transcript_txt": read_txt, "transcript_vtt": read_vtt,
}  # fmt: skip


def unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def clock(written: str) -> float:
    return sum(float(part) * 60**n for n, part in enumerate(reversed(written.split(":"))))


# ---- every document


@pytest.mark.parametrize("name", NAMES)
def test_a_document_is_declared_whole(name: str) -> None:
    document = take(name)
    assert document.KIND in ("transcript", "chapters") and isinstance(document.PLACE, int) and isinstance(document.CAPTIONS, bool)
    assert mime_type_of(document.FILE).partition(";")[0] == document.MIME_TYPE
    assert document in documents.shelved() and name in READERS


def test_no_two_documents_share_a_file_or_a_place() -> None:
    files = [d.FILE for d in documents.shelved()]
    assert len(set(files)) == len(files)
    for kind in ("transcript", "chapters"):
        places = [d.PLACE for d in documents.in_feed(kind)]  # type: ignore[arg-type]
        assert places == list(range(1, len(places) + 1))


@pytest.mark.parametrize("name", NAMES)
def test_a_document_is_byte_for_byte_the_golden_one(name: str) -> None:
    assert_golden(take(name).FILE, take(name).render(tell(an_episode(), a_transcript())))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("hostile", HOSTILE)
def test_text_from_a_room_stays_text(name: str, hostile: str) -> None:
    chapter = Chapter(start_s=0.0, end_s=3600.0, title=hostile, source="pinned", url=hostile)
    script = a_script(
        title=hostile,
        duration_s=3600.0,
        segments=(said(hostile, 1.0, hostile, 1.0), said("Ben", 50.0, "Yes.")),
        chapters=(chapter,),
    )
    content = take(name).render(script)
    read = READERS[name](content)
    assert content.decode("utf-8").isprintable() or not set(content.decode()) & set("\x00\x08\u202e\u2066\u2069\uffff\u2028\x85")
    if name != "chapters_json" and clean_line(hostile):
        assert letters(clean_line(hostile, 100_000)) in letters("".join(phrase.text for phrase in read))


def letters(text: str) -> str:
    """What may not change: everything but space and the marks that SubRip cannot write."""
    return "".join(c for c in text if not c.isspace() and c not in "<>{}‹›❴❵")


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_script_still_parses(name: str) -> None:
    empty = a_script(segments=(), chapters=(), duration_s=0.0)
    assert name == "transcript_vtt" or READERS[name](take(name).render(empty)) == []
    assert documents.told_by(empty) == ()


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("chapters_json", "transcript_srt")])
def test_a_draft_says_that_it_is_one(name: str) -> None:
    content = take(name).render(a_script(quality="draft", engine="pocketsphinx")).decode()
    assert "raft" in content and "pocketsphinx" in content
    assert "raft" not in take(name).render(a_script()).decode()


_texts = st.one_of(st.text(max_size=200), st.sampled_from(HOSTILE), st.text("ab <>&-.?\n", max_size=300))
_segments = st.builds(
    said, st.one_of(st.none(), st.sampled_from(["Ana", "Ben"]), _texts), st.floats(-10, 100), _texts, st.floats(0, 9)
)
_untimed = st.builds(
    lambda s, a, d, t: Segment(speaker=s, start_s=a, end_s=a + d, text=t),
    st.just("Ana"),
    st.floats(0, 90),
    st.floats(0, 30),
    _texts,
)
_scripts = st.builds(
    lambda segments, length: a_script(segments=tuple(segments), duration_s=length),
    st.lists(st.one_of(_segments, _untimed), max_size=6), st.floats(30, 100),
)  # fmt: skip


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("transcript_")])
@given(script=_scripts)
def test_any_script_gives_a_document_that_others_read(name: str, script: Script) -> None:
    content = take(name).render(script)
    assert content == take(name).render(script)
    if name == "transcript_vtt" and b"-->" not in content:
        return
    read = READERS[name](content)
    assert [phrase.start_s for phrase in read] == sorted(phrase.start_s for phrase in read)
    assert all(0 <= phrase.start_s <= phrase.end_s <= max(script.duration_s, 1) + 0.5 for phrase in read)
    spoken = letters("".join(clean_line(s.text, 100_000) for s in script.segments))
    assert sorted(letters("".join(p.text for p in read))) == sorted(spoken) or name in ("transcript_srt", "transcript_txt")


# ---- captions


@given(script=_scripts)
def test_webvtt_cues_fit_a_screen_and_name_their_voice(script: Script) -> None:
    content = take("transcript_vtt").render(script).decode()
    for block in content.strip().split("\n\n")[1:]:
        times, _, text = block.partition("\n")
        if times.startswith("NOTE"):
            continue
        lines = (
            [unescaped(line) for line in text.removeprefix("<v ").split(">", 1)[-1].split("\n")]
            if text.startswith("<v ")
            else text.split("\n")
        )
        assert len(lines) <= 2 and all(0 < len(unescaped(line)) <= 65 for line in lines)
    for cue in read_vtt(content.encode()) if "-->" in content else ():
        assert 0 < cue.end_s - cue.start_s <= 7.0005


@given(script=_scripts)
def test_subrip_cues_follow_one_another_and_can_be_read_in_time(script: Script) -> None:
    content = take("transcript_srt").render(script).decode()
    cues = list(srt.parse(content))
    assert all(len(line) <= 32 for cue in cues for line in cue.content.split("\n"))
    assert all(len(cue.content.split("\n")) <= 2 for cue in cues)
    assert all(a.end <= b.start for a, b in pairwise(cues))
    room = script.duration_s / max(len(cues), 1)
    assert all((c.end - c.start).total_seconds() >= min(0.8, room - 0.0015) for c in cues)
    assert all((c.end - c.start).total_seconds() <= 7.0005 for c in cues)


def test_every_webvtt_cue_of_a_long_speech_names_the_speaker() -> None:
    script = a_script(segments=(said("Ana", 1.0, "bread and butter " * 30),))
    cues = webvtt.from_string(take("transcript_vtt").render(script).decode())
    assert len(cues) > 4 and {cue.voice for cue in cues} == {"Ana"}


def test_voices_that_cross_are_crossing_cues() -> None:
    script = a_script(segments=(said("Ana", 1.0, "I was saying that"), said("Ben", 1.5, "Wait!")))
    for name in ("transcript_vtt", "transcript_json"):
        first, second = READERS[name](take(name).render(script))
        assert second.start_s < first.end_s and (first.speaker, second.speaker) == ("Ana", "Ben")


def test_subrip_names_whoever_begins_to_speak() -> None:
    segments = (
        said("Ana", 1.0, "one two three four five six"),
        said("Ben", 2.1, "wait"),
        said("Ben", 8.0, "go on"),
        said("Ben", 10.5, "and on"),
        said(None, 12.0, "?"),
    )
    read = read_srt(take("transcript_srt").render(a_script(segments=segments)))
    assert [p.text for p in read] == ["Ana: one two three", "Ben: wait", "Ana: four five six", "Ben: go on", "and on", "?"]


def test_a_pause_ends_a_cue() -> None:
    segment = replace(said("Ana", 1.0, "before after"), words=(*said("Ana", 1.0, "before").words, *said("Ana", 9.0, "after").words))
    assert [p.text for p in read_vtt(take("transcript_vtt").render(a_script(segments=(segment,))))] == ["before", "after"]


def test_one_voice_is_one_paragraph_until_another_speaks() -> None:
    segments = (said("Ana", 1.0, "One."), said("Ana", 2.0, "Two."), said("Ben", 3.0, "Three."), said("Ana", 69.0, "Four."))
    content = take("transcript_txt").render(a_script(segments=segments, duration_s=80.0)).decode()
    assert content == "[00:00:01] Ana: One. Two.\n\n[00:00:03] Ben: Three.\n\n[00:01:09] Ana: Four.\n"


def test_a_chapters_link_is_a_web_address_or_none() -> None:
    chapters = tuple(
        Chapter(start_s=float(n), end_s=n + 1.0, title="T", source="pinned", url=url)
        for n, url in enumerate(["https://example.org/", "javascript:alert(1)", ""])
    )
    document = json.loads(take("chapters_json").render(a_script(chapters=chapters)))
    assert [c.get("url") for c in document["chapters"]] == ["https://example.org/", None, None]
