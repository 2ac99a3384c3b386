import wave

import broken_files as broken
import numpy as np
import pytest
from fakes_children import fetched, recording

from bench.sounds import RATE_HZ, loudness, noise, silence, speech, talk, tone, wav
from pipeline.arrange import arrange
from pipeline.biquads import Biquads, high_pass
from pipeline.filters import RUMBLE_HZ
from pipeline.listen import listen, measures
from pipeline.loudness import lufs
from pipeline.probe import probe


def timeline_of(here, paths, kind="mix", **offsets):
    files = [
        fetched(p, kind=kind, participant=p.stem if kind == "track" else None, start_offset_s=offsets.get(p.stem, 0.0))
        for p in paths
    ]
    return arrange(recording(), probe(tuple(files), children=here), "notice")


@pytest.fixture(scope="module")
def room(sounds):
    made = talk({"ann": -18.0, "bob": -33.0}, rounds=2)
    paths = [wav(sounds / f"{name}.wav", track) for name, track in made.tracks.items()]
    return made, paths, wav(sounds / "mix.wav", made.mix)


def without_rumble(sound) -> np.ndarray:
    return Biquads((high_pass(RUMBLE_HZ),))(sound)


def samples(made) -> np.ndarray:
    with wave.open(str(made.path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768


def test_loudness_and_peak_are_those_of_the_sum_of_all_tracks(here, room, tmp_path):
    made, paths, _ = room
    heard = listen(timeline_of(here, paths, "track"), children=here, scratch=tmp_path)
    assert heard.channels == 1
    assert heard.integrated_lufs == pytest.approx(loudness(made.mix), abs=0.1)
    assert heard.true_peak_dbtp == pytest.approx(20 * np.log10(np.abs(made.mix).max()), abs=1.0)
    assert heard.decoded_s == pytest.approx(len(made.mix) / RATE_HZ)


def test_each_track_has_a_row_and_a_mix_has_one(here, room, tmp_path):
    made, paths, mix = room
    tracks = measures(listen(timeline_of(here, paths, "track"), children=here, scratch=tmp_path))
    frames = -(-len(made.mix) // 4800)
    assert tracks.power.shape == (2, frames) and tracks.peak.shape == (2, 5 * frames)
    first = made.turns[0]
    speaking = slice(round(first.start_s * 10), round(first.end_s * 10))
    assert lufs(tracks.power[:, speaking].mean(1)) == pytest.approx([-18, -75], abs=4)
    assert measures(listen(timeline_of(here, [mix]), children=here, scratch=tmp_path)).power.shape == (1, frames)


def test_the_recogniser_gets_16_khz_on_the_rooms_clock(here, tmp_path):
    path = wav(tmp_path / "late.wav", tone(3, -20, hz=440))
    heard = listen(timeline_of(here, [path], "track", late=12.5), children=here, scratch=tmp_path)
    sound = samples(heard.speech[0])
    assert len(sound) == round(15.5 * 16_000)
    assert not sound[: round(12.4 * 16_000)].any()
    expected = without_rumble(tone(3, -20, hz=440))[::3]
    np.testing.assert_allclose(sound[round(12.5 * 16_000) + 500 :][:40_000], expected[500:40_500], atol=2e-3)


def test_what_16_khz_cannot_carry_does_not_come_back_as_another_tone(here, tmp_path):
    path = wav(tmp_path / "high.wav", tone(2, -6, hz=10_000))
    heard = listen(timeline_of(here, [path]), children=here, scratch=tmp_path)
    assert np.abs(samples(heard.speech[0])[500:-500]).max() < 0.002


def test_loud_tops_are_clipped_and_never_wrap(here, tmp_path):
    path = wav(tmp_path / "loud.wav", np.clip(tone(2, 6, hz=200), -1, 1))
    sound = samples(listen(timeline_of(here, [path]), children=here, scratch=tmp_path).speech[0])
    assert np.abs(np.diff(sound)).max() < 0.5


@pytest.mark.parametrize(("right", "channels"), [(0.0, 1), (1e-4, 1), (0.5, 2)], ids=["the same", "nearly the same", "different"])
def test_two_channels_are_kept_only_where_they_differ(here, tmp_path, right, channels):
    left = speech(5, -20, seed=1)
    path = wav(tmp_path / "stereo.wav", np.stack([left, left + right * speech(5, -20, seed=2)]))
    heard = listen(timeline_of(here, [path]), children=here, scratch=tmp_path)
    assert heard.channels == channels
    if channels == 2:
        assert heard.integrated_lufs == pytest.approx(loudness(np.stack([left, left + right * speech(5, -20, seed=2)])), abs=0.1)


def test_silence_has_no_loudness(here, tmp_path):
    heard = listen(timeline_of(here, [wav(tmp_path / "still.wav", silence(12))]), children=here, scratch=tmp_path)
    assert heard.integrated_lufs is None and heard.true_peak_dbtp is None


def test_a_hole_in_a_mix_is_told_and_so_is_a_damaged_page(here, tmp_path):
    heard = listen(timeline_of(here, [broken.leap(tmp_path / "leap.webm")]), children=here, scratch=tmp_path)
    (loss,) = heard.losses
    assert (loss.at_s, loss.lost_s) == (pytest.approx(4.0, abs=0.1), pytest.approx(5.0, abs=0.1))
    heard = listen(timeline_of(here, [broken.corrupt_page(tmp_path / "page.ogg")], "track"), children=here, scratch=tmp_path)
    assert "damaged" in heard.losses[0].why


def test_who_leaves_out_silence_has_lost_nothing(here, tmp_path):
    path = broken.leap(tmp_path / "leap.webm")
    assert listen(timeline_of(here, [path], "track"), children=here, scratch=tmp_path).losses == ()


def test_the_same_room_leaves_the_same_bytes(here, children, room, tmp_path):
    _, paths, _ = room
    timeline = timeline_of(here, paths, "track")
    first = listen(timeline, children=here, scratch=tmp_path / "one")
    again = listen(timeline, children=children, scratch=tmp_path / "two")
    assert first.measures.sha256 == again.measures.sha256
    assert [s.sha256 for s in first.speech] == [s.sha256 for s in again.speech]


def test_progress_goes_from_little_to_all(here, tmp_path):
    told: list[float] = []
    path = wav(tmp_path / "long.wav", noise(35, -40))
    listen(timeline_of(here, [path]), children=here, scratch=tmp_path, report=told.append)
    assert told == sorted(told) and told[-1] == 1.0 and len(told) == 4
