"""The report as a picture: true to the figures, whole at every width, and markup for nobody."""

import io
from collections.abc import Iterator
from dataclasses import replace

import fakes_sound as sounds
import pytest
from defusedxml import ElementTree
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from feeds import soundcheck
from feeds.catalogue import Episode
from feeds.soundcheck.drawing import Box, Disc, Picture, Strokes, Text, hatched, shortened, width_of, wrapped
from pipeline.models import SILENT_DBFS, Activity

EDGE_PX, BAR_PX = 1.5, 2.4
WIDTHS = (280, 320, 559, 560, 900, 2000)


def drawn(episode: Episode, width_px: float = 900) -> Picture:
    report = soundcheck.report_of(episode)
    assert report is not None
    return soundcheck.picture(episode, report, width_px)


def texts(picture: Picture) -> list[str]:
    return [shape.text for shape in picture.shapes if isinstance(shape, Text)]


def lines_of(picture: Picture, colour: str, width: float) -> list[tuple[float, float, float, float]]:
    strokes = [shape for shape in picture.shapes if isinstance(shape, Strokes)]
    return [line for shape in strokes if (shape.colour, shape.width) == (colour, width) for line in shape.lines]


def places(picture: Picture) -> Iterator[tuple[float, float, float, float]]:
    """Left, top, right and bottom of every shape."""
    for shape in picture.shapes:
        match shape:
            case Box():
                yield shape.x, shape.y, shape.x + shape.width, shape.y + shape.height
            case Disc():
                yield shape.x - shape.radius, shape.y - shape.radius, shape.x + shape.radius, shape.y + shape.radius
            case Strokes():
                yield from ((min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)) for x1, y1, x2, y2 in shape.lines)
            case Text():
                wide = width_of(shape.text, shape.size, heavy=shape.heavy)
                left = shape.x - {"start": 0.0, "middle": wide / 2, "end": wide}[shape.anchor]
                yield left, shape.y - shape.size, left + wide, shape.y


@pytest.mark.parametrize("width_px", WIDTHS)
@pytest.mark.parametrize("name", sounds.ROOMS)
def test_nothing_stands_outside_the_picture(name: str, width_px: int) -> None:
    picture = drawn(sounds.ROOMS[name](), width_px)
    for left, top, right, bottom in places(picture):
        assert left >= -8 and top >= 0 and right <= width_px + 8 and bottom <= picture.height + 6


@pytest.mark.parametrize("width_px", [320, 900])
@pytest.mark.parametrize("name", sounds.ROOMS)
def test_no_two_words_stand_on_one_another(name: str, width_px: int) -> None:
    picture = drawn(sounds.ROOMS[name](), width_px)
    only_words = replace(picture, shapes=tuple(shape for shape in picture.shapes if isinstance(shape, Text)))
    boxes = sorted(places(only_words))
    for n, (left, top, right, bottom) in enumerate(boxes):
        for other in boxes[n + 1 :]:
            apart = other[0] >= right or other[2] <= left or other[1] >= bottom or other[3] <= top
            assert apart, ((left, top, right, bottom), other)


def test_louder_stands_further_right_and_what_meets_stands_together() -> None:
    discs = [shape for shape in drawn(sounds.told()).shapes if isinstance(shape, Disc)]
    came = [disc.x for disc in discs if disc.ring and disc.colour.startswith("v")]
    heard = [disc.x for disc in discs if disc.radius == 7]
    assert [sorted(came).index(x) for x in came] == [0, 3, 2, 1]  # -33.9, -14.2, -23.4, -29.8 LUFS
    assert max(heard) - min(heard) < 5 and max(came) - min(came) > 300


def test_the_target_is_where_a_voice_at_the_target_stands() -> None:
    report = soundcheck.report_of(sounds.told())
    assert report is not None
    on_target = replace(report, voices=(replace(report.voices[0], after_lufs=report.target_lufs),))
    shapes = soundcheck.picture(sounds.told(), on_target).shapes
    (line,) = next(shape.lines for shape in shapes if isinstance(shape, Strokes) and shape.colour == "meant")
    assert [shape.x for shape in shapes if isinstance(shape, Disc) and shape.radius == 7] == [pytest.approx(line[0])]


def test_what_was_cut_is_hatched_and_has_no_voice() -> None:
    episode = sounds.told()
    assert episode.sound is not None
    picture = drawn(episode)
    hatches, edges = lines_of(picture, "cut", 1.0), lines_of(picture, "cut", EDGE_PX)
    xs = sorted(line[0] for line in edges)
    left, right = 20.0, 880.0
    second_px = (right - left) / episode.sound.source_s
    assert xs == pytest.approx([left, left + sounds.EARLY_S * second_px, right - sounds.LATE_S * second_px, right])
    assert all(any(a - 0.01 <= min(x1, x2) <= max(x1, x2) <= b + 0.01 for a, b in (xs[:2], xs[2:])) for x1, _, x2, _ in hatches)
    voiced = [line[0] for n in range(1, 9) for line in lines_of(picture, f"v{n}", BAR_PX)]
    assert voiced and all(xs[1] - 4 <= x <= xs[2] + 4 for x in voiced)


