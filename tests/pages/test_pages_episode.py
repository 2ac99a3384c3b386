"""An episode's page: all of it in the file, honest about its words, closed to hostile text, and small."""

import gzip
import json
import random
import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from urllib.parse import urlsplit

import fakes_pages as room
import pytest
from reads_html import read

from feeds.catalogue import Person
from feeds.pages import assets, episode_page
from pipeline.models import Chapter, Segment, Word


def page(**changed: object) -> bytes:
    return episode_page(room.show(), room.episode(**changed), room.script(), room.SITE)


def test_the_same_values_give_the_same_bytes() -> None:
    assert page() == page()


def test_every_word_stands_in_the_page_with_its_voice_and_a_time_that_needs_no_script() -> None:
    turns = read(page()).all("p", class_="turn")
    assert " ".join(t.one("span").text for t in turns).split() == " ".join(s.text for s in room.SEGMENTS).split()
    assert all(re.fullmatch(r"episode\.mp3#t=\d+(\.\d)?", t.one("a").attributes["href"]) for t in turns)
    jonas = [t for t in turns if t.all("b") and t.one("b").text == "Jonas Lindqvist"]
    assert jonas and all("v2" in t.attributes["class"] for t in jonas)


def test_a_listener_is_heard_but_never_named() -> None:
    whole = read(page())
    assert "Tomás" not in page().decode()
    (asked,) = [t for t in whole.all("p", class_="turn v4") if t.all("b")]
    assert asked.one("b").text == "A voice from the room"


def test_chapters_lead_into_the_sound_and_pinned_ones_to_their_link() -> None:
    whole = read(page())
    links = whole.one("nav", class_="chapters").all("a")
    assert [a.one("span").text for a in links] == [c.title for c in room.CHAPTERS]
    assert links[2].attributes["href"] == f"episode.mp3#t={room.CHAPTERS[2].start_s:.2f}".rstrip("0")
    pinned = [a.attributes["href"] for p in whole.all("p", class_="links") for a in p.all("a", rel="noopener")]
    assert pinned == [c.url for c in room.CHAPTERS if c.url]


def test_a_picture_stands_at_its_chapter_and_nowhere_else() -> None:
    shown = (replace(room.CHAPTERS[0], image="ab" * 32), *room.CHAPTERS[1:])
    whole = read(episode_page(room.show(), room.episode(), room.script(chapters=shown), room.SITE))
    first, *others = whole.all("div", class_="part")
    (picture,) = first.all("img")
    assert (picture.attributes["src"], picture.attributes["alt"], picture.attributes["loading"]) == (
        "chapter-abababababababab.jpg", "", "lazy",
    )  # fmt: skip
    assert not any(part.all("img") for part in others)


def test_a_link_that_is_not_for_the_web_is_no_link() -> None:
    bad = tuple(replace(c, url="javascript:alert(1)") for c in room.CHAPTERS)
    assert b"javascript:" not in episode_page(room.show(), room.episode(), room.script(chapters=bad), room.SITE)


def test_files_come_with_the_mp3_first_and_every_document_told() -> None:
    files = read(page()).one("section", class_="files")
    assert [a.attributes["href"] for a in files.all("a", download="")][:3] == ["episode.mp3", "episode.m4a", "episode.opus"]
    told = {a.attributes["href"] for p in files.all("p") for a in p.all("a")}
    assert {"transcript.vtt", "transcript.srt", "transcript.json", "transcript.txt", "transcript.html", "chapters.json"} <= told


def test_no_sound_is_loaded_before_play_and_nothing_comes_from_elsewhere() -> None:
    whole = read(page())
    assert whole.one("audio").attributes["preload"] == "none"
    loads = [
        *(
            e.attributes["src"]
            for tag in ("script", "img", "source", "audio", "iframe")
            for e in whole.all(tag)
            if "src" in e.attributes
        ),
        *(e.attributes["href"] for e in whole.all("link") if e.attributes["rel"] in {"stylesheet", "preload"}),
        *re.findall(r"url\(([^)]+)\)", whole.one("style").text),
    ]
    assert loads and not any(urlsplit(address).netloc for address in loads)


