from dataclasses import replace

import numpy as np
import pytest
from heard_rooms import Room, decoded, heard_mix, heard_tracks

from bench.sounds import RATE_HZ, Turn, loudness, talk
from pipeline.clean import clean
from pipeline.edits import Edits, Mute
from pipeline.encode import encode
from pipeline.level import level
from pipeline.listen import Measures
from pipeline.models import SILENT_DBFS, MadeFile, Timeline, Track
from pipeline.mutes import FADE, silenced, unmuted
from pipeline.plan import CleanPlan, EncodePlan

TALK = talk({"ann": -18.0, "bob": -28.0}, rounds=2, turn_s=4.0, pause_s=0.5)
ANN, BOB = ([turn for turn in TALK.turns if turn.who == who] for who in ("ann", "bob"))


@pytest.fixture(scope="module")
def tracks(tmp_path_factory):
    """Two voices, each heard in the other's microphone too."""
    return heard_tracks(tmp_path_factory.mktemp("tracks"), TALK.with_bleed(-12.0))


@pytest.fixture(scope="module")
def mix(tmp_path_factory):
    return heard_mix(tmp_path_factory.mktemp("mix"), TALK.mix)


def room(*mutes: Mute, separate: bool = True, length_s: float = 2.0) -> Timeline:
    file = MadeFile(path=None, size_bytes=0, sha256="")
    tracks = (Track(file=file, participant=who, start_offset_s=0, duration_s=length_s, channels=1) for who in ("ann", "bob"))
    return Timeline(tracks=tuple(tracks), separate=separate, length_s=length_s, mutes=mutes)


def muted_for(heard: Room, turn: Turn) -> Timeline:
    """The room with its speaker muted for that turn."""
    mute = Mute(participant=turn.who, start_s=turn.start_s - 0.2, end_s=turn.end_s + 0.2)
    return replace(heard.timeline, mutes=(mute,))


def through(timeline: Timeline, track: int, size: int) -> np.ndarray:
    """Ones of both channels, muted block by block."""
    ones = np.ones((2, round(timeline.length_s * RATE_HZ)), np.float32)
    blocks = [unmuted(timeline, track, first, ones[:, first : first + size]) for first in range(0, ones.shape[1], size)]
    assert ones.all()
    return np.concatenate(blocks, 1)


def test_a_mute_is_silence_with_soft_edges_inside_its_own_seconds():
    heard = through(room(Mute(participant="bob", start_s=0.5, end_s=1.25)), 1, 480_000)[0]
    start, end = RATE_HZ // 2, RATE_HZ * 5 // 4
    assert (heard[: start + 1] == 1).all() and (heard[end - 1 :] == 1).all()
    assert not heard[start + FADE : end - FADE].any()
    assert 0 < heard[start + 1] < 1 and np.abs(np.diff(heard)).max() < 1.01 / FADE


@pytest.mark.parametrize("size", [7, 480, 4799, 33_333])
def test_blocks_of_any_size_are_muted_alike(size):
    mutes = (Mute(participant="ann", start_s=0.1, end_s=0.6), Mute(participant=None, start_s=0.55, end_s=0.9))
    timeline = room(*mutes, length_s=1.0)
    np.testing.assert_array_equal(through(timeline, 0, size), through(timeline, 0, 480_000))


def test_only_the_muted_voice_is_silent_and_untouched_blocks_are_not_copied():
    timeline = room(Mute(participant="bob", start_s=0.5))
    assert through(timeline, 0, 480_000).all()
    block = np.ones((1, 4800), np.float32)
    assert unmuted(timeline, 1, 0, block) is block


def test_a_mute_from_the_first_second_to_the_last_leaves_nothing():
    assert not through(room(Mute(participant="bob")), 1, 4800).any()
    everybody = room(Mute(participant=None, end_s=99.0))
    assert not through(everybody, 0, 4800).any() and not through(everybody, 1, 4800).any()


def test_two_mutes_that_meet_leave_no_gap():
    heard = through(room(Mute(participant="bob", end_s=1.0), Mute(participant=None, start_s=1.0)), 1, 4800)
    assert not heard.any()


