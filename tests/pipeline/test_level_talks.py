"""Levelling of talks as people have them: they interrupt each other, hardly speak or never, hear each other, clap, play music."""

import shutil
from functools import partial

import numpy as np
import pytest
from heard_rooms import Room, heard_mix, heard_tracks, limited_too

from bench.crowd import applause
from bench.levelling import evenness
from bench.music import piece
from bench.sounds import Sound, encoded, loudness, noise, silence, speech
from bench.talk_rooms import TalkRoom
from pipeline.decode import in_blocks
from pipeline.level import Levels, level
from pipeline.plan import LevelPlan

FOUR = (-35.0, -27.0, -21.0, -15.0)
needs_flite = pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")


def gains(levels: Levels) -> Sound:
    with np.load(levels.curves.path) as arrays:
        return np.asarray(arrays["gain_db"])


def levels_of(room: Room, plan: LevelPlan = LevelPlan()) -> Levels:
    return level(room.timeline, room.heard, plan, scratch=room.scratch)


def tracks_of(talk: TalkRoom) -> dict[str, Sound]:
    return {voice.name: talk.whole(partial(talk.track, who)) for who, voice in enumerate(talk.voices)}


@needs_flite
@pytest.mark.parametrize("overlap", [0.0, 0.2])
def test_a_mix_of_four_as_opus_is_even_and_is_not_ridden(tmp_path, overlap):
    talk = TalkRoom(FOUR, 2.0, overlap=overlap, seed=2)
    opus = encoded(tmp_path / "mix.ogg", talk.whole(talk.mix), "-c:a", "libopus", "-b:a", "32k", "-application", "voip")
    source = np.concatenate(list(in_blocks(opus, 1)), 1)[0]
    room = heard_mix(tmp_path, source)
    found = evenness(talk, limited_too(room, levels_of(room))[0], source)
    assert found.voices_lu <= 1.5 and found.onset_db[1] <= 1.3


@needs_flite
def test_a_turn_has_one_gain_from_its_first_word(tmp_path):
    talk = TalkRoom(FOUR, 2.0, seed=3)
    room = heard_mix(tmp_path, talk.whole(talk.mix))
    (gain,) = gains(levels_of(room))
    for turn in talk.alone:
        within = gain[round(turn.start_s * 10) : round(turn.end_s * 10)]
        assert np.ptp(within) <= 1.0, turn


@needs_flite
@pytest.mark.parametrize("bleed_db", [-22.0, -12.0])
def test_voices_on_tracks_are_even_whatever_they_hear_of_each_other(tmp_path, bleed_db):
    talk = TalkRoom(FOUR, 2.0, overlap=0.1, bleed_db=bleed_db, seed=5)
    tracks = tracks_of(talk)
    room = heard_tracks(tmp_path, tracks)
    found = evenness(talk, limited_too(room, levels_of(room))[0], np.sum(list(tracks.values()), axis=0))
    assert found.voices_lu <= 0.3 + 0.3 * (bleed_db > -22)
    assert found.onset_db[1] <= 2.0


@needs_flite
def test_who_hardly_speaks_is_as_loud_as_the_others_and_who_never_does_stays_closed(tmp_path):
    talk = TalkRoom(FOUR, 5.0, every={"cora": 8, "dan": 0}, seed=6)
    share = sum(turn.end_s - turn.start_s for turn in talk.turns if turn.who == "cora") / 300
    assert 0.005 < share < 0.06
    room = heard_tracks(tmp_path, tracks_of(talk))
    levels = levels_of(room)
    voices = {voice.name: voice for voice in levels.voices}
    assert voices["cora"].before_lufs == pytest.approx(-21.0, abs=1.2)
    assert (voices["dan"].speech_s, voices["dan"].before_lufs) == (0.0, None)
    row = [track.participant for track in room.timeline.tracks].index("dan")
    assert np.ptp(gains(levels)[row]) == 0 and gains(levels)[row][0] <= -15


