from dataclasses import replace

import numpy as np
import pytest
from heard_rooms import heard_mix, heard_tracks

from bench.sounds import noise, silence, speech, talk, tone
from pipeline.clean import clean
from pipeline.cuts import PAUSED
from pipeline.errors import Refused
from pipeline.models import Cut
from pipeline.plan import CleanPlan

TALK = talk({"ann": -18.0, "bob": -30.0}, rounds=1, ends_s=8.0, hush=-80.0)


@pytest.fixture(scope="module")
def mix(tmp_path_factory):
    return heard_mix(tmp_path_factory.mktemp("mix"), TALK.mix)


@pytest.mark.parametrize("kind", ["mix", "tracks"])
def test_dead_air_goes_and_a_breath_stays_on_either_side(mix, kind, tmp_path):
    room = mix if kind == "mix" else heard_tracks(tmp_path, TALK.tracks)
    lead, tail = clean(room.timeline, room.heard).cuts
    assert (lead.start_s, lead.end_s) == (0.0, pytest.approx(TALK.turns[0].start_s - 0.5, abs=0.3))
    assert tail.start_s == pytest.approx(TALK.turns[-1].end_s + 1.0, abs=0.5)
    assert tail.end_s == room.timeline.length_s
    assert lead.end_s <= TALK.turns[0].start_s - 0.3


def test_steady_noise_is_dead_air_however_loud_a_room_hums(tmp_path):
    room = heard_mix(tmp_path, TALK.mix + noise(len(TALK.mix) / 48_000, -50))
    lead, tail = clean(room.timeline, room.heard).cuts
    assert lead.end_s == pytest.approx(7.5, abs=0.5) and tail.start_s == pytest.approx(room.timeline.length_s - 7.6, abs=1.0)


def test_a_last_frame_that_is_not_whole_is_no_word(tmp_path):
    hummed = TALK.mix + noise(len(TALK.mix) / 48_000, -50)
    room = heard_mix(tmp_path, hummed[: len(hummed) - 4800 + 700])
    assert len(clean(room.timeline, room.heard).cuts) == 2


def test_music_before_the_first_word_is_no_dead_air(tmp_path):
    music = np.concatenate([tone(6, -24, hz=330), TALK.mix[6 * 48_000 :]])
    room = heard_mix(tmp_path, music)
    assert [cut.why for cut in clean(room.timeline, room.heard).cuts] == ["silence after the last word"]


def test_a_quiet_voice_after_loud_ones_is_not_cut_off(tmp_path):
    room = heard_mix(tmp_path, np.concatenate([speech(8, -14), silence(2), speech(6, -40, seed=3), silence(9)]) + noise(25, -80))
    (tail,) = clean(room.timeline, room.heard).cuts
    assert tail.start_s >= 16.0


def test_trimming_can_be_switched_off_and_measured_otherwise(mix):
    assert clean(mix.timeline, mix.heard, CleanPlan(trim=False)).cuts == ()
    lead, _ = clean(mix.timeline, mix.heard, CleanPlan(lead_s=3.0)).cuts
    assert lead.end_s == pytest.approx(5.0, abs=0.3)


def test_a_pause_stays_cut_for_its_own_reason_beside_dead_air(mix):
    paused = replace(mix.timeline, cuts=(Cut(start_s=6.0, end_s=9.0, why=PAUSED),))
    first, second, *_ = clean(paused, mix.heard).cuts
    assert (first.start_s, first.end_s, first.why) == (0.0, 6.0, "silence before the first word")
    assert (second.start_s, second.end_s, second.why) == (6.0, 9.0, PAUSED)


def test_a_silent_room_is_refused_with_its_loudest_moment(tmp_path):
    room = heard_mix(tmp_path, noise(6, -84))
    with pytest.raises(
        Refused, match=r"^This room is silent from start to end \(loudest moment −\d\d dB\)\. The microphone may have been off\.$"
    ) as refusal:
        clean(room.timeline, room.heard)
    assert refusal.value.code == "silent"


def test_digital_silence_is_told_apart(tmp_path):
    room = heard_mix(tmp_path, silence(5))
    with pytest.raises(Refused, match="digital silence"):
        clean(room.timeline, room.heard)


def test_a_room_of_music_or_noise_alone_is_left_as_it_is(tmp_path):
    room = heard_mix(tmp_path, noise(8, -30))
    assert clean(room.timeline, room.heard) == room.timeline
