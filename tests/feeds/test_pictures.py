"""Pictures of chapters stand in the public store while their chapters are told, and no longer."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from fakes_feeds import SITE, Diary, a_show, an_episode, upload

from feeds.catalogue import Episode
from feeds.check import check
from feeds.from_store import from_store
from feeds.pictures import kept_key
from feeds.publish import Published
from feeds.script import chapters_of

PICTURES = [b"\xff\xd8\xff" + bytes([n]) * 40 for n in range(2)]
IMAGES = [hashlib.sha256(picture).hexdigest() for picture in PICTURES]
FEED = "tuesday/feed.xml"
Publish = Callable[..., Published]


def pictured(*images: str) -> Episode:
    """An episode whose first chapters have those pictures."""
    plain = an_episode()
    shown = tuple(replace(c, image=image) for c, image in zip(plain.chapters, images, strict=False))
    return replace(plain, chapters=(*shown, *plain.chapters[len(images) :]))


EPISODE = pictured(*IMAGES)


@pytest.fixture(autouse=True)
def kept(public: Diary, private: Diary) -> None:
    upload(public, private, EPISODE)
    for image, content in zip(IMAGES, PICTURES, strict=True):
        private.put(kept_key(EPISODE, image), content, mime_type="image/jpeg", cache_control="private")


def standing(public: Diary) -> list[bytes]:
    keys = sorted(key for key in public.keys(EPISODE.prefix) if "/chapter-" in key)
    return sorted(public.get(key) or b"" for key in keys)


def images_told(public: Diary) -> list[str]:
    return [chapter.get("img", "") for chapter in json.loads(public.get(EPISODE.prefix + "chapters.json") or b"")["chapters"]]


def findings(public: Diary, episode: Episode = EPISODE) -> list[str]:
    return [found.said for found in check(public.get(FEED) or b"", a_show(), [episode], from_store(public, SITE))]


def test_a_picture_is_told_with_its_address_and_is_there(public: Diary, publishing: Publish) -> None:
    publishing([EPISODE])
    assert standing(public) == PICTURES and findings(public) == []
    told = images_told(public)
    assert told[:2] == [SITE.url(f"{EPISODE.prefix}chapter-{image[:16]}.jpg") for image in IMAGES] and not any(told[2:])
    assert all(image.encode() in (public.get(FEED) or b"") for image in told if image)


def test_what_stands_is_not_written_again_and_what_no_chapter_shows_goes(public: Diary, publishing: Publish) -> None:
    publishing([EPISODE])
    gone = publishing([pictured(IMAGES[0])])
    assert standing(public) == PICTURES[:1] and not any("/chapter-" in key for key in gone.writes)
    assert len([key for key in gone.removed if "/chapter-" in key]) == 1
    publishing([replace(EPISODE, access="private")])
    assert standing(public) == []


def test_where_no_note_can_be_believed_a_forgotten_picture_goes_as_well(public: Diary, publishing: Publish) -> None:
    public.put(f"{EPISODE.prefix}chapter-{'0' * 16}.jpg", b"old", mime_type="image/jpeg", cache_control="")
    publishing([EPISODE], force=True)
    assert standing(public) == PICTURES


@pytest.mark.parametrize("left", [None, b"other bytes"])
def test_a_picture_that_the_store_has_lost_takes_nothing_else_with_it(
    public: Diary, private: Diary, publishing: Publish, left: bytes | None
) -> None:
    private.delete(key := kept_key(EPISODE, IMAGES[0]))
    if left:
        private.put(key, left, mime_type="image/jpeg", cache_control="")
    done = publishing([EPISODE])
    assert standing(public) == PICTURES[1:] and [bool(image) for image in images_told(public)][:2] == [False, True]
    assert [one.why.partition(" at ")[0] for one in done.quarantined] == ["a chapter's picture cannot be read"]
    assert findings(public, pictured("", IMAGES[1])) == []


def test_the_check_misses_a_picture_that_is_not_there(public: Diary, publishing: Publish) -> None:
    publishing([EPISODE])
    key = f"{EPISODE.prefix}chapter-{IMAGES[0][:16]}.jpg"
    public.delete(key)
    assert [SITE.url(key) in said for said in findings(public)] == [True]


def test_the_opening_before_a_late_first_chapter_has_not_its_picture(public: Diary, publishing: Publish) -> None:
    late = replace(EPISODE, chapters=tuple(replace(c, start_s=c.start_s + 60, end_s=c.end_s + 60) for c in EPISODE.chapters))
    assert [c.image for c in chapters_of(late, drafts=True)][:3] == ["", *IMAGES]
    publishing([late])
    assert images_told(public)[0] == "" and standing(public) == PICTURES
