"""The strip is measured data: bars add up to the talk, cut time is gone, and there is one way between seconds and places."""

import random
import re

import fakes_pages as room
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.pages.strip import CHAPTER_GAP, NARROW_BARS, WIDE_BARS, TimeScale, lines, loudest, paths, strip
from feeds.pages.voices import voices
from pipeline.models import SILENT_DBFS, Activity

HOUR_S = 3600.0


def level_talk(seed: int, seconds: int) -> Activity:
    """Three people who take turns, now and then at once, all equally loud."""
    dice = random.Random(seed)
    rows = {name: [SILENT_DBFS] * seconds for name in ("amara", "jonas", "priya")}
    at = 0
    while at < seconds:
        name, length = dice.choice([*rows, "amara"]), dice.randint(2, 25)
        rows[name][at : at + length] = [-20] * len(rows[name][at : at + length])
        at += length + dice.choice((-2, 0, 1, 3))
    return Activity(bin_s=1.0, voices=tuple((name, tuple(levels)) for name, levels in rows.items()))


@pytest.mark.parametrize("bars", [WIDE_BARS, NARROW_BARS])
def test_bars_add_up_to_the_shares_of_talk(bars: int) -> None:
    episode = room.episode(sound=room.sound(activity=level_talk(1, 3600), duration_s=HOUR_S))
    shown = voices(episode)
    drawn = lines(episode.sound.activity, shown, TimeScale.over(HOUR_S, (700, 1500, 1501, 3000), bars=bars))
    weights = TimeScale.over(HOUR_S, (700, 1500, 1501, 3000), bars=bars).sections
    seconds_a_bar = [(s.end_s - s.start_s) / s.bars for s in weights for _ in range(s.bars)]
    sums = [sum(a * s for a, s in zip(line.amplitudes, seconds_a_bar, strict=True)) for line in drawn]
    for voice, total in zip(shown, sums, strict=True):
        assert total / sum(sums) == pytest.approx(voice.share, abs=0.001)


def test_a_voice_that_was_cut_out_or_muted_has_no_bar_and_no_place_in_the_row() -> None:
    activity = level_talk(2, 600)
    muted = Activity(bin_s=1.0, voices=tuple((n, v if n != "jonas" else (SILENT_DBFS,) * 600) for n, v in activity.voices))
    shown = voices(room.episode(sound=room.sound(activity=muted, duration_s=600.0)))
    assert [v.identities for v in shown] == [("amara",), ("priya",)]
    assert len(paths(lines(muted, shown, TimeScale.over(600.0)), TimeScale.over(600.0), 0.1)) == 2


def test_cut_time_is_gone_from_the_strip() -> None:
    episode = room.episode(sound=room.sound(source_s=room.DURATION_S + 300.0))
    scale = TimeScale.over(episode.sound.duration_s, [c.start_s for c in room.CHAPTERS])
    drawn = lines(episode.sound.activity, voices(episode), scale)
    assert scale.duration_s == episode.sound.duration_s == room.DURATION_S
    last_bar = max(n for line in drawn for n, a in enumerate(line.amplitudes) if a > 0)
    assert last_bar >= WIDE_BARS - 3


def test_the_host_speaks_above_the_line_and_everybody_else_below() -> None:
    drawn = strip(room.sound().activity, voices(room.episode()), TimeScale.over(room.DURATION_S))
    signs = {c: set(re.findall(r"v(-?)", d)) for c, d in re.findall(r'<path class="s(\d)" d="([^"]+)"', drawn.inside)}
    assert signs == {"1": {"-"}, "2": {""}, "3": {""}, "4": {""}}


def test_where_two_speak_at_once_the_shorter_bar_stands_before_the_longer() -> None:
    both = Activity(bin_s=1.0, voices=(("amara", (*(SILENT_DBFS,) * 3, -20)), ("jonas", (-20,) * 4), ("priya", (-26,) * 4)))
    shown = voices(room.episode(sound=room.sound(activity=both)))
    scale = TimeScale.over(4.0, bars=2)
    drawn = lines(both, shown, scale)
    _, (_, longer), (_, shorter) = paths(drawn, scale, loudest(drawn))
    assert shorter.startswith("M2 51.5v")
    reach = float(shorter.split("v")[1].split("z")[0])
    assert longer.startswith(f"M2 {51.5 + reach}v")


def test_a_room_in_one_file_is_one_colour_mirrored() -> None:
    episode = room.episode(sound=room.mixed_sound(), people=())
    up, down = lines(episode.sound.activity, voices(episode), TimeScale.over(room.DURATION_S))
    assert (up.colour, up.above, down.colour, down.above) == (1, True, 1, False)
    assert up.amplitudes == down.amplitudes


def test_silence_is_an_axis_without_bars() -> None:
    quiet = Activity(bin_s=1.0, voices=(("", (SILENT_DBFS,) * 60),))
    drawn = strip(quiet, (), TimeScale.over(60.0))
    assert drawn.inside.count("<path") == 1 and 'class="axis"' in drawn.inside


# ---- seconds and places


def test_every_chapter_is_cut_off_by_a_gap_and_no_bar_is_lost() -> None:
    scale = TimeScale.over(HOUR_S, (0.0, 60, 600, 3000))
    assert [round(s.start_s) for s in scale.sections] == [0, 60, 600, 3000]
    assert sum(s.bars for s in scale.sections) == WIDE_BARS
    assert scale.width == WIDE_BARS * 4 + 3 * CHAPTER_GAP


@given(
    st.floats(1, 50_000),
    st.lists(st.floats(0, 1), max_size=40),
    st.floats(0, 1),
    st.sampled_from((NARROW_BARS, WIDE_BARS)),
)
def test_a_second_and_its_place_lead_to_each_other(duration_s: float, cuts: list[float], share: float, bars: int) -> None:
    scale = TimeScale.over(duration_s, [c * duration_s for c in cuts], bars=bars)
    at_s = share * duration_s
    assert scale.at_s(scale.x(at_s)) == pytest.approx(at_s, abs=duration_s * 1e-6)
    assert 0 <= scale.x(at_s) <= scale.width
    assert sum(s.bars for s in scale.sections) == bars


@given(st.lists(st.floats(0, HOUR_S), min_size=2, max_size=12))
def test_places_rise_with_seconds(seconds: list[float]) -> None:
    scale = TimeScale.over(HOUR_S, (300, 301, 2000))
    places = [scale.x(s) for s in sorted(seconds)]
    assert places == sorted(places)


def test_inside_a_gap_the_chapter_behind_it_begins() -> None:
    scale = TimeScale.over(100.0, (40.0,), bars=10)
    left = scale.sections[0].width
    assert scale.at_s(left + 3) == 40.0
    assert scale.x(40.0) == left + CHAPTER_GAP


def test_the_player_gets_the_same_scale() -> None:
    scale = TimeScale.over(HOUR_S, (900,))
    knots = [float(k) for k in scale.knots.split()]
    assert len(knots) == 8
    for section, (start, end, left, right) in zip(scale.sections, (knots[:4], knots[4:]), strict=True):
        assert (start, end) == (section.start_s, section.end_s)
        assert left * scale.width == pytest.approx(section.x, abs=0.02)
        assert right * scale.width == pytest.approx(section.x + section.width, abs=0.02)


def test_more_chapters_than_bars_still_draw() -> None:
    scale = TimeScale.over(HOUR_S, [float(n) for n in range(1, 3600, 7)], bars=NARROW_BARS)
    assert sum(s.bars for s in scale.sections) == NARROW_BARS and all(s.bars == 1 for s in scale.sections)
