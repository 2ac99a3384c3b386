from dataclasses import replace

import pytest
from mutagen.flac import FLAC
from mutagen.id3 import ID3
from mutagen.mp4 import MP4
from mutagen.oggopus import OggOpus
from mutagen.wave import WAVE
from stamped_files import ALL, chapters_in, drawn, encoded, sound_in

from pipeline.models import Chapter, MadeFile
from pipeline.stamp import stamp
from pipeline.stamp.cover import COVER_BYTES
from pipeline.telling import Tags

AWKWARD = 'Ende; = # \\ "gut" & <b> ü 日本 🎙'


def chapter(n: int) -> Chapter:
    url = f"https://example.org/{n}"
    return Chapter(start_s=2.5 * n, end_s=2.5 * (n + 1), title=f"{n}: {AWKWARD}", source="computed", url=url)


CHAPTERS = tuple(chapter(n) for n in range(4))


@pytest.fixture(scope="module")
def renditions(tmp_path_factory, children):
    return encoded(tmp_path_factory.mktemp("room"), children)


@pytest.fixture
def tags(tmp_path) -> Tags:
    return Tags(
        title=AWKWARD, artist="Ann & Bob", album="Tuesday", date="2026-11-20", comment="A room.", language="de-CH", number=12,
        cover=drawn(tmp_path / "cover.jpg"), chapters=CHAPTERS, lyrics="Ann: Grüezi!\n\nBob: Hoi.",
    )  # fmt: skip


@pytest.mark.parametrize("name", ALL)
def test_no_audio_packet_changes_and_the_source_stays(renditions, here, tmp_path, tags, name):
    before = renditions[name].file
    (stamped,) = stamp((renditions[name],), tags, children=here, scratch=tmp_path)
    (again,) = stamp((stamped,), replace(tags, chapters=(), lyrics=""), children=here, scratch=tmp_path)
    assert sound_in(stamped.file.path) == sound_in(again.file.path) == sound_in(before.path)
    assert MadeFile.of(before.path) == before and stamped.file.path != before.path
    assert replace(stamped, file=before) == renditions[name]


def test_words_and_cover_are_where_players_look(renditions, here, tmp_path, tags):
    stamped = {r.format: r.file.path for r in stamp(tuple(renditions.values()), tags, children=here, scratch=tmp_path)}
    picture = tags.cover.path.read_bytes()
    for id3 in (ID3(stamped["mp3"]), WAVE(stamped["wav"]).tags):
        told = {name: str(id3[name]) for name in ("TIT2", "TPE1", "TALB", "TRCK", "TLAN", "TCON")}
        assert told == {"TIT2": AWKWARD, "TPE1": "Ann & Bob", "TALB": "Tuesday", "TRCK": "12", "TLAN": "deu", "TCON": "Podcast"}
        assert (str(id3["TDRC"]), id3["USLT::deu"].text) == ("2026-11-20", tags.lyrics)
        assert (id3["APIC:"].type, id3["APIC:"].mime, id3["APIC:"].data) == (3, "image/jpeg", picture)
        assert id3["CHAP:ch1"].sub_frames["WXXX:"].url == "https://example.org/1"
    assert ID3(stamped["mp3"], translate=False).version == (2, 3, 0)
    mp4 = MP4(stamped["m4a"])
    assert (mp4["\xa9nam"], mp4["\xa9ART"], mp4["trkn"], mp4["\xa9day"]) == ([AWKWARD], ["Ann & Bob"], [(12, 0)], ["2026-11-20"])
    assert (mp4["\xa9lyr"], bytes(mp4["covr"][0])) == ([tags.lyrics], picture)
    for vorbis in (OggOpus(stamped["opus"]), FLAC(stamped["flac"])):
        told = [vorbis[name][0] for name in ("title", "tracknumber", "date", "language", "lyrics", "chapter001url")]
        assert told == [AWKWARD, "12", "2026-11-20", "de-CH", tags.lyrics, "https://example.org/0"]


def test_an_mp4_says_which_language_its_sound_is_in(renditions, here, tmp_path, tags):
    """Its standard has no tag for that, but a field of the track: the three letters, of five bits each."""
    (stamped,) = stamp((renditions["m4a"],), tags, children=here, scratch=tmp_path)
    content = stamped.file.path.read_bytes()
    packed = int.from_bytes(content[content.index(b"mdhd") + 24 :][:2], "big")
    assert "".join(chr((packed >> shift & 31) + 0x60) for shift in (10, 5, 0)) == "deu"


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


@pytest.mark.parametrize("content", [b"", b"no picture at all", b"GIF89a cut off"], ids=["empty", "text", "cut off"])
def test_what_is_no_picture_is_left_out(renditions, here, tmp_path, tags, content):
    (tmp_path / "bad.jpg").write_bytes(content)
    told = replace(tags, cover=MadeFile.of(tmp_path / "bad.jpg"))
    mp3, opus = stamp((renditions["mp3"], renditions["opus"]), told, children=here, scratch=tmp_path)
    assert not ID3(mp3.file.path).getall("APIC") and "metadata_block_picture" not in OggOpus(opus.file.path)
    assert chapters_in(mp3.file.path) == chapters_in(opus.file.path) == [(c.start_s, c.title) for c in CHAPTERS]


def test_the_same_tags_give_the_same_bytes(renditions, children, here, tmp_path, tags):
    one = stamp(tuple(renditions.values()), tags, children=here, scratch=tmp_path / "one")
    two = stamp(tuple(renditions.values()), tags, children=children, scratch=tmp_path / "two")
    again = stamp(one, tags, children=here, scratch=tmp_path / "again")
    assert [r.file.sha256 for r in one] == [r.file.sha256 for r in two] == [r.file.sha256 for r in again]
