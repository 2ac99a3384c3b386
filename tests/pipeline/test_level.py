import numpy as np
import pytest
from heard_rooms import by_voice, heard_mix, heard_tracks, levelled, limited_too, spread

from bench.sounds import RATE_HZ, loudness, noise, silence, speech, talk
from pipeline.clean import clean
from pipeline.level import level
from pipeline.models import SILENT_DBFS
from pipeline.plan import LevelPlan

FAR_APART = {"ann": -35.0, "bob": -24.0, "cleo": -12.5}
TALK = talk(FAR_APART, rounds=4, turn_s=5.0, pause_s=1.5)


@pytest.fixture(scope="module")
def mix(tmp_path_factory):
    return heard_mix(tmp_path_factory.mktemp("mix"), TALK.mix)


@pytest.fixture(scope="module")
def tracks(tmp_path_factory):
    return heard_tracks(tmp_path_factory.mktemp("tracks"), TALK.with_bleed())


def test_voices_on_tracks_meet_within_a_third_of_a_loudness_unit(tracks):
    levels = level(tracks.timeline, tracks.heard, scratch=tracks.scratch)
    sound = levelled(tracks, levels)
    assert spread(by_voice(TALK, TALK.mix)) == pytest.approx(22.5, abs=0.5)
    assert spread(by_voice(TALK, sound)) <= 0.3
    assert loudness(sound) == pytest.approx(-19.0, abs=0.2)


def test_voices_in_one_mix_meet_within_two_loudness_units(mix):
    levels = level(mix.timeline, mix.heard, scratch=mix.scratch)
    assert spread(by_voice(TALK, levelled(mix, levels))) <= 2.0
    assert levels.expected_lufs == pytest.approx(-19.0, abs=0.05)


def test_a_voice_is_not_ridden_within_its_turn(mix):
    sound = levelled(mix, level(mix.timeline, mix.heard, scratch=mix.scratch))
    for turn in TALK.turns:
        first, early, late, end = (round(s * RATE_HZ) for s in (turn.start_s, turn.start_s + 2, turn.end_s - 2, turn.end_s))
        was = loudness(TALK.mix[first:early]) - loudness(TALK.mix[late:end])
        assert loudness(sound[0, first:early]) - loudness(sound[0, late:end]) == pytest.approx(was, abs=2.0)


def test_bleed_is_turned_down_where_somebody_else_speaks(tracks):
    levels = level(tracks.timeline, tracks.heard, scratch=tracks.scratch)
    with np.load(levels.curves.path) as arrays:
        gains = arrays["gain_db"]
    names = [t.participant for t in tracks.timeline.tracks]
    for turn in TALK.turns:
        middle = round((turn.start_s + 2.5) * 10)
        for name, gain in zip(names, gains, strict=True):
            own = gain[round((next(t for t in TALK.turns if t.who == name).start_s + 2.5) * 10)]
            assert gain[middle] == pytest.approx(own if name == turn.who else own - 20, abs=0.01)


def test_each_voice_is_told_before_and_after(tracks):
    voices = level(tracks.timeline, tracks.heard, scratch=tracks.scratch).voices
    assert {v.name: v.before_lufs for v in voices} == pytest.approx(FAR_APART, abs=0.6)
    assert [v.after_lufs for v in voices] == pytest.approx([-19.0] * 3, abs=0.5)
    assert [v.speech_s for v in voices] == pytest.approx([20.0] * 3, abs=4.0)


def test_each_voice_is_told_with_what_is_wrong_with_its_track(tracks):
    voices = level(tracks.timeline, tracks.heard, scratch=tracks.scratch).voices
    found = {track.participant: condition for track, condition in zip(tracks.timeline.tracks, tracks.heard.conditions, strict=True)}
    assert {voice.name: voice.condition for voice in voices} == found
    assert all(condition is not None and condition.noise_lufs is not None for condition in found.values())


def test_a_voice_that_speaks_one_time_in_thirty_is_not_taken_for_its_bleed(tmp_path):
    rarely = talk({"ann": -20.0, "bob": -24.0}, rounds=5, turn_s=8.0, ends_s=4.0)
    shy = silence(len(rarely.mix) / RATE_HZ)
    words = speech(3.0, -31, seed=77)
    shy[: len(words)] = words
    tracks = rarely.with_bleed()
    tracks["shy"] = shy + rarely.mix * 10 ** (-33 / 20) + noise(len(shy) / RATE_HZ, -75)
    room = heard_tracks(tmp_path, tracks)
    found = {v.name: v for v in level(room.timeline, room.heard, scratch=room.scratch).voices}["shy"]
    assert found.before_lufs == pytest.approx(-31.0, abs=1.5)
    assert found.speech_s <= 5.0


def test_a_thump_on_a_microphone_does_not_count_towards_its_voice(tmp_path):
    made = talk({"ann": -20.0, "bob": -31.0}, rounds=2)
    made.tracks["bob"][RATE_HZ * 9 : RATE_HZ * 9 + 9600] += noise(0.2, -8)
    room = heard_tracks(tmp_path, made.tracks)
    found = {v.name: v.before_lufs for v in level(room.timeline, room.heard, scratch=room.scratch).voices}
    assert found["bob"] == pytest.approx(-31.0, abs=1.0)


