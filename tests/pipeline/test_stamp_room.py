"""An MP3 is as long when its chapters and words have come as it was when it could first be heard."""

from dataclasses import replace

import pytest
from mutagen.id3 import ID3
from stamped_files import by_mutagen, chapters_in, drawn, encoded, lasting, sound_in, titled

from pipeline.stamp import stamp
from pipeline.telling import Tags

HOUR_S = 3600.0
# As people talk: 9,000 words of an hour, with names.
SENTENCE = "And then we thought about it for a while, you know, and went on.\n\n"
TALK = ("Ana: " + SENTENCE) * (9000 // 14)


@pytest.fixture(scope="module")
def renditions(tmp_path_factory, children):
    return {name: lasting(r, HOUR_S) for name, r in encoded(tmp_path_factory.mktemp("room"), children).items()}


@pytest.fixture
def tags(tmp_path) -> Tags:
    return Tags(title="Bread", artist="Ana", album="Tuesday", date="2026-11-20", cover=drawn(tmp_path / "cover.jpg"))


@pytest.fixture
def stamped(here, tmp_path):
    """Stamps one file after the other, each over the one before."""

    def with_all(rendition, *all_tags):
        for tags in all_tags:
            (rendition,) = stamp((rendition,), tags, children=here, scratch=tmp_path)
        return rendition

    return with_all


@pytest.mark.parametrize("talk", [TALK, TALK.replace("Ana", "Аня").replace("e", "ё")], ids=["Latin letters", "others"])
def test_an_hour_of_words_and_chapters_joins_an_mp3_that_keeps_its_length(renditions, stamped, tags, talk):
    whole = replace(tags, chapters=titled(*(f"What was said at minute {n}" for n in range(0, 60, 3)), each_s=180), lyrics=talk)
    audible, complete, at_once = (stamped(renditions["mp3"], *steps) for steps in ((tags,), (tags, whole), (whole,)))
    read = by_mutagen(complete.file.path)
    assert (read.lyrics, len(read.chapters), read.cover) == (talk.strip(), 20, tags.cover.path.read_bytes())
    assert complete.file.size_bytes == audible.file.size_bytes and complete.file.sha256 == at_once.file.sha256
    sound = renditions["mp3"].file.path.read_bytes()
    assert complete.file.path.read_bytes()[-len(sound) :] == audible.file.path.read_bytes()[-len(sound) :] == sound


def test_hundreds_of_chapters_find_room_in_the_shortest_mp3(renditions, stamped, tags):
    many = titled(*["A title of some forty letters and a bit"] * 400, each_s=0.02)
    plain = stamped(lasting(renditions["mp3"], 10.0), tags)
    full = stamped(plain, replace(tags, chapters=many))
    assert full.file.size_bytes == plain.file.size_bytes and len(chapters_in(full.file.path)) == 400


def test_what_finds_no_room_gives_way_words_first_and_chapters_last(renditions, stamped, tags, tmp_path):
    audible = stamped(lasting(renditions["mp3"], 600.0), tags)
    spare = ID3(audible.file.path).size - tags.cover.size_bytes
    too_long = titled(*["A title of some forty letters and a bit"] * (spare // 150), each_s=1)
    busy = drawn(tmp_path / "busy.png", 300, busy=True)
    for changes, kept in [
        ({"lyrics": "x" * spare}, ("", 0, True)),
        ({"lyrics": "Ana: Hello.", "cover": busy, "chapters": titled("One", "Two")}, ("Ana: Hello.", 2, False)),
        ({"chapters": too_long, "cover": busy, "lyrics": "x" * 60_000}, ("", len(too_long), False)),
        ({"chapters": titled(*["A title of some forty letters and a bit" * 6] * 900)}, ("", 0, True)),
    ]:
        full = stamped(audible, replace(tags, **changes))
        read = by_mutagen(full.file.path)
        assert (read.title, read.lyrics, len(read.chapters), read.cover is not None) == ("Bread", *kept)
        assert full.file.size_bytes == audible.file.size_bytes
        assert sound_in(full.file.path) == sound_in(audible.file.path)


@pytest.mark.parametrize("name", ["opus", "flac"])
def test_other_files_take_of_their_room_before_they_grow(renditions, stamped, tags, name):
    audible = stamped(renditions[name], replace(tags, comment="x" * 4000))
    fuller = stamped(audible, replace(tags, chapters=titled("One", "Two"), lyrics="Ana: Hello."))
    assert fuller.file.size_bytes == audible.file.size_bytes
    grown = stamped(fuller, replace(tags, lyrics=TALK * 5))
    assert by_mutagen(grown.file.path).lyrics == (TALK * 5).strip()
    assert sound_in(grown.file.path) == sound_in(renditions[name].file.path)


def test_pictures_of_chapters_have_room_of_their_own_and_give_way_before_the_cover(renditions, stamped, tags, tmp_path):
    pictures = tuple(drawn(tmp_path / f"{n}.jpg", 100 + n, busy=True) for n in range(6))
    chapters = tuple(replace(one, image=p.sha256) for one, p in zip(titled(*"ABCDEF", each_s=60), pictures, strict=True))
    short = lasting(renditions["mp3"], 600.0)
    whole = replace(tags, chapters=chapters, pictures=pictures)
    seen = stamped(short, whole, replace(whole, lyrics="Ana: Hello."))
    inside = sorted(ID3(seen.file.path).getall("CHAP"), key=lambda chapter: chapter.start_time)
    assert [one.sub_frames["APIC:"].data for one in inside] == [picture.path.read_bytes() for picture in pictures]
    assert by_mutagen(seen.file.path).lyrics == "Ana: Hello." and chapters_in(seen.file.path)
    heavy = drawn(tmp_path / "heavy.jpg", 300, busy=True)
    often = tuple(replace(one, image=heavy.sha256) for one in chapters)
    full = stamped(short, tags, replace(tags, chapters=often, pictures=(heavy,), lyrics="Ana: Hello."))
    read, audible = by_mutagen(full.file.path), stamped(short, tags)
    assert (len(read.chapters), read.cover is not None, read.lyrics) == (6, True, "Ana: Hello.")
    assert not any("APIC:" in one.sub_frames for one in ID3(full.file.path).getall("CHAP"))
    assert full.file.size_bytes == audible.file.size_bytes and sound_in(full.file.path) == sound_in(short.file.path)