def test_its_fonts_are_among_the_shared_files() -> None:
    wanted = {e.attributes["href"].removeprefix("../../_assets/") for e in read(page()).all("link", rel="preload")}
    assert len(wanted) == 2 and wanted <= set(assets())
    assert all(re.search(r"\.[0-9a-f]{10}\.(woff2|txt)$", name) for name in assets())
    assert any(b"SIL OPEN FONT LICENSE" in asset.content for asset in assets().values())


# ---- honest about words


def test_draft_words_say_so() -> None:
    draft = read(episode_page(room.show(), room.episode(), room.script(quality="draft", engine="PocketSphinx"), room.SITE))
    assert draft.one("p", class_="label").text.startswith("Draft words, written by a machine and not checked.")
    assert "PocketSphinx" in draft.one("p", class_="by").text
    assert not read(page()).all("p", class_="label")


@pytest.mark.parametrize(
    ("state", "said"), [("audible", "The words are not here yet."), ("complete", "This episode has no transcript.")]
)
def test_without_words_the_rest_stands(state: str, said: str) -> None:
    bare = read(episode_page(room.show(), room.episode(state=state), room.wordless(), room.SITE))
    assert said in bare.one("p", class_="none").text
    assert len(bare.one("nav", class_="chapters").all("a")) == len(room.CHAPTERS)
    assert bare.all("audio") and not bare.all("script", id="beats") and "transcript.vtt" not in bare.text


def test_a_room_in_one_file_shows_people_without_shares() -> None:
    mixed = read(page(sound=room.mixed_sound()))
    row = mixed.one("ul", class_="voices")
    assert "Amara Osei" in row.text and "%" not in row.text


def test_without_anything_measured_or_encoded_there_is_still_a_page() -> None:
    bare = read(episode_page(room.show(), room.episode(sound=None, renditions=()), room.wordless(chapters=()), room.SITE))
    assert bare.one("h1").text == "What the outage taught us" and not bare.all("audio")


@pytest.mark.parametrize(
    ("consent", "people", "said"),
    [
        ("required", room.PEOPLE, "Everyone you hear agreed to be published."),
        ("notice", room.PEOPLE, "Everyone in the room was told of the recording."),
        ("notice", (), None),
    ],
)
def test_the_footer_says_of_consent_what_is_true(consent: str, people: tuple[Person, ...], said: str | None) -> None:
    footer = (
        read(episode_page(room.show(consent=consent), room.episode(people=people), room.script(), room.SITE)).one("footer").text
    )
    assert (said in footer) if said else ("agreed" not in footer and "told" not in footer)


def test_who_wants_a_passage_removed_finds_an_address() -> None:
    link = read(page()).one("footer").one("a")
    assert link.attributes["href"].startswith("mailto:hello%40latebuild.example?subject=Please%20remove")
    silent = episode_page(room.show(owner_email=""), room.episode(), room.script(), room.SITE)
    assert b"mailto:" not in silent


