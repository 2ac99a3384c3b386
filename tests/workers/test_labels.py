from dataclasses import replace

import pytest
from fakes_feeds import a_draft, a_show, a_transcript, an_episode

from feeds.catalogue import Person
from feeds.script import chapters_of
from pipeline.models import MadeFile
from workers.labels import labels


@pytest.fixture
def cover(tmp_path) -> MadeFile:
    (tmp_path / "cover.jpg").write_bytes(b"\xff\xd8\xff")
    return MadeFile.of(tmp_path / "cover.jpg")


def test_a_file_says_what_the_pages_say(cover):
    tags = labels(a_show(), an_episode(), cover, a_transcript(language="de"))
    assert (tags.title, tags.artist, tags.album, tags.language) == ("Bread, part 1", "Ana Costa", "Tuesday & Friends", "de")
    assert tags.chapters == chapters_of(an_episode(), drafts=True)
    first, second, *_ = tags.lyrics.split("\n\n")
    assert first.startswith("Ana Costa: Welcome to the room.") and second == "Ben Ito: Hello!"
    assert "[00:" not in tags.lyrics


def test_draft_words_are_in_a_file_only_where_they_are_told(cover):
    draft = a_transcript(quality="draft", engine="pocketsphinx")
    private, public = (labels(a_show(drafts=drafts), a_draft(), cover, draft) for drafts in ("private", "public"))
    assert private.lyrics == "" and [c.title for c in private.chapters if c.source == "computed"] == []
    assert public.lyrics.startswith("Draft transcript") and "Ben Ito: Hello!" in public.lyrics


def test_nobody_is_named_in_a_file_who_is_named_nowhere_else(cover):
    refused, heard = Person(identity="u9", name="Rolf Refused", role="host"), Person(identity="u1", name="Ana", role="host")
    assert labels(a_show(author=""), an_episode(people=(refused, heard)), cover).artist == "Ana"


def test_an_episode_without_words_has_none_in_its_files(cover):
    silent = replace(an_episode(), words=None)
    assert labels(a_show(), silent, cover).lyrics == labels(a_show(), silent, cover, a_transcript()).lyrics == ""
    assert labels(a_show(), an_episode(), cover, a_transcript(segments=())).lyrics == ""