def test_a_track_on_which_nobody_speaks_is_kept_down(tmp_path):
    made = talk({"ann": -20.0, "bob": -24.0}, rounds=2)
    length_s = len(made.mix) / RATE_HZ
    room = heard_tracks(tmp_path, {**made.tracks, "hum": noise(length_s, -50)})
    levels = level(room.timeline, room.heard, scratch=room.scratch)
    hum = next(v for v in levels.voices if v.name == "hum")
    assert (hum.speech_s, hum.before_lufs, hum.after_lufs) == (0.0, None, None)
    with np.load(levels.curves.path) as arrays:
        row = [t.participant for t in room.timeline.tracks].index("hum")
        assert arrays["gain_db"][row].max() < -10


def test_who_never_speaks_is_not_raised_until_the_others_are_heard_on_his_microphone(tmp_path):
    made = talk({"ann": -20.0, "bob": -24.0}, rounds=3)
    heard = np.roll(made.mix, 300) * 10 ** (-20 / 20) + noise(len(made.mix) / RATE_HZ, -72)
    room = heard_tracks(tmp_path, {**made.with_bleed(), "mute": heard.astype(np.float32)})
    found = {v.name: v for v in level(room.timeline, room.heard, scratch=room.scratch).voices}
    assert found["mute"].before_lufs is None
    assert (found["ann"].before_lufs, found["bob"].before_lufs) == (pytest.approx(-20, abs=0.6), pytest.approx(-24, abs=0.6))


@pytest.mark.parametrize(
    ("sound", "raised"), [(noise(6, -72), False), (silence(6), False), (noise(6, -35), True)], ids=["hush", "nothing", "noise"]
)
def test_silence_is_never_raised_and_sound_without_speech_is_set_as_a_whole(tmp_path, sound, raised):
    room = heard_mix(tmp_path, sound)
    levels = level(room.timeline, room.heard, scratch=room.scratch)
    with np.load(levels.curves.path) as arrays:
        assert (arrays["gain_db"] > 0).any() == raised
    assert np.abs(levelled(room, levels)).max() <= np.abs(sound).max() * (10 if raised else 1) + 1 / 32768


def test_pauses_do_not_rise_above_the_voices_beside_them(mix):
    levels = level(mix.timeline, mix.heard, scratch=mix.scratch)
    with np.load(levels.curves.path) as arrays:
        (gain,) = arrays["gain_db"]
    for before, after in zip(TALK.turns, TALK.turns[1:], strict=False):
        pause = gain[round((before.end_s + after.start_s) * 5)]
        assert pause <= max(gain[round(before.start_s * 10) + 20], gain[round(after.start_s * 10) + 20]) + 0.01


@pytest.mark.parametrize(("mode", "least", "most"), [("original", 20, 24), ("natural", 6, 13), ("even", 0, 2), ("broadcast", 0, 2)])
def test_modes_bring_voices_together_by_as_much_as_they_say(mix, mode, least, most):
    levels = level(mix.timeline, mix.heard, LevelPlan(mode=mode), scratch=mix.scratch)
    sound = levelled(mix, levels)
    assert least <= spread(by_voice(TALK, sound)) <= most


@pytest.mark.parametrize("target", [-16.0, -23.0])
def test_another_target_is_met(mix, target):
    levels = level(mix.timeline, mix.heard, LevelPlan(target_lufs=target), scratch=mix.scratch)
    assert levels.target_lufs == target and levels.expected_lufs == pytest.approx(target, abs=0.05)


def test_two_channels_aim_three_units_higher(tmp_path):
    stereo = np.stack([speech(8, -30, seed=1), speech(8, -26, seed=2)])
    room = heard_mix(tmp_path, stereo)
    levels = level(room.timeline, room.heard, scratch=room.scratch)
    assert (levels.channels, levels.target_lufs) == (2, -16.0)
    assert loudness(limited_too(room, levels)) == pytest.approx(-16.0, abs=0.1)
    assert levels.expected_lufs == pytest.approx(-16.0, abs=0.05)


def test_the_strip_is_told_in_episode_time_and_knows_silence(tmp_path):
    made = talk({"ann": -20.0, "bob": -20.0}, rounds=1, turn_s=5.0, pause_s=2.0, ends_s=4.0)
    room = heard_tracks(tmp_path, made.tracks)
    timeline = clean(room.timeline, room.heard)
    activity = level(timeline, room.heard, scratch=room.scratch).activity
    assert [name for name, _ in activity.voices] == ["ann", "bob"]
    assert activity.bin_s == 0.1
    ann, bob = (np.array(values) for _, values in activity.voices)
    begins = next(n for n, db in enumerate(ann) if db > SILENT_DBFS)
    assert begins == pytest.approx(5, abs=3)
    assert -30 < np.median(ann[ann > SILENT_DBFS]) < -14
    assert (bob[:50] == SILENT_DBFS).all() and (bob > SILENT_DBFS).sum() > 30


def test_a_long_room_has_no_more_bins_than_the_strip(tmp_path):
    room = heard_mix(tmp_path, np.concatenate([speech(3, -20), silence(200), speech(3, -20)]))
    activity = level(room.timeline, room.heard, scratch=room.scratch).activity
    ((_, values),) = activity.voices
    assert len(values) <= 1088 and len(values) * activity.bin_s == pytest.approx(206, abs=activity.bin_s)


def test_the_same_room_has_the_same_gains(mix, tmp_path):
    one = level(mix.timeline, mix.heard, scratch=mix.scratch)
    assert level(mix.timeline, mix.heard, scratch=tmp_path).curves.sha256 == one.curves.sha256
