from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from heard_rooms import heard_mix, heard_tracks

from bench.sounds import RATE_HZ, noise, silence, speech, tone
from pipeline.biquads import Biquads, high_pass, notch
from pipeline.denoise import denoised
from pipeline.ears import BANDS_HZ
from pipeline.filters import RUMBLE_HZ
from pipeline.listen import measures
from pipeline.plan import FilterPlan
from pipeline.render import mixed
from pipeline.tracks import Decoding
from pipeline.treatment import asked_for

VOICE = np.concatenate([np.concatenate([speech(4, -24, seed=n), silence(2)]) for n in range(4)]) + noise(24, -80)


def level_db(sound, hz: float = 0.0) -> float:
    """RMS, or that of one frequency alone."""
    if not hz:
        return 10 * float(np.log10(np.mean(np.square(sound, dtype=np.float64)) + 1e-15))
    at = np.arange(len(sound)) / RATE_HZ
    return 20 * float(np.log10(abs(np.mean(sound * np.exp(-2j * np.pi * hz * at))) * np.sqrt(2) + 1e-12))


def decoded(timeline, scratch) -> np.ndarray:
    gains = np.zeros((1, round(timeline.length_s * 10)), np.float32)
    return np.concatenate([sound[0] for _, sound in mixed(timeline, gains, 1, scratch)])


@pytest.mark.parametrize(("hz", "change_db"), [(20, -23), (75, -3), (150, -0.3), (1000, 0)])
def test_rumble_is_filtered_out_and_voices_are_not(hz, change_db):
    sound = tone(2, -20, hz)
    heard = Biquads((high_pass(RUMBLE_HZ),))(sound)[RATE_HZ:]
    assert level_db(heard) - level_db(sound) == pytest.approx(change_db, abs=0.3)


def test_a_notch_takes_one_line_and_leaves_its_neighbours():
    filtered = [Biquads((notch(100, 6),))(tone(4, -20, hz))[2 * RATE_HZ :] for hz in (100, 90, 115)]
    assert level_db(filtered[0]) < -70
    assert all(level_db(one) == pytest.approx(-23, abs=0.5) for one in filtered[1:])


@pytest.mark.parametrize(("mains_hz", "off_hz"), [(50.0, 0.0), (60.0, 0.0), (50.0, 0.1), (60.0, -0.1)])
def test_mains_hum_is_found_under_a_voice_and_taken_out(tmp_path, mains_hz, off_hz):
    hum = sum(tone(24, -50 - 4 * n, n * (mains_hz + off_hz)) for n in (1, 2, 3))
    room = heard_mix(tmp_path, VOICE + hum)
    (condition,) = room.heard.conditions
    assert condition.hum_hz == mains_hz and condition.hum_db > 15
    untreated = replace(room.timeline, tracks=tuple(replace(track, hum_lines_hz=()) for track in room.timeline.tracks))
    pause = slice(round(4.7 * RATE_HZ), round(5.7 * RATE_HZ))
    before, after = decoded(untreated, tmp_path)[pause], decoded(room.timeline, tmp_path)[pause]
    for line in (2, 3):
        at_hz = line * (mains_hz + off_hz)
        assert level_db(after, at_hz) < level_db(before, at_hz) - (25 if not off_hz else 7)
    assert abs(level_db(decoded(room.timeline, tmp_path)) - level_db(decoded(untreated, tmp_path))) < 0.5


NOTES = {"a chord": (180, 440), "a low G": (49, 98, 147, 196), "a low A sharp": (58.27, 116.54, 174.8), "noise": ()}


@pytest.mark.parametrize("other", [sum((tone(24, -50, hz) for hz in notes), noise(24, -70)) for notes in NOTES.values()], ids=NOTES)
def test_what_is_no_hum_is_not_taken_for_it(tmp_path, other):
    assert heard_mix(tmp_path, VOICE + other).heard.conditions[0].hum_hz is None


def test_each_track_is_judged_by_itself(tmp_path):
    hum = sum(tone(24, -50, n * 50.0) for n in (1, 2, 3))
    room = heard_tracks(tmp_path, {"ann": VOICE, "bob": VOICE + hum})
    assert [one.hum_hz for one in room.heard.conditions] == [None, 50.0]
    assert [track.hum_lines_hz for track in room.timeline.tracks] == [(), (50.0, 100.0, 150.0)]


def test_sound_that_came_clipped_is_counted(tmp_path):
    loud = VOICE * 0.5 / np.abs(VOICE).max()
    clipped = loud.copy()
    clipped[: RATE_HZ * 4] = np.clip(loud[: RATE_HZ * 4] * 40, -1, 1)
    assert heard_mix(tmp_path, loud).heard.conditions[0].clipped == 0
    assert 50 < heard_mix(tmp_path, clipped).heard.conditions[0].clipped <= 200


def test_the_noise_floor_is_the_rooms_when_nobody_speaks(tmp_path):
    room = heard_mix(tmp_path, VOICE + noise(24, -60))
    assert room.heard.conditions[0].noise_lufs == pytest.approx(-57.5, abs=1.5)
    assert heard_mix(tmp_path, silence(3)).heard.conditions[0].noise_lufs is None


def test_band_powers_tell_where_the_sound_lies(tmp_path):
    room = heard_mix(tmp_path, np.concatenate([tone(10, -20, 1000), tone(10, -30, 250)]))
    bands = measures(room.heard).bands[0]
    assert bands.shape == (64, len(BANDS_HZ))
    assert BANDS_HZ[bands[10].argmax()] == pytest.approx(1000) and BANDS_HZ[bands[50].argmax()] == pytest.approx(251, abs=1)
    assert 10 * np.log10(bands[10].max()) == pytest.approx(-23, abs=0.5)


@pytest.mark.parametrize("lengths", [(480_000, 480_000, 100_001), (1000,), (48_000,) * 5])
def test_noise_is_taken_out_on_the_same_clock(lengths):
    total = sum(lengths)
    sound = noise(total / RATE_HZ, -50)[None, :total].copy()
    sound[0, total // 2] = 0.9
    edges = np.cumsum([0, *lengths])
    out = list(denoised(sound[:, a:b] for a, b in pairwise(edges.tolist())))
    assert [block.shape[1] for block in out] == list(lengths)
    assert int(np.abs(np.concatenate(out, 1)[0]).argmax()) == total // 2


def test_denoising_quietens_the_room_and_keeps_the_voice(tmp_path):
    room = heard_mix(tmp_path, VOICE + noise(24, -55))
    timeline = asked_for(room.timeline, FilterPlan(denoise=True))
    before, after = decoded(room.timeline, tmp_path), decoded(timeline, tmp_path)
    pause, voice = slice(round(16.7 * RATE_HZ), round(17.7 * RATE_HZ)), slice(18 * RATE_HZ, 22 * RATE_HZ)
    assert level_db(after[pause]) < level_db(before[pause]) - 5
    assert level_db(after[voice]) == pytest.approx(level_db(before[voice]), abs=0.6)


def test_a_long_room_is_filtered_alike_in_processes_of_its_own(tmp_path):
    room = heard_mix(tmp_path, np.tile(VOICE, 13))
    (track,), total = room.timeline.tracks, round(room.timeline.length_s * RATE_HZ)
    decoding = Decoding([replace(track, denoise=True)], 1, total)
    for (_, elsewhere), (_, here) in zip(decoding.elsewhere(), decoding.here(), strict=True):
        np.testing.assert_array_equal(elsewhere[0], here[0])
