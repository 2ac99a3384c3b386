from dataclasses import replace

import av
import numpy as np
import pytest
from heard_rooms import heard_mix
from mutagen.flac import FLAC
from mutagen.id3 import ID3
from mutagen.mp4 import MP4
from mutagen.oggopus import OggOpus
from mutagen.wave import WAVE
from PIL import Image

from bench.sounds import speech
from pipeline.encode import encode
from pipeline.level import level
from pipeline.models import Chapter, MadeFile, Tags
from pipeline.plan import EncodePlan
from pipeline.shelf import names
from pipeline.stamp import COVER_BYTES, stamp

AWKWARD = 'Ende; = # \\ "gut" & <b> ü 日本 🎙'
ALL = tuple(names("pipeline.formats"))


def chapter(n: int) -> Chapter:
    url = f"https://example.org/{n}"
    return Chapter(start_s=2.5 * n, end_s=2.5 * (n + 1), title=f"{n}: {AWKWARD}", source="computed", url=url)


CHAPTERS = tuple(chapter(n) for n in range(4))


@pytest.fixture(scope="module")
def renditions(tmp_path_factory, children):
    scratch = tmp_path_factory.mktemp("room")
    room = heard_mix(scratch, speech(10, -22))
    levels = level(room.timeline, room.heard, scratch=scratch)
    return {r.format: r for r in encode(room.timeline, levels, EncodePlan(formats=ALL), children=children, scratch=scratch)}


def drawn(path, size: int = 300, *, busy: bool = False) -> MadeFile:
    """A cover; a busy one is large whatever packs it."""
    pixels = (
        np.random.default_rng(1).integers(0, 255, (size, size, 3), np.uint8) if busy else np.full((size, size, 3), 120, np.uint8)
    )
    Image.fromarray(pixels).save(path)
    return MadeFile.of(path)


@pytest.fixture
def tags(tmp_path) -> Tags:
    cover = drawn(tmp_path / "cover.jpg")
    return Tags(
        title=AWKWARD, artist="Ann & Bob", album="Tuesday", date="2026-11-20", comment="A room.", cover=cover, chapters=CHAPTERS
    )


def chapters_in(path) -> list[tuple[float, str]]:
    """As a player that is not ours reads them."""
    with av.open(str(path)) as file:
        return [(round(float(c["start"] * c["time_base"]), 3), c["metadata"].get("title", "")) for c in file.chapters()]


def sound_in(path) -> bytes:
    with av.open(str(path)) as file:
        return b"".join(bytes(packet) for packet in file.demux(file.streams.audio[0]))


@pytest.mark.parametrize("name", ALL)
def test_chapters_are_read_back_as_they_were_written(renditions, here, tmp_path, tags, name):
    (stamped,) = stamp((renditions[name],), tags, children=here, scratch=tmp_path)
    assert chapters_in(stamped.file.path) == [(c.start_s, c.title) for c in CHAPTERS]


@pytest.mark.parametrize("name", ALL)
def test_no_audio_byte_changes_and_the_source_stays(renditions, here, tmp_path, tags, name):
    before = renditions[name].file
    (stamped,) = stamp((renditions[name],), tags, children=here, scratch=tmp_path)
    assert sound_in(stamped.file.path) == sound_in(before.path)
    assert MadeFile.of(before.path) == before and stamped.file.path != before.path
    assert replace(stamped, file=before) == renditions[name]


def test_words_and_cover_are_where_players_look(renditions, here, tmp_path, tags):
    stamped = {r.format: r.file.path for r in stamp(tuple(renditions.values()), tags, children=here, scratch=tmp_path)}
    picture = tags.cover.path.read_bytes()
    for id3 in (ID3(stamped["mp3"]), WAVE(stamped["wav"]).tags):
        assert (str(id3["TIT2"]), str(id3["TPE1"]), str(id3["TALB"])) == (AWKWARD, "Ann & Bob", "Tuesday")
        assert (id3["APIC:"].type, id3["APIC:"].mime, id3["APIC:"].data) == (3, "image/jpeg", picture)
    assert ID3(stamped["mp3"], translate=False).version == (2, 3, 0)
    mp4 = MP4(stamped["m4a"])
    assert (mp4["\xa9nam"], mp4["\xa9ART"], bytes(mp4["covr"][0])) == ([AWKWARD], ["Ann & Bob"], picture)
    opus, flac = OggOpus(stamped["opus"]), FLAC(stamped["flac"])
    assert (opus["title"], flac["title"]) == ([AWKWARD], [AWKWARD])
    assert opus["chapter001url"] == ["https://example.org/0"] and "metadata_block_picture" in opus
    assert flac.pictures[0].data == picture


