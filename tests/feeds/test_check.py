"""A sound feed has no findings; each thing that is broken is found and named."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from fakes_feeds import SITE, Diary, a_show, an_episode, upload

from feeds.catalogue import Episode, Show
from feeds.check import check
from feeds.findings import Answer, Finding
from feeds.from_store import from_store
from feeds.publish import Published
from pipeline.stores import mime_type_of

EPISODE = an_episode()
FEED = "tuesday/feed.xml"


@pytest.fixture(autouse=True)
def published(publishing: Callable[..., Published], public: Diary, private: Diary) -> None:
    upload(public, private, EPISODE, an_episode(2))
    publishing([EPISODE, an_episode(2)])


def verdict(
    public: Diary, feed: bytes | None = None, show: Show | None = None, episodes: list[Episode] | None = None
) -> list[Finding]:
    content = feed if feed is not None else public.get(FEED) or b""
    return list(check(content, show or a_show(), episodes or [EPISODE, an_episode(2)], from_store(public, SITE)))


def rules(findings: list[Finding]) -> set[str]:
    return {finding.rule for finding in findings}


def replaced(public: Diary, name: str, content: bytes) -> list[Finding]:
    key = EPISODE.prefix + name
    public.put(key, content, mime_type=mime_type_of(key), cache_control="")
    return verdict(public)


def test_a_sound_feed_has_no_findings(public: Diary) -> None:
    assert verdict(public) == []


@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        (b"</channel>", b"", "well-formed"),
        (b"<rss ", b'<!DOCTYPE r [<!ENTITY e "x">]><rss ', "well-formed"),
        (b"<language>en</language>", b"", "required"),
        (b"<itunes:explicit>false</itunes:explicit>", b"", "required"),
        (b"4b90ee2d-c462-5039", b"4b90ee2d-c462-5038", "guid"),
        (b'rel="self"', b'rel="me"', "self"),
        (b'length="4800"', b'length="600"', "enclosure"),
        (b'type="audio/mpeg"/>', b'type="audio/mp4"/>', "enclosure"),
        (b"<itunes:duration>600<", b"<itunes:duration>660<", "duration"),
        (b"<itunes:duration>600<", b"<itunes:duration>10:00<", "duration"),
        (b"<pubDate>", b"<pubDate>soon ", "date"),
        (b'start="00:02:00.000"', b'start="00:02:00.300"', "chapters"),
        (an_episode(2).guid.encode(), EPISODE.guid.encode(), "unique"),
        (an_episode(2).guid.encode(), an_episode(9).guid.encode(), "private"),
        (b"cover.jpg", b"cover.png", "cover"),
        (b"transcript.vtt", b"transcript.vtx", "transcript"),
        (b'application/x-subrip"', b'application/srt"', "transcript"),
    ],
)
def test_what_is_wrong_in_the_feed_is_found(public: Diary, before: bytes, after: bytes, rule: str) -> None:
    feed = public.get(FEED) or b""
    assert before in feed and rule in rules(verdict(public, feed.replace(before, after)))


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("cover.jpg", b"no picture", "cover"),
        ("transcript.vtt", b"WEBVT\n\n", "transcript"),
        ("transcript.vtt", b"WEBVTT\n\n00:00:09.000 --> 00:00:02.000\nHi\n", "transcript"),
        ("transcript.vtt", b"WEBVTT\n\n00:00:09.000 -> 00:00:12.000\nHi\n", "transcript"),
        ("transcript.vtt", b"WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nHi\n", "transcript"),
        ("transcript.vtt", b"\xff\xfe", "transcript"),
        ("transcript.srt", b"1\n00:00:01,000 --> 00:00:09,000\nHi\n\n2\n00:00:02,000 --> 00:00:04,000\nHo\n\n", "transcript"),
        ("transcript.srt", b"1\n00:10:01,000 --> 00:10:09,000\nHi\n\n", "transcript"),
        ("transcript.json", b"{", "transcript"),
        ("transcript.json", b'{"version": "1.0.0", "segments": [{"startTime": "0"}]}', "transcript"),
        ("transcript.html", b"<p>bare</p>", "transcript"),
        ("chapters.json", b'{"version": "1.2.0", "chapters": [{"startTime": "0"}]}', "chapters"),
        ("chapters.json", b'{"version": "1.2.0", "chapters": [{"startTime": 3}]}', "chapters"),
        ("chapters.json", b'{"version": "1.2.0", "chapters": [{"startTime": 0}, {"startTime": 900}]}', "chapters"),
        ("chapters.json", b'{"chapters": []}', "chapters"),
    ],
)
def test_what_is_wrong_in_the_bytes_is_found(public: Diary, name: str, content: bytes, rule: str) -> None:
    assert rules(replaced(public, name, content)) == {rule}


def test_audio_of_another_length_is_found(public: Diary) -> None:
    assert rules(replaced(public, "episode.mp3", b"short")) == {"enclosure", "range"}


@pytest.mark.parametrize("name", ["episode.mp3", "cover.jpg", "transcript.vtt", "transcript.html", "chapters.json"])
def test_a_file_that_is_not_there_is_found(public: Diary, name: str) -> None:
    public.delete(EPISODE.prefix + name)
    assert any(name in finding.said for finding in verdict(public))


def test_an_episode_that_is_published_and_not_shown_is_found(public: Diary) -> None:
    findings = verdict(public, episodes=[EPISODE, an_episode(2), an_episode(3)])
    assert [str(f) for f in findings] == [
        f"complete: episode {an_episode(3).slug} is published and not in the feed; publish the show again"
    ]


def test_an_episode_that_is_shown_and_not_public_is_found(public: Diary) -> None:
    assert "private" in rules(verdict(public, episodes=[replace(EPISODE, access="members"), an_episode(2)]))


def test_items_in_another_order_are_found(public: Diary) -> None:
    older = replace(EPISODE, started_at=an_episode(5).started_at)
    assert rules(verdict(public, episodes=[older, an_episode(2)])) == {"order"}


def test_a_category_apple_does_not_know_is_found(public: Diary) -> None:
    assert rules(verdict(public, show=a_show(category="Bread"))) == {"category"}


def test_a_server_that_does_not_know_range_is_found(public: Diary) -> None:
    stored = from_store(public, SITE)

    def whole(method: str, url: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        return stored(method, url)

    findings = check(public.get(FEED) or b"", a_show(), [EPISODE, an_episode(2)], whole)
    assert [finding.rule for finding in findings] == ["range", "range"]
