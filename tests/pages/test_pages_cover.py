"""Covers: what directories accept, the same bytes each time, and any name at all."""

import io

import fakes_pages as room
import pytest
from PIL import Image

from feeds.pages import episode_cover, show_cover
from feeds.pages.voices import STAGE_COLOUR

STAGE = tuple(bytes.fromhex(STAGE_COLOUR[1:]))
NAMES = (
    "Late Build", "A", "Zażółć gęślą jaźń – Łódź", "聲音的故事", "Donaudampfschifffahrtsgesellschaftskapitänskajüte und mehr davon",
    "One two three four five six seven eight nine ten " * 5, "", "🎧 Night", "Ünïcödé & <b>tags</b>",
)  # fmt: skip


def opened(cover: bytes) -> Image.Image:
    return Image.open(io.BytesIO(cover))


def coloured_share(picture: Image.Image, top: int, bottom: int) -> float:
    """How much of the full-width band differs from the stage."""
    band = picture.convert("RGB").crop((0, top, picture.width, bottom)).reduce(4)
    return sum(max(abs(a - b) for a, b in zip(p, STAGE, strict=True)) > 40 for p in band.get_flattened_data()) / (
        band.width * band.height
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_cover_is_what_directories_accept_whatever_the_name(name: str) -> None:
    cover = show_cover(room.show(title=name))
    picture = opened(cover)
    assert (picture.format, picture.size, picture.mode) == ("JPEG", (1400, 1400), "RGB")
    assert "progressive" not in picture.info and len(cover) < 512_000


def test_the_same_show_has_the_same_cover_and_another_show_another() -> None:
    assert show_cover(room.show()) == show_cover(room.show())
    assert show_cover(room.show()) != show_cover(room.show(guid="another"))


def test_a_name_the_font_cannot_write_leaves_the_strip_alone() -> None:
    written, unwritten = (opened(show_cover(room.show(title=t))) for t in ("Late Build", "聲音的故事"))
    assert coloured_share(written, 100, 400) > 0.1 and coloured_share(unwritten, 100, 400) == 0
    assert coloured_share(unwritten, 640, 1340) > 0.1


def test_words_and_bars_keep_out_of_each_others_way_and_off_the_edges() -> None:
    picture = opened(
        episode_cover(room.show(), room.episode(title="What the outage taught us and why it took three of us to see it"))
    )
    assert coloured_share(picture, 0, 90) == 0 and coloured_share(picture, 1330, 1400) == 0
    for left in (0, 1310):
        side = picture.crop((left, 0, left + 90, 1400)).reduce(2).convert("RGB")
        assert all(max(abs(a - b) for a, b in zip(p, STAGE, strict=True)) < 40 for p in side.get_flattened_data())


def test_an_episodes_cover_shows_its_own_room() -> None:
    assert episode_cover(room.show(), room.episode()) != episode_cover(room.show(), room.episode(sound=room.mixed_sound()))
    assert opened(episode_cover(room.show(), room.episode(sound=None))).size == (1400, 1400)
