"""The feed, read by programs that are not ours."""

import contextlib
import io
import locale
import threading
from collections.abc import Iterator
from dataclasses import replace

import feedparser
import podcastparser
import pytest
from defusedxml.ElementTree import fromstring
from fakes_feeds import HOSTILE, SITE, a_draft, a_show, a_sound, an_episode, assert_golden
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds import rss
from feeds.catalogue import Episode, Person
from feeds.categories import CATEGORIES, category_of
from feeds.findings import attribute_of, path_of, text_of
from feeds.notes import sanitised
from pipeline.text import clean_line

EPISODES = (
    an_episode(1),
    an_episode(2, state="audible", words=None, chapters=(), title="Bread <2> & co", description=""),
    an_episode(3, language="de", description="Über Brot."),
)


def item_of(episode: Episode, **show: object):  # type: ignore[no-untyped-def]
    """The episode's item, parsed."""
    return fromstring(rss.render(a_show(**show), [episode], SITE).content).find("channel/item")


def channel_of(*episodes: Episode, **show: object):  # type: ignore[no-untyped-def]
    return fromstring(rss.render(a_show(**show), episodes, SITE).content).find("channel")


# ---- bytes


def test_the_feed_is_byte_for_byte_the_golden_one() -> None:
    assert_golden("feed.xml", rss.render(a_show(), EPISODES, SITE).content)


def test_the_order_of_the_rows_does_not_count() -> None:
    assert rss.render(a_show(), EPISODES, SITE) == rss.render(a_show(), EPISODES[::-1], SITE)


def test_the_revision_counters_are_not_in_the_feed() -> None:
    again = rss.render(a_show(feed_rev=90, published_rev=80), EPISODES, SITE)
    assert again.sha256 == rss.render(a_show(), EPISODES, SITE).sha256


def test_items_that_stand_are_taken_over_as_they_are() -> None:
    feed = rss.render(a_show(), EPISODES, SITE)
    standing = rss.items_of(feed.content)
    assert set(standing) == {e.guid for e in EPISODES}
    assert rss.render(a_show(), EPISODES, SITE, standing=standing) == feed
    assert rss.render(a_show(), EPISODES, SITE, standing={EPISODES[0].guid: standing[EPISODES[0].guid]}) == feed


@pytest.fixture
def own_locale() -> Iterator[str]:
    before = locale.setlocale(locale.LC_ALL)
    yield locale.setlocale(locale.LC_ALL, "C.UTF-8")
    locale.setlocale(locale.LC_ALL, before)


