from dataclasses import replace

import numpy as np
import pytest
from heard_rooms import heard_mix, heard_tracks

from bench.sounds import noise, silence, speech, talk, tone
from pipeline.clean import clean
from pipeline.cuts import PAUSED
from pipeline.edits import Edits, Mute, Stretch
from pipeline.errors import Refused
from pipeline.models import Cut
from pipeline.plan import CleanPlan

TALK = talk({"ann": -18.0, "bob": -30.0}, rounds=1, ends_s=8.0, hush=-80.0)


def stretch(start_s: float, end_s: float) -> Stretch:
    return Stretch(start_s=start_s, end_s=end_s)


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


# ---- long pauses

PAUSING = np.concatenate(
    [speech(4, -18, seed=1), silence(6), speech(4, -30, seed=2), silence(1.2), speech(3, -18, seed=3)]
) + noise(18.2, -72)
SHORTENED = CleanPlan(shorten_pauses=True)


@pytest.fixture(scope="module")
def pausing(tmp_path_factory):
    return heard_mix(tmp_path_factory.mktemp("pausing"), PAUSING)


def spans(timeline) -> list[tuple[float, float]]:
    return [(cut.start_s, cut.end_s) for cut in timeline.cuts]


def test_pauses_stay_as_they_are_unless_asked_for(pausing):
    assert clean(pausing.timeline, pausing.heard).cuts == ()


def test_a_long_pause_is_shortened_in_its_middle_and_a_short_one_is_not(pausing):
    (one,) = clean(pausing.timeline, pausing.heard, SHORTENED).cuts
    assert one.why == "long pause shortened" and 4.1 < one.start_s < one.end_s < 9.9
    assert 6.0 - (one.end_s - one.start_s) == pytest.approx(0.8, abs=0.35)


def test_music_in_a_pause_is_heard(tmp_path):
    music = tone(3, -40, hz=330) * np.clip(np.minimum(np.arange(144_000), np.arange(144_000)[::-1]) / 9600, 0, 1)
    room = heard_mix(tmp_path, PAUSING + np.concatenate([silence(5.5), music, silence(9.7)]).astype(np.float32))
    assert clean(room.timeline, room.heard, SHORTENED).cuts == ()


def test_a_pause_of_the_recording_counts_for_what_is_heard_of_it(pausing):
    paused = replace(pausing.timeline, cuts=(Cut(start_s=4.8, end_s=9.2, why=PAUSED),))
    assert clean(paused, pausing.heard, SHORTENED).cuts == paused.cuts


# ---- what a creator changes


def test_what_its_creator_keeps_is_heard_and_what_they_cut_is_not(mix):
    plain = clean(mix.timeline, mix.heard)
    edits = Edits(kept=(stretch(2.0, 4.0), stretch(0, 0)), cuts=(stretch(10.0, 12.0),))
    edited = clean(mix.timeline, mix.heard, CleanPlan(), edits)
    lead, tail = plain.cuts
    assert [(c.start_s, c.end_s, c.why) for c in edited.cuts] == [
        (0.0, 2.0, lead.why), (4.0, lead.end_s, lead.why), (10.0, 12.0, "cut by its creator"), (tail.start_s, tail.end_s, tail.why),
    ]  # fmt: skip


def test_a_shortened_pause_can_be_had_back_and_no_other_cut_moves(pausing):
    (found,) = spans(clean(pausing.timeline, pausing.heard, SHORTENED))
    kept = Edits(kept=(stretch(*found),), cuts=(stretch(11.0, 14.5),))
    assert spans(clean(pausing.timeline, pausing.heard, SHORTENED, kept)) == [(11.0, 14.5)]
    assert spans(clean(pausing.timeline, pausing.heard, SHORTENED, replace(kept, kept=()))) == [found, (11.0, 14.5)]


def test_nobody_brings_back_a_pause_that_the_room_asked_for(mix):
    paused = replace(mix.timeline, cuts=(Cut(start_s=10.0, end_s=12.0, why=PAUSED),))
    edits = Edits(kept=(stretch(0, 99),), cuts=(stretch(9, 13),))
    assert [(c.start_s, c.end_s, c.why) for c in clean(paused, mix.heard, CleanPlan(), edits).cuts] == [
        (9.0, 10.0, "cut by its creator"), (10.0, 12.0, PAUSED), (12.0, 13.0, "cut by its creator"),
    ]  # fmt: skip


def test_edits_in_any_order_and_out_of_the_room_are_taken_for_what_they_cover(mix):
    nan, inf = float("nan"), float("inf")
    tidy = Edits(cuts=(stretch(9, 12), stretch(20, 99)), mutes=(Mute(participant=None, start_s=13, end_s=14),))
    wild = Edits(
        cuts=(stretch(20, inf), stretch(10, 12), stretch(nan, 4), stretch(9, 10.5), stretch(5, 3), stretch(-9, -4)),
        kept=(stretch(nan, nan), stretch(4, -4)),
        mutes=(Mute(participant=None, start_s=13.5, end_s=14), Mute(participant="bob", start_s=13, end_s=13.6),
               Mute(participant="eve", start_s=90), Mute(participant=None, start_s=nan), Mute(participant="x", start_s=5, end_s=4)),
    )  # fmt: skip
    assert clean(mix.timeline, mix.heard, CleanPlan(), wild) == clean(mix.timeline, mix.heard, CleanPlan(), tidy)


def test_mutes_on_tracks_keep_their_names_and_one_whom_nobody_knows_mutes_nobody(tmp_path):
    room = heard_tracks(tmp_path, TALK.tracks)
    edits = Edits(
        mutes=(Mute(participant="bob", start_s=-1.0, end_s=99.0), Mute(participant="eve"), Mute(participant=None, end_s=2.0))
    )
    cleaned = clean(room.timeline, room.heard, CleanPlan(), edits)
    assert cleaned.mutes == (Mute(participant=None, end_s=2.0), Mute(participant="bob"))
    assert spans(cleaned) == spans(clean(room.timeline, room.heard))


@pytest.mark.parametrize(
    "edits",
    [
        Edits(cuts=(Stretch(start_s=0, end_s=99),)),
        Edits(cuts=(Stretch(start_s=0, end_s=9), Stretch(start_s=9.3, end_s=99))),
        Edits(cuts=(Stretch(start_s=8, end_s=23),)),
        Edits(mutes=(Mute(participant=None),)),
        Edits(mutes=(Mute(participant="ann"), Mute(participant="bob"))),
    ],
    ids=["all cut", "next to nothing", "every word", "all muted", "everybody muted"],
)
@pytest.mark.parametrize("kind", ["mix", "tracks"])
def test_edits_that_leave_nothing_are_refused(edits, kind, mix, tmp_path):
    room = mix if kind == "mix" else heard_tracks(tmp_path, TALK.with_bleed())
    with pytest.raises(Refused, match="These edits leave nothing of the room to hear") as refusal:
        clean(room.timeline, room.heard, CleanPlan(), edits)
    assert refusal.value.code == "nothing_left"


def test_a_room_without_speech_can_be_edited_too(tmp_path):
    room = heard_mix(tmp_path, noise(8, -30))
    assert spans(clean(room.timeline, room.heard, CleanPlan(), Edits(cuts=(stretch(2, 3),)))) == [(2.0, 3.0)]
    with pytest.raises(Refused, match="leave nothing"):
        clean(room.timeline, room.heard, CleanPlan(), Edits(mutes=(Mute(participant=None),)))
