"""What two strangers, mutagen and ffprobe, read in our files is what was meant, whatever the room sent."""

from dataclasses import replace

import pytest
from fakes_feeds import HOSTILE
from stamped_files import ALL, FFPROBE, Read, by_ffprobe, by_mutagen, drawn, encoded, sound_in, titled

from pipeline.models import Chapter
from pipeline.stamp import stamp
from pipeline.stamp.plain import plain
from pipeline.telling import Tags
from pipeline.text import clean_line

NO_FFPROBE = pytest.mark.skipif(not FFPROBE, reason="needs ffprobe (Debian: ffmpeg)")
READERS = [by_mutagen, pytest.param(by_ffprobe, marks=NO_FFPROBE)]
# What is meant for one of our formats more than for any page.
WORSE = (
    *HOSTILE, "[CHAPTER]\nTIMEBASE=1/1\nSTART=9\ntitle=mine", ";#=\\=", "no \\ends", "日" * 300, "\r\rCHAPTER002=00:00:00.000\r",
    "METADATA_BLOCK_PICTURE=AAAA", "ID3\x03\x00\x00\x00\x00", "a/b//c", "x" * 100_000,
)  # fmt: skip
SHOWN = [title for title in WORSE if clean_line(title)]
# MP4 lists hold titles of this many bytes.
MP4_BYTES = 254
EMPTY = Tags(title="", artist="", album="", date="")


@pytest.fixture(scope="module")
def renditions(tmp_path_factory, children):
    return encoded(tmp_path_factory.mktemp("room"), children, 3)


@pytest.fixture
def cover(tmp_path):
    return drawn(tmp_path / "cover.jpg")


@pytest.fixture
def stamped(renditions, here, tmp_path):
    """The path of the file in that format with those tags."""

    def one(name, tags):
        (made,) = stamp((renditions[name],), tags, children=here, scratch=tmp_path)
        assert sound_in(made.file.path) == sound_in(renditions[name].file.path)
        return made.file.path

    return one


def shown(name: str, title: str) -> str:
    line = clean_line(title)
    return line.encode()[:MP4_BYTES].decode(errors="ignore") if name == "m4a" else line


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("name", ALL)
def test_no_text_breaks_a_file(stamped, cover, name, read):
    everything = "\n".join(SHOWN)
    tags = Tags(
        title=everything, artist=everything, album=everything, date="\x00\ud800", comment=everything, language="\ud800-\n",
        number=-1, cover=cover, chapters=titled(*SHOWN, each_s=0.125), lyrics=everything[:20_000],
    )  # fmt: skip
    assert read(stamped(name, tags)) == Read(
        title=clean_line(everything), chapters=[(125 * n, shown(name, title)) for n, title in enumerate(SHOWN)],
        lyrics=plain(tags).lyrics, cover=cover.path.read_bytes(),
    )  # fmt: skip


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("name", ALL)
def test_twelve_hours_in_three_hundred_chapters(stamped, name, read):
    """Nero's list in an MP4 ends at 255; players that want more read its other one."""
    many = titled(*(f"Kapitel {n}, später" for n in range(300)), each_s=144)
    found = read(stamped(name, replace(EMPTY, title="Lang", chapters=many))).chapters
    assert len(found) == (255 if name == "m4a" and read is by_mutagen else 300)
    assert found == [(144_000 * n, chapter.title) for n, chapter in enumerate(many)][: len(found)]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("name", ALL)
def test_nothing_to_tell_is_told_as_nothing(stamped, name, read):
    assert read(stamped(name, EMPTY)) == Read(title="", chapters=[], lyrics="", cover=None)


@pytest.mark.parametrize("name", ALL)
def test_a_title_that_ends_in_a_backslash_leaves_the_next_chapter_its_own(stamped, name):
    path = stamped(name, replace(EMPTY, chapters=titled("C:\\", "D:\\\\", "Three", each_s=1)))
    assert [(at, title.rstrip(" ")) for at, title in by_mutagen(path).chapters] == [(0, "C:\\"), (1000, "D:\\\\"), (2000, "Three")]


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("https://example.org/a?b=1&c=%20#d", "https://example.org/a?b=1&c=%20#d"),
        ("https://bücher.example/日本", "https://b%C3%BCcher.example/%E6%97%A5%E6%9C%AC"),
        ("javascript:alert(1)", ""), ("https://a\nhttps://b", ""), ("https://e.org/" + "x" * 5000, ""), ("https://\ud800", ""),
    ],
)  # fmt: skip
def test_a_link_is_a_web_address_in_plain_letters_or_none(url, written):
    chapter = Chapter(start_s=0, end_s=1, title="x", source="pinned", url=url)
    assert plain(replace(EMPTY, chapters=(chapter,))).chapters[0].url == written