def test_feeds_written_at_once_leave_the_locale_alone(own_locale: str) -> None:
    threads = [threading.Thread(target=lambda: [rss.render(a_show(), EPISODES, SITE) for _ in range(25)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert locale.setlocale(locale.LC_ALL) == own_locale


# ---- other readers


def test_feedparser_reads_it_without_complaint() -> None:
    read = feedparser.parse(rss.render(a_show(), EPISODES, SITE).content)
    assert not read.bozo and read.feed.title == "Tuesday & Friends" and read.version == "rss20"
    assert [e.title for e in read.entries] == ["Bread, part 3", "Bread <2> & co", "Bread, part 1"]
    assert [e.enclosures[0].length for e in read.entries] == ["4800"] * 3
    assert all(sanitised(e.content[0].value) == e.content[0].value for e in read.entries)


def test_podcastparser_reads_it_without_complaint() -> None:
    url = SITE.feed_url(a_show())
    read = podcastparser.parse(url, io.BytesIO(rss.render(a_show(), EPISODES, SITE).content))
    assert (read["title"], read["link"], read["explicit"]) == ("Tuesday & Friends", SITE.show_url(a_show()), False)
    newest = read["episodes"][0]
    assert newest["enclosures"][0]["file_size"] == 4800 and newest["enclosures"][0]["mime_type"] == "audio/mpeg"
    assert newest["total_time"] == 600 and newest["guid"] == EPISODES[2].guid
    assert [c["start"] for c in newest["chapters"]] == [0, 120, 290]  # it reads whole seconds


# ---- what it says


def test_newest_come_first_and_the_date_of_the_build_is_that_of_the_content() -> None:
    channel = channel_of(*EPISODES)
    assert [text_of(i, "title") for i in channel.findall("item")] == ["Bread, part 3", "Bread <2> & co", "Bread, part 1"]
    assert text_of(channel, "lastBuildDate") == "Fri, 20 Nov 2026 21:00:00 +0000"


def test_an_empty_feed_has_no_date_of_a_build() -> None:
    channel = channel_of()
    assert channel.find("lastBuildDate") is None and channel.find("item") is None and text_of(channel, "title")


def test_the_channel_names_itself_its_hub_and_its_guid() -> None:
    channel = channel_of(*EPISODES)
    assert [(a.get("rel"), a.get("href")) for a in channel.findall(path_of("atom:link"))] == [
        ("self", "https://pods.example/tuesday/feed.xml"),
        ("hub", "https://hub.example/"),
    ]
    assert text_of(channel, "podcast:guid") == a_show().guid
    assert attribute_of(channel, "podcast:locked", "owner") == "ana@example.org"


def test_explicit_is_true_or_false_and_a_public_show_is_not_blocked() -> None:
    assert text_of(channel_of(explicit=True), "itunes:explicit") == "true"
    assert text_of(channel_of(), "itunes:explicit") == "false"
    assert text_of(channel_of(), "itunes:block") == ""


def test_an_unlisted_show_asks_directories_to_stay_away() -> None:
    channel = channel_of(access="unlisted")
    assert text_of(channel, "itunes:block") == "yes" and text_of(channel, "podcast:block") == "yes"


def test_a_show_without_an_owners_address_has_no_owner() -> None:
    channel = channel_of(owner_email="", author="", description="")
    assert channel.find(path_of("itunes:owner")) is None and text_of(channel, "itunes:author") == "Tuesday & Friends"


@pytest.mark.parametrize(
    ("written", "category"),
    [
        ("Documentary", ("Society & Culture", "Documentary")),
        ("society & culture", ("Society & Culture", None)),
        ("Society & Culture > Philosophy", ("Society & Culture", "Philosophy")),
        ("Arts > Philosophy", None),
        ("Bread", None),
        ("", None),
    ],
)
def test_a_category_is_one_of_apples(written: str, category: tuple[str, str | None] | None) -> None:
    assert category_of(written) == category
    found = channel_of(category=written).find(path_of("itunes:category"))
    assert (found.get("text") if found is not None else None) == (category[0] if category else None)


def test_apple_has_nineteen_categories() -> None:
    assert len(CATEGORIES) == 19 and all(category_of(sub) == (top, sub) for top, subs in CATEGORIES.items() for sub in subs)


def test_people_are_named_with_their_part() -> None:
    people = item_of(EPISODES[0]).findall(path_of("podcast:person"))
    assert [(p.text, p.get("role"), p.get("href")) for p in people] == [
        ("Ana Costa", "host", "https://ana.example/"),
        ("Ben Ito", "guest", None),
        ("Cem", "co-host", None),
    ]
    assert [p.text for p in channel_of(*EPISODES).findall(path_of("podcast:person"))] == ["Ana Costa"]


def test_every_transcript_is_named_with_its_language_and_captions_as_captions() -> None:
    transcripts = item_of(EPISODES[0]).findall(path_of("podcast:transcript"))
    assert [(t.get("type"), t.get("rel"), t.get("language")) for t in transcripts] == [
        ("text/vtt", "captions", "en"), ("application/x-subrip", "captions", "en"), ("application/json", None, "en"),
        ("text/html", None, "en"),
    ]  # fmt: skip


def test_machine_words_are_declared_and_only_where_they_are_public() -> None:
    assert text_of(item_of(EPISODES[0]), "podcast:txt") == "true"
    assert attribute_of(channel_of(EPISODES[0]), "podcast:txt", "purpose") == "ai-content"
    assert channel_of(EPISODES[1]).find(path_of("podcast:txt")) is None


def test_draft_words_are_in_the_feed_only_when_the_show_says_so() -> None:
    private, public = item_of(a_draft()), item_of(a_draft(), drafts="public")
    assert private.find(path_of("podcast:transcript")) is None and private.find(path_of("podcast:txt")) is None
    assert public.find(path_of("podcast:transcript")) is not None


def test_alternates_with_their_hashes_come_when_the_episode_is_complete() -> None:
    alternates = item_of(EPISODES[0]).findall(path_of("podcast:alternateEnclosure"))
    assert [(a.get("type"), a.get("default")) for a in alternates] == [
        ("audio/mpeg", "true"),
        ("audio/mp4", None),
        ("audio/ogg", None),
    ]
    assert all(attribute_of(a, "podcast:integrity", "value").startswith("sha384-") for a in alternates)
    assert item_of(EPISODES[1]).find(path_of("podcast:alternateEnclosure")) is None


def test_a_title_without_a_letter_is_replaced_by_the_show_and_the_day() -> None:
    assert text_of(item_of(an_episode(title="\x00 \u202e")), "title") == "Tuesday & Friends, 2026-11-18"


# ---- whatever a room writes

_texts = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=300))


@settings(max_examples=60)
@given(_texts, _texts, _texts)
def test_no_text_breaks_the_feed_and_none_is_lost(title: str, name: str, description: str) -> None:
    person = Person(identity="u1", name=name, role="host", url=name, image=description)
    episode = an_episode(title=title, description=description, people=(person,), language=name)
    feed = rss.render(a_show(title=title, description=description, author=name, language="en"), [episode], SITE)
    assert feed.quarantined == ()
    item = fromstring(feed.content, forbid_dtd=True).find("channel/item")
    assert text_of(item, "title") == clean_line(title) or not clean_line(title)
    assert [p.text for p in item.findall(path_of("podcast:person"))] == [clean_line(name, 128)] * bool(clean_line(name))
    read = feedparser.parse(feed.content)
    assert not read.bozo and read.entries[0].content[0].value in read_as(text_of(item, "content:encoded"))


def read_as(text: str) -> set[str]:
    """What feedparser may make of a text: it takes letters that could be mistaken UTF-8 for just that."""
    with contextlib.suppress(UnicodeError):
        return {text, text.encode("latin-1").decode()}
    return {text}


def test_a_poisoned_episode_is_left_out_and_named_and_the_others_stay() -> None:
    poisoned = replace(an_episode(2), renditions=(replace(an_episode(2).renditions[0], mime_type="audio/\x00mpeg"),))
    silent = replace(an_episode(4), renditions=())
    endless = replace(an_episode(5), renditions=tuple(replace(r, duration_s=float("nan")) for r in an_episode(5).renditions))
    feed = rss.render(a_show(), [an_episode(1), poisoned, an_episode(3), silent, endless], SITE)
    assert {q.slug for q in feed.quarantined} == {poisoned.slug, silent.slug, endless.slug}
    assert [q.why for q in feed.quarantined if q.slug == silent.slug] == ["there is no MP3 of it"]
    assert len(fromstring(feed.content).findall("channel/item")) == 2


def test_a_very_short_episode_lasts_a_second() -> None:
    episode = an_episode(sound=a_sound(source_s=0.3, duration_s=0.3, cuts=()))
    brief = replace(episode, renditions=tuple(replace(r, duration_s=0.3) for r in episode.renditions))
    assert text_of(item_of(brief), "itunes:duration") == "1"