def test_two_who_speak_at_once_are_both_heard(tmp_path):
    ann, bob = (speech(12, lufs, seed=n) for n, lufs in enumerate((-20, -30)))
    room = heard_tracks(tmp_path, {"ann": ann + noise(12, -75), "bob": bob + noise(12, -80)})
    both = gains(levels_of(room))
    open_at = both > both.max(1, keepdims=True) - 1
    assert open_at.all(0).mean() > 0.9


def test_applause_after_a_quiet_voice_is_not_lifted_like_it_and_keeps_its_swell(tmp_path):
    claps = applause(10, -28)
    room = heard_mix(
        tmp_path, np.concatenate([speech(10, -34, seed=1), silence(0.5), claps, silence(0.5), speech(10, -18, seed=2)])
    )
    (gain,) = gains(levels_of(room))
    inside = gain[125:195]
    assert np.ptp(inside) < 0.1
    assert inside.max() <= min(gain[50], -19 - loudness(claps) + 1)


def test_music_between_words_keeps_its_dynamics_and_stays_stereo(tmp_path):
    music = piece(30, -24)
    words = [np.stack([speech(10, lufs, seed=n)] * 2) for n, lufs in enumerate((-30, -20))]
    room = heard_mix(tmp_path, np.concatenate([words[0], music, words[1]], 1))
    levels = levels_of(room)
    (gain,) = gains(levels)
    assert levels.channels == 2
    assert np.ptp(gain[125:375]) < 0.1


def test_music_alone_is_not_pressed_for_the_sake_of_its_loudness(tmp_path):
    music = piece(40, -24)
    room = heard_mix(tmp_path, music)
    levels = levels_of(room)
    assert levels.expected_lufs is not None and -22 < levels.expected_lufs <= -16
    sound = limited_too(room, levels)
    passages = [
        (loudness(sound[:, s : s + 192000]), loudness(music[:, s : s + 192000])) for s in range(0, 40 * 48000 - 192000, 192000)
    ]
    after, before = np.array(passages).T
    assert np.ptp(after) == pytest.approx(np.ptp(before), abs=1.0)


@pytest.mark.parametrize("target", [-19.0, -16.0])
def test_what_is_expected_is_what_a_render_measures(tmp_path, target):
    talk = np.concatenate([part for n, lufs in enumerate((-33, -24, -14)) for part in (speech(6, lufs, seed=n), silence(0.8))])
    room = heard_mix(tmp_path, talk)
    levels = levels_of(room, LevelPlan(target_lufs=target))
    assert loudness(limited_too(room, levels)) == pytest.approx(levels.expected_lufs, abs=0.1)
    assert levels.expected_lufs == pytest.approx(target, abs=0.05)


def test_broadcast_evens_the_passages_of_one_voice_and_even_does_not(tmp_path):
    changing = np.concatenate([speech(8, lufs, seed=n) for n, lufs in enumerate((-20, -23, -20, -23))])
    room = heard_mix(tmp_path, changing)

    def apart(mode):
        sound = limited_too(room, levels_of(room, LevelPlan(mode=mode)))[0]
        loud = [loudness(sound[s * 48000 : (s + 6) * 48000]) for s in (1, 9, 17, 25)]
        return max(loud) - min(loud)

    assert apart("broadcast") < 0.75 * apart("original")


def test_the_original_has_one_gain_for_all(tmp_path):
    parts = {"ann": speech(8, -30, seed=1), "bob": np.concatenate([silence(4), speech(4, -18, seed=2)]), "off": noise(8, -70)}
    room = heard_tracks(tmp_path, parts)
    assert np.ptp(gains(levels_of(room, LevelPlan(mode="original")))) < 1e-5


def test_silence_after_a_quiet_voice_falls_back_smoothly(tmp_path):
    room = heard_mix(tmp_path, np.concatenate([speech(8, -34, seed=1), silence(8), speech(8, -16, seed=2)]) + noise(24, -72))
    (gain,) = gains(levels_of(room))
    steps = np.diff(gain[82:140])
    assert steps.max() <= 0.01 and steps.min() >= -2.01
    assert gain[140] <= gain[40] - 10
