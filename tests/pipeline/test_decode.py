import broken_files as broken
import numpy as np
import pytest

from bench.sounds import RATE_HZ, encoded, speech, wav
from pipeline.containers import ogg_links
from pipeline.decode import BLOCK, Blocks, Frames, complaints, in_blocks, pieces
from pipeline.models import MadeFile, Track

TEN_S = broken.TEN_S


def whole(path, channels: int = 1) -> np.ndarray:
    return np.concatenate(list(in_blocks(path, channels)), 1)


def track(path, start_s: float = 0.0, duration_s: float = 10.0, channels: int = 1) -> Track:
    return Track(file=MadeFile.of(path), participant="ann", start_offset_s=start_s, duration_s=duration_s, channels=channels)


def on_clock(one: Track, length_s: float) -> np.ndarray:
    total = round(length_s * RATE_HZ)
    blocks = list(Blocks(one, 1, total))
    assert len(blocks) == -(-total // BLOCK)
    parts = [np.zeros((1, min(BLOCK, total - n * BLOCK)), np.float32) if b is None else b for n, b in enumerate(blocks)]
    return np.concatenate(parts, 1)


def test_a_wav_comes_out_sample_by_sample(tmp_path):
    sound = whole(wav(tmp_path / "talk.wav", TEN_S))
    assert sound.shape == (1, len(TEN_S))
    np.testing.assert_allclose(sound[0], TEN_S, atol=5e-5)


def test_a_gap_in_the_time_stamps_becomes_silence_and_later_words_stay_in_place(tmp_path):
    frames = Frames(broken.leap(tmp_path / "leap.webm"))
    parts = list(pieces(frames, 1))
    last_at, last = parts[-1]
    assert (last_at + last.shape[1]) / RATE_HZ == pytest.approx(15.0, abs=0.02)
    assert (frames.gap_s, frames.first_gap_s) == (pytest.approx(5.0, abs=0.05), pytest.approx(4.0, abs=0.05))


def test_a_damaged_page_leaves_a_hole_and_a_word_about_it(tmp_path):
    with complaints() as said:
        frames = Frames(broken.corrupt_page(tmp_path / "page.ogg"), said=said)
        last_at, last = list(pieces(frames, 1))[-1]
    assert (last_at + last.shape[1]) / RATE_HZ == pytest.approx(10.0, abs=0.02)
    assert frames.damage and 0.5 < frames.gap_s < 2.5


def test_the_links_of_a_chained_ogg_follow_one_another(tmp_path):
    sound = whole(broken.chained(tmp_path / "chained.ogg"))
    assert sound.shape[1] / RATE_HZ == pytest.approx(10.0, abs=0.02)


def test_junk_between_the_pages_of_an_ogg_hides_no_later_link(tmp_path):
    one = broken.encoded(tmp_path / "one.ogg", TEN_S[: 3 * RATE_HZ], "-c:a", "libopus")
    (tmp_path / "junk.ogg").write_bytes(one.read_bytes() + b"junk" * 40_000 + one.read_bytes() + b"OggS")
    assert len(ogg_links(tmp_path / "junk.ogg")) == 2
    assert whole(tmp_path / "junk.ogg").shape[1] / RATE_HZ == pytest.approx(6.0, abs=0.02)


def test_a_rate_that_changes_on_the_way_changes_no_clock(tmp_path):
    assert whole(broken.rate_changes(tmp_path / "changes.aac")).shape[1] / RATE_HZ == pytest.approx(10.0, abs=0.2)


def test_a_phone_call_is_brought_to_48_khz(tmp_path):
    sound = whole(encoded(tmp_path / "call.wav", TEN_S, "-ar", "8000", "-c:a", "pcm_mulaw"))
    assert sound.shape[1] == pytest.approx(len(TEN_S), abs=100)


def test_two_channels_become_their_mean_and_one_becomes_two(tmp_path):
    left, right = speech(2, -20, seed=1), speech(2, -30, seed=2)
    stereo = wav(tmp_path / "stereo.wav", np.stack([left, right]))
    np.testing.assert_allclose(whole(stereo)[0], (left + right) / 2, atol=5e-5)
    twice = whole(wav(tmp_path / "mono.wav", left), channels=2)
    np.testing.assert_array_equal(twice[0], twice[1])


def test_what_is_over_full_scale_is_not_clipped(tmp_path):
    loud = encoded(tmp_path / "loud.wav", TEN_S * 12, "-c:a", "pcm_f32le")
    assert np.abs(whole(loud)).max() == pytest.approx(np.abs(TEN_S).max() * 12, rel=1e-4)


def test_a_track_stands_at_its_offset_to_the_sample(tmp_path):
    sound = on_clock(track(wav(tmp_path / "late.wav", TEN_S), start_s=13.5), length_s=30.0)
    first = round(13.5 * RATE_HZ)
    assert not sound[0, :first].any() and not sound[0, first + len(TEN_S) :].any()
    np.testing.assert_allclose(sound[0, first : first + len(TEN_S)], TEN_S, atol=5e-5)


def test_a_track_ends_where_the_timeline_says(tmp_path):
    sound = on_clock(track(wav(tmp_path / "cut.wav", TEN_S), start_s=1.0, duration_s=4.0), length_s=12.0)
    assert sound[0, : 5 * RATE_HZ].any() and not sound[0, 5 * RATE_HZ :].any()


def test_blocks_without_sound_are_not_made(tmp_path):
    late = track(wav(tmp_path / "late.wav", TEN_S), start_s=25.0)
    assert [block is None for block in Blocks(late, 1, 50 * RATE_HZ)] == [True, True, False, False, True]


def test_an_mp4_ends_where_it_says_and_not_with_its_last_frame(tmp_path):
    sound = speech(2.0, -20)[:50_021]
    path = encoded(tmp_path / "talk.m4a", sound, "-c:a", "aac", "-movie_timescale", "48000")
    assert sum(block.shape[1] for block in in_blocks(path, 1)) == len(sound)
