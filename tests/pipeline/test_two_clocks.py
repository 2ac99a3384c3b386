"""A click in the room is heard in the episode where the map of the two clocks says, whatever was cut, in what listeners get."""

from dataclasses import replace

import numpy as np
import pytest
from heard_rooms import decoded, heard_mix

from bench.sounds import RATE_HZ, noise, silence, speech
from pipeline.clean import clean
from pipeline.clock import TimeMap
from pipeline.cuts import PAUSED
from pipeline.edits import Edits, Mute, Stretch
from pipeline.encode import encode
from pipeline.level import level
from pipeline.models import SILENT_DBFS, Cut
from pipeline.plan import CleanPlan, EncodePlan

# Four seconds of nothing, talk, a pause of six seconds, talk, and nothing again.
SOUND = np.concatenate([silence(4), speech(12, -20, seed=1), silence(6), speech(18, -24, seed=2), silence(5)]) + noise(45, -75)
PAUSE = Cut(start_s=12.3456, end_s=14.0, why=PAUSED)
EDITS = Edits(
    cuts=(Stretch(start_s=7.0, end_s=8.5), Stretch(start_s=26.6667, end_s=29.01), Stretch(start_s=33.0, end_s=33.004)),
    kept=(Stretch(start_s=1.0, end_s=2.0),),
    mutes=(Mute(participant=None, start_s=36.0, end_s=37.0),),
)
# Near every join there is one on both its sides.
CLICKS_S = (4.2, 6.97, 8.53, 10.0, 12.3, 14.05, 15.9, 22.1, 26.6, 29.05, 32.96, 33.05, 35.9, 37.1, 39.9)
CLICK = np.hanning(24) * np.sin(np.arange(24) * np.pi / 6) * 0.7
NEAR, FAR = RATE_HZ // 1000, RATE_HZ // 100


def clicking() -> np.ndarray:
    sound = SOUND.copy()
    for at_s in CLICKS_S:
        at = round(at_s * RATE_HZ)
        sound[at - 12 : at + 12] += CLICK
    return sound.astype(np.float32)


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    return heard_mix(tmp_path_factory.mktemp("clicks"), clicking())


@pytest.fixture(scope="module")
def timeline(room):
    paused = replace(room.timeline, cuts=(PAUSE,))
    return clean(paused, room.heard, CleanPlan(shorten_pauses=True), EDITS)


def test_every_kind_of_cut_is_in_the_room(timeline):
    assert [cut.why for cut in timeline.cuts] == [
        "silence before the first word", "silence before the first word", "cut by its creator", PAUSED, "long pause shortened",
        "cut by its creator", "cut by its creator", "silence after the last word",
    ]  # fmt: skip
    assert not any(TimeMap.of(timeline).is_cut(at_s) for at_s in CLICKS_S)


@pytest.mark.parametrize("name", ["mp3", "m4a", "opus"])
def test_a_click_is_found_where_the_map_says(room, timeline, name, here, tmp_path):
    levels = level(timeline, room.heard, scratch=tmp_path)
    (made,) = encode(timeline, levels, EncodePlan(formats=(name,)), children=here, scratch=tmp_path)
    heard = decoded(made.file.path)[0]
    late = {at_s: offset(heard, round(TimeMap.of(timeline).episode_s(at_s) * RATE_HZ)) for at_s in CLICKS_S}
    assert {at_s: samples for at_s, samples in late.items() if abs(samples) > NEAR} == {}


def test_the_strip_of_voices_runs_on_the_episodes_clock_and_keeps_quiet_under_music(room, timeline, tmp_path):
    played = replace(timeline, intro_s=3.0, outro_s=2.0)
    activity = level(played, room.heard, scratch=tmp_path).activity
    bins = np.array(activity.voices[0][1])
    assert len(bins) * activity.bin_s == pytest.approx(TimeMap.of(played).duration_s, abs=0.5)
    plain = np.array(level(timeline, room.heard, scratch=tmp_path).activity.voices[0][1])
    assert (bins[:30] == SILENT_DBFS).all() and (bins[30 : 30 + len(plain)] == plain).all() and (bins[-20:] == SILENT_DBFS).all()


def offset(heard: np.ndarray, at: int) -> int:
    """How many samples after `at` a click is heard: where what is there is most like one."""
    likeness = np.correlate(heard[at - 12 - FAR : at + 12 + FAR], CLICK, "valid")
    return int(np.abs(likeness).argmax()) - FAR