def test_an_mp3_that_gets_its_chapters_later_keeps_its_length(renditions, here, tmp_path, tags):
    (audible,) = stamp((renditions["mp3"],), replace(tags, chapters=()), children=here, scratch=tmp_path)
    (complete,) = stamp((audible,), tags, children=here, scratch=tmp_path)
    (at_once,) = stamp((renditions["mp3"],), tags, children=here, scratch=tmp_path)
    assert complete.file.size_bytes == audible.file.size_bytes and complete.file.sha256 != audible.file.sha256
    assert complete.file.sha256 == at_once.file.sha256
    tail = renditions["mp3"].file.size_bytes
    assert (
        complete.file.path.read_bytes()[-tail:]
        == audible.file.path.read_bytes()[-tail:]
        == renditions["mp3"].file.path.read_bytes()
    )


def test_hundreds_of_chapters_find_room_in_an_mp3(renditions, here, tmp_path, tags):
    many = tuple(
        Chapter(start_s=n / 50, end_s=(n + 1) / 50, title="A title of some forty letters and a bit", source="computed")
        for n in range(400)
    )
    (plain,) = stamp((renditions["mp3"],), replace(tags, chapters=()), children=here, scratch=tmp_path)
    (full,) = stamp((plain,), replace(tags, chapters=many), children=here, scratch=tmp_path)
    assert full.file.size_bytes == plain.file.size_bytes and len(chapters_in(full.file.path)) == 400


def test_chapters_that_were_written_before_are_gone(renditions, here, tmp_path, tags):
    once = stamp(tuple(renditions.values()), tags, children=here, scratch=tmp_path)
    for rendition in stamp(once, replace(tags, chapters=CHAPTERS[:1]), children=here, scratch=tmp_path):
        assert len(chapters_in(rendition.file.path)) == 1


@pytest.mark.parametrize("name", ALL)
def test_a_huge_cover_is_made_small(renditions, here, tmp_path, tags, name):
    huge = drawn(tmp_path / "huge.png", 1600, busy=True)
    assert huge.size_bytes > 5_000_000
    (stamped,) = stamp((renditions[name],), replace(tags, cover=huge), children=here, scratch=tmp_path)
    assert stamped.file.size_bytes - renditions[name].file.size_bytes < COVER_BYTES * 1.4 + 200_000


def test_a_new_cover_that_does_not_fit_leaves_the_mp3_its_length(renditions, here, tmp_path, tags):
    (small,) = stamp((renditions["mp3"],), tags, children=here, scratch=tmp_path)
    (larger,) = stamp((small,), replace(tags, cover=drawn(tmp_path / "busy.png", 300, busy=True)), children=here, scratch=tmp_path)
    assert larger.file.size_bytes == small.file.size_bytes
    assert len(chapters_in(larger.file.path)) == 4


@pytest.mark.parametrize("content", [b"", b"no picture at all", b"\xff\xd8\xff\xe0 cut off"], ids=["empty", "text", "cut off"])
def test_what_is_no_picture_is_left_out(renditions, here, tmp_path, tags, content):
    (tmp_path / "bad.jpg").write_bytes(content)
    bad = MadeFile.of(tmp_path / "bad.jpg")
    for rendition in stamp((renditions["mp3"], renditions["opus"]), replace(tags, cover=bad), children=here, scratch=tmp_path):
        assert chapters_in(rendition.file.path)


def test_the_same_tags_give_the_same_bytes(renditions, children, here, tmp_path, tags):
    one = stamp(tuple(renditions.values()), tags, children=here, scratch=tmp_path / "one")
    two = stamp(tuple(renditions.values()), tags, children=children, scratch=tmp_path / "two")
    assert [r.file.sha256 for r in one] == [r.file.sha256 for r in two]