def test_what_was_said_stands_where_it_was_said_behind_music_and_cuts() -> None:
    episode = sounds.told()
    assert episode.sound is not None
    bin_s = episode.sound.activity.bin_s
    first, last = (round((sounds.INTRO_S + room_s - sounds.EARLY_S) / bin_s) for room_s in (300.0, 330.0))
    row = tuple(-20 if first <= n < last else SILENT_DBFS for n in range(len(episode.sound.activity.voices[0][1])))
    alone = replace(episode, sound=replace(episode.sound, activity=Activity(bin_s=bin_s, voices=(("amara", row),))))
    xs = [line[0] for line in lines_of(drawn(alone), "v1", BAR_PX)]
    second_px = 860 / episode.sound.source_s
    assert (min(xs), max(xs)) == pytest.approx((20 + 300 * second_px, 20 + 330 * second_px), abs=4)


def test_a_loss_stands_where_it_is_missing() -> None:
    episode = sounds.told()
    assert episode.sound is not None
    (mark,) = [shape for shape in drawn(episode).shapes if isinstance(shape, Box) and shape.colour == "lost"]
    assert mark.x == pytest.approx(20 + 860 * 246.7 / episode.sound.source_s)


def test_of_many_the_first_are_listed_and_the_others_counted() -> None:
    said = texts(drawn(sounds.patched()))
    assert "and 33 more" in said and "and 13 more" in said
    assert len(lines_of(drawn(sounds.patched()), "cut", EDGE_PX)) == 2 * 40


def test_of_a_hall_the_first_have_a_row_and_the_others_are_counted() -> None:
    picture = drawn(sounds.hall())
    assert "Guest 23" in texts(picture) and "Guest 24" not in texts(picture) and "and 36 more" in texts(picture)
    assert picture.height < 3000


def test_a_voice_that_never_speaks_says_so_and_stands_nowhere_on_the_scale() -> None:
    picture = drawn(sounds.silent())
    assert "never speaks" in texts(picture) and "silence" in texts(picture)
    assert not [shape for shape in picture.shapes if isinstance(shape, Disc) and shape.radius == 7]


def test_the_picture_says_in_words_what_it_shows() -> None:
    told = drawn(sounds.told()).told
    assert "Amara Osei from −33.9 LUFS to −19.1 LUFS" in told and "Loudness −19.0 LUFS, came at −21.4 LUFS" in told


# ---- as files


@pytest.mark.parametrize("width_px", [320, 900])
@pytest.mark.parametrize("name", sounds.ROOMS)
def test_a_picture_holds_shapes_and_words_and_nothing_that_runs_or_asks(name: str, width_px: int) -> None:
    text = soundcheck.svg(drawn(sounds.ROOMS[name](), width_px)).decode()
    root = ElementTree.fromstring(text)
    assert {element.tag.rpartition("}")[2] for element in root.iter()} <= {"svg", "style", "rect", "circle", "path", "text"}
    attributes = {key for element in root.iter() for key in element.attrib}
    assert not {key for key in attributes if key.startswith("on") or "href" in key or key == "style"}
    assert "url(" not in text and "@import" not in text and text.count("://") == 1  # the name of the language itself


def test_a_name_is_text_to_the_letter() -> None:
    root = ElementTree.fromstring(soundcheck.svg(drawn(sounds.crowd(), 2000)).decode())
    written = [element.text for element in root.iter() if element.tag.endswith("text")]
    assert all(any((line or "").startswith(name[:6]) for line in written) for name in sounds.NAMES if name)


@pytest.mark.parametrize("name", sounds.ROOMS)
def test_the_picture_for_mail_is_twice_as_fine_and_always_the_same(name: str) -> None:
    picture = drawn(sounds.ROOMS[name](), 320)
    png = soundcheck.png(picture)
    assert Image.open(io.BytesIO(png)).size == (2 * (320 + 48), round(2 * (picture.height + 48)))
    assert png == soundcheck.png(picture)


# ---- what it is made of


@given(st.floats(0, 50), st.floats(0, 50), st.floats(0.1, 400), st.floats(0.1, 200))
def test_hatching_stays_inside_its_edges(x: float, y: float, width: float, height: float) -> None:
    for x1, y1, x2, y2 in hatched(x, y, width, height):
        assert x - 1e-6 <= x1 <= x2 <= x + width + 1e-6
        assert y - 1e-6 <= y2 <= y1 <= y + height + 1e-6


@given(st.text(max_size=80), st.floats(20, 300))
def test_a_line_is_never_longer_than_its_room(text: str, room: float) -> None:
    assert width_of(shortened(text, 14, room), 14) <= max(room, width_of("…", 14)) + 1e-6
    assert all(width_of(line, 14) <= max(room, width_of("…", 14)) + 1e-6 for line in wrapped(text, 14, room))


@pytest.mark.parametrize("letter", ["q\u0301", "👩‍👩‍👧‍👦", "👩🏽‍🚀"], ids=["marked", "family", "astronaut"])
def test_no_letter_is_torn_apart(letter: str) -> None:
    cut = shortened(letter * 20, 14, 120).removesuffix("…")
    assert cut and cut == letter * (len(cut) // len(letter))