def test_the_day_is_that_of_the_room() -> None:
    late = datetime(2026, 11, 12, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert "Live on Thursday 12 November 2026" in read(page(started_at=late)).one("p", class_="eyebrow").text


# ---- what machines read


def test_machines_are_told_what_it_is() -> None:
    whole = read(page())
    data = json.loads(whole.one("script", type="ld+json").text)
    assert (data["@type"], data["duration"], data["associatedMedia"]["encodingFormat"]) == (
        "PodcastEpisode",
        "PT9M14S",
        "audio/mpeg",
    )
    assert data["associatedMedia"]["contentUrl"] == "https://radio.example/late-build/q7c2mk4zta/episode.mp3"
    assert whole.one("link", rel="canonical").attributes["href"] == room.SITE.episode_url(room.episode()) == data["url"]
    assert whole.one("link", type="rss+xml").attributes["href"] == "https://radio.example/late-build/feed.xml"
    assert (
        whole.one("meta", property="og:audio", content="episode.mp3").attributes["content"] == data["associatedMedia"]["contentUrl"]
    )
    assert not whole.all("meta", name="robots")


def test_a_show_that_is_not_public_asks_not_to_be_found() -> None:
    hidden = read(episode_page(room.show(access="unlisted"), room.episode(), room.script(), room.SITE))
    assert hidden.one("meta", name="robots").attributes["content"] == "noindex"


# ---- hostile text


@pytest.mark.parametrize("text", room.HOSTILE)
def test_no_text_from_a_room_becomes_markup(text: str) -> None:
    plain = read(page())
    people = (Person(identity="amara", name=text, role="host", url=text), *room.PEOPLE[1:])
    chapters = tuple(replace(c, title=text, url=text) for c in room.CHAPTERS)
    said = tuple(replace(s, speaker=text, text=text) for s in room.script().segments)
    show = room.show(title=text, description=text, author=text, owner_email=text, language=text)
    hostile = read(
        episode_page(
            show,
            room.episode(title=text, description=text, people=people),
            room.script(chapters=chapters, segments=said),
            room.SITE,
        )
    )
    assert len(hostile.all("script")) == len(plain.all("script")) and len(hostile.all("style")) == 1
    assert not hostile.all("img") and not [e for e in hostile.all("svg") if "onload" in e.attributes]
    assert hostile.one("h1").text == text
    assert not [
        e
        for tag in ("a", "p", "h1", "section", "span", "b")
        for e in hostile.all(tag)
        if any(n.startswith("on") for n in e.attributes)
    ]
    assert json.loads(hostile.one("script", type="ld+json").text)["name"] == text


def test_the_policy_allows_our_own_style_and_script_alone() -> None:
    head = page().decode()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', head)
    assert policy and "unsafe" not in policy[1] and "default-src &#39;none&#39;" in policy[1]
    assert not re.search(r'<[^>]+ style="', head)


# ---- small


def _an_hour() -> tuple[tuple[Segment, ...], tuple[Chapter, ...]]:
    """9,500 words between four people, with frequencies like those of a language: the nth word comes 1/n as often as the first."""
    dice = random.Random(11)
    syllables = ("ta", "no", "ri", "ser", "con", "ve", "la", "di", "mo", "per", "st", "en", "ing", "ly", "re", "able", "pro")
    vocabulary = ["".join(dice.choices(syllables, k=1 + n // 500 + dice.randint(0, 1))) for n in range(2500)]
    weights = [1 / (n + 3) for n in range(2500)]
    at, segments = 0.0, []
    while at < 3600:
        who, words = dice.choice(room.PEOPLE[:3]).name, []
        for text in dice.choices(vocabulary, weights, k=dice.randint(6, 60)):
            words.append(Word(text=text, start_s=at, end_s=at + 0.3))
            at += 0.12 + 0.04 * len(text) * dice.uniform(0.6, 1.6) + (0.4 if dice.random() < 0.1 else 0)
        segments.append(
            Segment(speaker=who, start_s=words[0].start_s, end_s=at, text=" ".join(w.text for w in words) + ".", words=tuple(words))
        )
        at += dice.uniform(0, 0.6)
    starts = [*range(0, 3500, 440), at]
    chapters = tuple(
        Chapter(start_s=float(s), end_s=float(e), title=f"What was said at {s}", source="computed") for s, e in pairwise(starts)
    )
    return tuple(segments), chapters


def test_an_hour_of_talk_stays_under_45_kilobytes() -> None:
    segments, chapters = _an_hour()
    length = segments[-1].end_s
    names = {p.name: p.identity for p in room.PEOPLE}
    told = [replace(s, speaker=names[s.speaker or ""]) for s in segments]
    episode = room.episode(
        sound=room.sound(duration_s=length, source_s=length, activity=room.activity(told, length)), chapters=chapters
    )
    whole = episode_page(room.show(), episode, room.script(segments=segments, chapters=chapters, duration_s=length), room.SITE)
    assert sum(len(s.words) for s in segments) > 8500
    assert len(gzip.compress(whole, 9)) < 45_000 * length / 3600
