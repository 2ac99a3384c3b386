"""Publishing: what is written, in which order, and what is not."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fakes_feeds import PEOPLE, SITE, Diary, KilledError, a_draft, a_show, a_transcript, an_episode, upload
from pydantic import TypeAdapter

from feeds import documents, pages
from feeds.catalogue import Episode
from feeds.check import check
from feeds.from_store import from_store
from feeds.publish import Published, publish
from pipeline.models import Transcript
from pipeline.stores import Stat, mime_type_of, open_store

Publish = Callable[..., Published]
FEED = "tuesday/feed.xml"
DOCUMENTS = [document.FILE for document in documents.shelved()]


@pytest.fixture
def episodes(public: Diary, private: Diary) -> list[Episode]:
    both = [an_episode(1), an_episode(2)]
    upload(public, private, *both)
    return both


def feed_of(public: Diary) -> str:
    return (public.get(FEED) or b"").decode()


# ---- what is written


def test_what_is_pointed_at_is_written_first_and_the_feed_last(publishing: Publish, public: Diary, episodes: list[Episode]) -> None:
    writes = list(publishing(episodes).writes)
    assert sorted(writes) == sorted(public.puts)
    shared = [*(f"_assets/{name}" for name in pages.assets()), "tuesday/cover.jpg"]
    assert public.puts[: len(shared)] == shared and public.puts[-2:] == ["tuesday/index.html", FEED]
    for episode in episodes:
        mine = [key.removeprefix(episode.prefix) for key in public.puts if key.startswith(episode.prefix)]
        assert mine == [*DOCUMENTS, "cover.jpg", "index.html"]
    assert len(public.puts) == len(shared) + 2 * len(mine) + 2


def test_a_published_show_is_sound(publishing: Publish, public: Diary, episodes: list[Episode]) -> None:
    published = publishing(episodes)
    assert published.quarantined == () and published.skipped == 0
    assert check(public.get(FEED) or b"", a_show(), episodes, from_store(public, SITE)) == ()


def test_files_are_served_as_what_they_are(publishing: Publish, public: Diary, episodes: list[Episode]) -> None:
    publishing(episodes)
    types = {key.rpartition("/")[2]: stat.mime_type for key in public.puts if (stat := public.stat(key))}
    assert types["feed.xml"] == "application/rss+xml; charset=utf-8" and types["index.html"] == "text/html; charset=utf-8"
    assert types["transcript.vtt"] == "text/vtt; charset=utf-8" and types["chapters.json"] == "application/json+chapters"


def test_unchanged_rows_write_nothing(publishing: Publish, public: Diary, private: Diary, episodes: list[Episode]) -> None:
    first = publishing(episodes)
    again = publishing(episodes, a_show(feed_rev=9, published_rev=8))
    assert (again.writes, again.removed, again.skipped, again.feed_sha256) == ((), (), 2, first.feed_sha256)
    assert (public.puts, private.puts, public.deletes, private.deletes) == ([], [], [], [])


def test_a_lost_note_writes_nothing_but_the_note(
    publishing: Publish, public: Diary, private: Diary, episodes: list[Episode]
) -> None:
    publishing(episodes)
    private.delete("tuesday/published.json")
    assert publishing(episodes).writes == () and private.puts == ["tuesday/published.json"]


def test_a_changed_episode_writes_its_own_files_the_show_and_the_feed(publishing: Publish, episodes: list[Episode]) -> None:
    publishing(episodes)
    published = publishing([replace(episodes[0], title="Bread again"), episodes[1]])
    assert {key.split("/")[1] for key in published.writes} == {episodes[0].slug, "index.html", "feed.xml"}
    assert published.skipped == 1 and published.writes[-1] == FEED


def test_a_new_title_of_the_show_reaches_every_page(publishing: Publish, public: Diary, episodes: list[Episode]) -> None:
    publishing(episodes)
    publishing(episodes, a_show(title="Wednesday"))
    assert all(b"Wednesday" in (public.get(f"{e.prefix}index.html") or b"") for e in episodes)
    assert "<title>Wednesday</title>" in feed_of(public)


def test_whether_all_is_made_anew_or_taken_over_the_bytes_are_the_same(
    publishing: Publish, public: Diary, private: Diary, tmp_path: Path, episodes: list[Episode]
) -> None:
    publishing(episodes[:1])
    publishing(episodes)
    fresh, fresh_private = Diary(open_store(f"file://{tmp_path}/fresh")), Diary(open_store(f"file://{tmp_path}/fresh-private"))
    upload(fresh, fresh_private, *episodes)
    publish(a_show(), episodes, public=fresh, private=fresh_private, site=SITE)
    assert fresh.everything() == public.everything()
    assert fresh_private.everything() == private.everything()


def test_force_puts_right_what_somebody_else_changed(publishing: Publish, public: Diary, episodes: list[Episode]) -> None:
    publishing(episodes)
    page = f"{episodes[0].prefix}index.html"
    public.put(page, b"mine", mime_type="text/html; charset=utf-8", cache_control="")
    assert publishing(episodes).writes == ()
    assert publishing(episodes, force=True).writes == (page,)


def test_a_feed_that_is_not_ours_is_put_right(publishing: Publish, public: Diary, episodes: list[Episode]) -> None:
    publishing(episodes)
    good = feed_of(public)
    public.put(FEED, b"<rss/>", mime_type="application/rss+xml; charset=utf-8", cache_control="")
    assert publishing(episodes).writes == (FEED,) and feed_of(public) == good


def test_an_emptied_store_is_filled_again(publishing: Publish, public: Diary, private: Diary, episodes: list[Episode]) -> None:
    publishing(episodes)
    before = public.everything()
    for key in before:
        public.delete(key)
    upload(public, private, *episodes)
    publishing(episodes)
    assert public.everything() == before


class Minding(Diary):
    """A store that minds in which order things are put and deleted."""

    def named(self, feed: bytes) -> set[str]:
        return {found.decode() for found in re.findall(rb"https://pods\.example/(tuesday/[^\s\"<]+\.\w+)", feed)} - {FEED}

    def put(self, key: str, content: bytes | Path, **about: object) -> Stat:
        if key == FEED and isinstance(content, bytes):
            assert [name for name in self.named(content) if self.stat(name) is None] == []
        return super().put(key, content, **about)

    def delete(self, key: str) -> None:
        assert key not in self.named(self.get(FEED) or b"")
        super().delete(key)


def test_what_a_feed_names_stands_before_it_and_goes_after_it(public: Diary, private: Diary, episodes: list[Episode]) -> None:
    mindful = Minding(public)
    publish(a_show(), episodes, public=mindful, private=private, site=SITE)
    assert len(mindful.named(public.get(FEED) or b"")) > 15
    withdrawn, silent = replace(episodes[0], state="withdrawn"), replace(episodes[1], words=None, words_key="", chapters=())
    assert publish(a_show(), [withdrawn, silent], public=mindful, private=private, site=SITE).removed
    assert publish(a_show(access="private"), episodes, public=mindful, private=private, site=SITE).removed


# ---- what the feed may point at


def test_an_episode_whose_audio_is_missing_is_left_out_and_comes_when_it_is_there(
    publishing: Publish, public: Diary, private: Diary, episodes: list[Episode]
) -> None:
    public.delete(episodes[0].renditions[0].key)
    published = publishing(episodes)
    assert [q.slug for q in published.quarantined] == [episodes[0].slug] and "not in the store" in published.quarantined[0].why
    assert episodes[0].guid not in feed_of(public) and episodes[1].guid in feed_of(public)
    assert episodes[0].slug not in (public.get("tuesday/index.html") or b"").decode()
    upload(public, private, episodes[0])
    assert publishing(episodes).quarantined == () and episodes[0].guid in feed_of(public)


@pytest.mark.parametrize("change", [{"size_bytes": 4_801}, {"mime_type": "audio/mp4"}])
def test_an_enclosure_that_is_not_as_stated_is_left_out(
    publishing: Publish, public: Diary, episodes: list[Episode], change: dict[str, object]
) -> None:
    mp3, *others = episodes[0].renditions
    wrong = replace(episodes[0], renditions=(replace(mp3, **change), *others))  # type: ignore[arg-type]
    assert [q.slug for q in publishing([wrong, episodes[1]]).quarantined] == [wrong.slug]
    assert wrong.guid not in feed_of(public)


def test_audio_that_goes_is_noticed_though_no_row_changed(publishing: Publish, public: Diary, episodes: list[Episode]) -> None:
    publishing(episodes)
    public.delete(episodes[1].renditions[0].key)
    assert [q.slug for q in publishing(episodes).quarantined] == [episodes[1].slug]
    assert episodes[1].guid not in feed_of(public)


def test_an_episode_that_cannot_be_rendered_stops_no_other(publishing: Publish, public: Diary, episodes: list[Episode]) -> None:
    assert episodes[0].sound
    poisoned = replace(episodes[0], sound=replace(episodes[0].sound, source_s=float("nan")))
    published = publishing([poisoned, episodes[1]])
    assert [q.slug for q in published.quarantined] == [poisoned.slug]
    assert poisoned.guid not in feed_of(public) and episodes[1].guid in feed_of(public)


def test_an_episode_whose_words_are_lost_is_published_without_them(
    publishing: Publish, public: Diary, private: Diary, episodes: list[Episode]
) -> None:
    private.delete(episodes[0].words_key)
    published = publishing(episodes)
    assert [q.slug for q in published.quarantined] == [episodes[0].slug] and "words" in published.quarantined[0].why
    assert episodes[0].guid in feed_of(public) and f"{episodes[0].slug}/transcript" not in feed_of(public)
    upload(public, private, episodes[0])
    assert publishing(episodes).quarantined == () and f"{episodes[0].slug}/transcript.vtt" in feed_of(public)


def test_an_episode_is_published_before_its_words_and_again_with_them(
    publishing: Publish, public: Diary, episodes: list[Episode]
) -> None:
    audible = replace(episodes[0], state="audible", words=None, chapters=(), words_key="")
    first = publishing([audible])
    assert not any("transcript" in key or "chapters" in key for key in first.writes) and audible.guid in feed_of(public)
    assert f"{audible.prefix}transcript.vtt" in publishing(episodes[:1]).writes


# ---- who is told


@pytest.mark.parametrize(
    "change",
    [{"state": "withdrawn"}, {"state": "working"}, {"published_at": None}, {"access": "private"}, {"access": "members"}],
)
def test_what_is_not_public_is_in_no_public_file(
    publishing: Publish, public: Diary, episodes: list[Episode], change: dict[str, object]
) -> None:
    hidden = replace(episodes[0], **change)  # type: ignore[arg-type]
    published = publishing([hidden, episodes[1]])
    assert not any(hidden.slug in key for key in published.writes)
    assert not any(hidden.guid.encode() in content for key, content in public.everything().items() if content)


def test_an_episode_that_is_withdrawn_leaves_at_once_but_for_its_audio(
    publishing: Publish, public: Diary, episodes: list[Episode]
) -> None:
    publishing(episodes)
    published = publishing([replace(episodes[0], state="withdrawn"), episodes[1]])
    assert episodes[0].guid not in feed_of(public)
    assert sorted(published.removed) == sorted(f"{episodes[0].prefix}{name}" for name in [*DOCUMENTS, "cover.jpg", "index.html"])
    assert list(public.keys(episodes[0].prefix)) == sorted(r.key for r in episodes[0].renditions)


def test_an_unlisted_episode_has_its_page_and_no_place_in_the_feed(
    publishing: Publish, public: Diary, episodes: list[Episode]
) -> None:
    unlisted = replace(episodes[0], access="unlisted")
    publishing([unlisted, episodes[1]])
    assert public.stat(f"{unlisted.prefix}index.html") and unlisted.slug not in feed_of(public)
    publishing([unlisted, episodes[1]], a_show(access="unlisted"))
    assert unlisted.guid in feed_of(public)


@pytest.mark.parametrize("access", ["private", "members", "ticketed"])
def test_a_show_that_is_not_public_is_never_written(
    publishing: Publish, public: Diary, private: Diary, episodes: list[Episode], access: str
) -> None:
    published = publishing(episodes, a_show(access=access))
    assert (published.writes, published.removed, published.feed_sha256, private.puts) == ((), (), "", [])


def test_a_show_that_becomes_private_leaves_nothing_but_audio(publishing: Publish, public: Diary, episodes: list[Episode]) -> None:
    publishing(episodes)
    published = publishing(episodes, a_show(access="members"))
    assert published.removed[0] == FEED
    assert list(public.keys("tuesday/")) == sorted(r.key for e in episodes for r in e.renditions)
    publishing(episodes)
    assert episodes[0].guid in feed_of(public)


def test_draft_words_stay_private_until_the_show_tells_them(publishing: Publish, public: Diary, private: Diary) -> None:
    draft = a_draft()
    upload(public, private, draft)
    publishing([draft])
    assert not any(b"patience" in content for content in public.everything().values() if content)
    assert "Why bread" not in feed_of(public)
    publishing([draft], a_show(drafts="public"))
    assert b"Draft transcript, made by" in (public.get(f"{draft.prefix}transcript.vtt") or b"")
    publishing([draft])
    assert public.stat(f"{draft.prefix}transcript.vtt") is None and "transcript" not in feed_of(public)


def test_neither_a_listener_nor_a_voice_that_refused_is_in_a_public_byte(
    publishing: Publish, public: Diary, episodes: list[Episode]
) -> None:
    publishing(episodes)
    for person in PEOPLE[3:]:
        assert not any(person.name.encode() in content for content in public.everything().values() if content)


def test_words_of_another_kind_are_not_mistaken_for_a_transcript(
    publishing: Publish, public: Diary, private: Diary, episodes: list[Episode]
) -> None:
    wrong = json.dumps({"segments": "all of them"}).encode()
    private.put(episodes[0].words_key, wrong, mime_type="application/json", cache_control="")
    assert [q.slug for q in publishing(episodes).quarantined] == [episodes[0].slug]


def test_words_that_are_all_cut_are_no_transcript(publishing: Publish, public: Diary, private: Diary) -> None:
    episode = an_episode()
    upload(public, private, episode)
    words = TypeAdapter(Transcript).dump_json(a_transcript(segments=a_transcript().segments[:0]))
    private.put(episode.words_key, words, mime_type="application/json", cache_control="")
    assert publishing([episode]).quarantined == () and "podcast:transcript " not in feed_of(public)


# ---- killed at any moment

# (0: public, 1: private; so many writes before): at the first, amid documents, before the show's page, the feed, amid what goes
KILLS = ((0, 0), (0, 3), (0, 16), (0, 17), (0, 18), (0, 20), (1, 0), (1, 1))


def test_killed_at_any_write_and_run_again_the_bytes_are_the_same(
    publishing: Publish, public: Diary, private: Diary, tmp_path: Path, episodes: list[Episode]
) -> None:
    publishing(episodes[:1])
    before, before_private = public.everything(), private.everything()
    rows = [replace(episodes[0], state="withdrawn"), replace(episodes[1], title="Bread again"), an_episode(3)]
    upload(public, private, *rows)
    publishing(rows)
    wanted, wanted_private = public.everything(), private.everything()
    for number, (store, after) in enumerate(KILLS):
        stores = [Diary(open_store(f"file://{tmp_path}/{number}/{name}")) for name in ("public", "private")]
        for diary, content in zip(stores, (before, before_private), strict=True):
            copy(content, diary)
        upload(stores[0], stores[1], *rows)
        survive_a_kill(rows, stores, killed=stores[store], after=after)
        assert stores[0].everything() == wanted
        assert TypeAdapter(dict).validate_json(stores[1].get("tuesday/published.json") or b"") == TypeAdapter(dict).validate_json(
            wanted_private["tuesday/published.json"] or b""
        )


def copy(content: dict[str, bytes | None], store: Diary) -> None:
    for key, value in content.items():
        store.put(key, value or b"", mime_type=mime_type_of(key), cache_control="")


def survive_a_kill(rows: list[Episode], stores: list[Diary], *, killed: Diary, after: int) -> None:
    for store in stores:
        store.forget()
    killed.dies_after = after
    with pytest.raises(KilledError):
        publish(a_show(), rows, public=stores[0], private=stores[1], site=SITE)
    for store in stores:
        store.forget()
    publish(a_show(), rows, public=stores[0], private=stores[1], site=SITE)


def test_who_is_killed_goes_on_from_there(
    publishing: Publish, public: Diary, private: Diary, episodes: list[Episode], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feeds.publish.NOTE_EVERY_S", 0.0)
    monkeypatch.setattr("feeds.publish.HANDS", 1)
    public.forget()
    public.dies_after = len(pages.assets()) + 1 + 2 * len(DOCUMENTS)
    with pytest.raises(KilledError):
        publish(a_show(), episodes, public=public, private=private, site=SITE)
    assert publishing(episodes).skipped == 1