def test_frames_that_are_muted_measure_as_silence_in_the_rows_of_that_voice():
    whole = Measures(power=np.ones((2, 20), np.float32), peak=np.ones((2, 100), np.float32), bands=np.ones((2, 6, 3), np.float32))
    measured = silenced(room(Mute(participant="bob", start_s=0.55, end_s=1.0)), whole)
    assert measured.power[0].all() and measured.peak[0].all()
    assert np.flatnonzero(measured.power[1] == 0).tolist() == [5, 6, 7, 8, 9]
    assert np.flatnonzero(measured.peak[1] == 0).tolist() == list(range(27, 50))
    assert whole.power.all() and silenced(room(), whole) is whole


def test_a_muted_voice_is_gone_from_the_sound_and_from_all_that_is_told_of_it(tracks, here, tmp_path):
    timeline = replace(tracks.timeline, mutes=(Mute(participant="bob"),))
    levels = level(timeline, tracks.heard, scratch=tmp_path)
    (file,) = encode(timeline, levels, EncodePlan(formats=("wav",)), children=here, scratch=tmp_path)
    sound = decoded(file.file.path)[0]
    ann, bob = (
        np.concatenate([sound[round(t.start_s * RATE_HZ) : round(t.end_s * RATE_HZ)] for t in turns]) for turns in (ANN, BOB)
    )
    # What is left of him is what her microphone heard, behind her closed gate.
    assert loudness(ann) == pytest.approx(-19.0, abs=0.5) and loudness(bob) < loudness(ann) - 12 - 15
    told = {voice.participant: voice for voice in levels.voices}
    assert (told["bob"].speech_s, told["bob"].before_lufs, told["bob"].after_lufs) == (0.0, None, None)
    assert told["ann"].speech_s == pytest.approx(sum(t.end_s - t.start_s for t in ANN), rel=0.2)
    assert set(dict(levels.activity.voices)["bob"]) == {SILENT_DBFS}


def test_a_voice_that_is_muted_for_a_while_is_heard_beside_it_as_before(tracks, tmp_path):
    first, second = BOB
    levels, before = (
        level(muted_for(tracks, first), tracks.heard, scratch=tmp_path),
        level(tracks.timeline, tracks.heard, scratch=tmp_path),
    )
    bins = dict(levels.activity.voices)["bob"]
    at = [round(s / levels.activity.bin_s) for s in (first.start_s, first.end_s, second.start_s, second.end_s)]
    assert set(bins[at[0] : at[1]]) == {SILENT_DBFS} and max(bins[at[2] : at[3]]) > -30
    assert levels.voices[1].speech_s == pytest.approx(before.voices[1].speech_s / 2, rel=0.1)
    assert levels.voices[1].after_lufs == pytest.approx(before.voices[1].after_lufs, abs=1.0)


def test_what_others_microphones_hear_of_a_muted_voice_is_no_speech_of_theirs(tracks, tmp_path):
    levels = level(muted_for(tracks, BOB[0]), tracks.heard, scratch=tmp_path)
    before = level(tracks.timeline, tracks.heard, scratch=tmp_path)
    assert levels.voices[0].speech_s == before.voices[0].speech_s


def test_in_a_file_of_everybody_a_mute_silences_all_whomever_it_names(mix, here, tmp_path):
    turn = BOB[0]
    edits = Edits(mutes=(Mute(participant="bob", start_s=turn.start_s, end_s=turn.end_s),))
    timeline = clean(mix.timeline, mix.heard, CleanPlan(trim=False), edits)
    assert [mute.participant for mute in timeline.mutes] == [None]
    levels = level(timeline, mix.heard, scratch=tmp_path)
    (file,) = encode(timeline, levels, EncodePlan(formats=("wav",)), children=here, scratch=tmp_path)
    sound = decoded(file.file.path)[0]
    assert not sound[round(turn.start_s * RATE_HZ) + FADE : round(turn.end_s * RATE_HZ) - FADE].any()
    assert loudness(sound) == pytest.approx(-19.0, abs=0.2)
