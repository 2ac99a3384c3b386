from pathlib import Path

import broken_files as broken
import numpy as np
import pytest
from fakes_children import fetched

from bench.sounds import RATE_HZ, encoded, run_ffmpeg, silence, speech, wav
from pipeline.errors import Refused
from pipeline.plan import ProbePlan
from pipeline.probe import probe

TEN_S = broken.TEN_S


def found(here, *paths: Path, plan: ProbePlan | None = None, **said):
    return probe(tuple(fetched(path, **said) for path in paths), plan or ProbePlan(), children=here)


@pytest.mark.parametrize(
    ("write", "name", "code", "words"),
    [
        (broken.empty, "empty.wav", "empty", "is empty"),
        (broken.one_byte, "one.ogg", "empty", "has only 1 of the bytes"),
        (broken.zeros, "zeros.mp3", "empty", "nothing but zeros"),
        (broken.text, "text.wav", "not_audio", "is text"),
        (broken.error_page, "page.mp3", "not_audio", "web page"),
        (broken.store_error, "error.ogg", "not_audio", "error of the store"),
        (broken.picture, "picture.mp3", "not_audio", "is a picture"),
        (broken.archive, "zip.wav", "not_audio", "zip archive"),
        (broken.playlist, "playlist.mp3", "not_audio", "playlist"),
        (broken.playlist_without_end, "live.m3u8", "not_audio", "playlist"),
        (broken.playlist_of_itself, "itself.m3u8", "not_audio", "playlist"),
        (broken.long_playlist, "long.m3u8", "not_audio", "playlist"),
        (broken.concat_list, "concat.wav", "not_audio", "playlist"),
        (broken.video_alone, "video.mp4", "no_audio", "pictures and no audio stream"),
        (broken.header_alone, "header.wav", "no_audio", "nothing can be decoded"),
        (broken.no_channels, "channels.wav", "no_audio", "nothing can be decoded"),
        (broken.one_hertz, "hertz.wav", "no_audio", "nothing can be decoded"),
        (broken.random, "random.mp3", None, "random.mp3"),
        (broken.no_index, "noindex.mp4", "unreadable", "its index is lost"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_what_holds_no_sound_is_refused_in_one_clear_line(here, tmp_path, write, name, code, words):
    with pytest.raises(Refused) as refusal:
        found(here, write(tmp_path / name))
    assert words in str(refusal.value)
    assert str(refusal.value).startswith(name)
    assert "\n" not in str(refusal.value) and str(tmp_path) not in str(refusal.value)
    assert code in (None, refusal.value.code)


@pytest.mark.parametrize(
    ("write", "name", "seconds"),
    [
        (broken.size_zero, "zero.wav", 10),
        (broken.size_endless, "endless.wav", 10),
        (broken.header_behind, "behind.wav", 10),
        (broken.size_44_too_many, "44.wav", 10),
        (broken.words_behind, "words.wav", 10),
        (broken.odd_tail, "odd.wav", 10),
        (broken.chained, "chained.ogg", 10),
        (broken.rate_changes, "changes.aac", 10),
        (broken.leap, "leap.webm", 15),
        (broken.cut_ogg, "cut.ogg", 6),
        (broken.cut_fragments, "cut.mp4", 6),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_seconds_are_counted_and_not_read_from_headers(here, tmp_path, write, name, seconds):
    (stream,) = found(here, write(tmp_path / name)).streams
    assert stream.duration_s == pytest.approx(seconds, abs=1.0 if "cut" in name else 0.2)


def test_a_file_is_what_its_first_bytes_say_and_not_its_name(here, tmp_path):
    path = encoded(tmp_path / "talk.mp3", TEN_S, "-c:a", "libopus", "-f", "ogg")
    (stream,) = found(here, path).streams
    assert (stream.codec, stream.channels) == ("opus", 1)


@pytest.mark.parametrize("name", ["colon 12:30.wav", "-dash.wav", "percent_%05d.wav", "ünïcode — it's (live) 🎙.wav"])
def test_awkward_names_harm_nothing(here, tmp_path, name):
    assert found(here, wav(tmp_path / name, TEN_S)).streams[0].duration_s == pytest.approx(10)


def test_every_audio_stream_of_a_file_is_taken(here, tmp_path):
    paths = [wav(tmp_path / f"{n}.wav", speech(3, -20, seed=n)) for n in range(3)]
    inputs = [part for path in paths for part in ("-i", str(path))]
    maps = [part for n in range(3) for part in ("-map", str(n))]
    many = run_ffmpeg(*inputs, *maps, "-c:a", "libopus", str(tmp_path / "many.mka"))
    assert [stream.stream for stream in found(here, many).streams] == [0, 1, 2]


def test_a_cover_is_no_stream_of_the_room(here, tmp_path):
    cover = broken.picture(tmp_path / "cover.png")
    sound = wav(tmp_path / "talk.wav", TEN_S)
    tagged = run_ffmpeg("-i", str(sound), "-i", str(cover), "-map", "0", "-map", "1", "-c:v", "copy", str(tmp_path / "talk.mp3"))
    (stream,) = found(here, tagged).streams
    assert stream.duration_s == pytest.approx(10, abs=0.01)


def test_the_sound_of_a_film_is_taken(here, tmp_path):
    film = run_ffmpeg(
        "-f", "lavfi", "-i", "testsrc=s=64x64:d=5", "-i", str(wav(tmp_path / "talk.wav", TEN_S[: 5 * RATE_HZ])),
        "-c:v", "mpeg4", "-c:a", "aac", str(tmp_path / "film.mp4"),
    )  # fmt: skip
    (stream,) = found(here, film).streams
    assert (stream.codec, stream.duration_s) == ("aac", pytest.approx(5, abs=0.05))


def test_what_its_recorder_counted_and_is_not_there_is_a_loss(here, tmp_path):
    (stream,) = found(here, wav(tmp_path / "half.wav", TEN_S), duration_s=25.0, start_offset_s=3.0).streams
    (loss,) = stream.losses
    assert (loss.at_s, loss.lost_s) == (pytest.approx(13.0), pytest.approx(15.0))
    assert "half.wav ends after 10.0 s; its recorder counted 25.0 s" in loss.why


def test_one_track_that_cannot_be_read_is_a_loss_while_another_can(here, tmp_path):
    result = found(here, broken.text(tmp_path / "bob.ogg"), wav(tmp_path / "ann.wav", TEN_S), kind="track", duration_s=10.0)
    assert [stream.file.path.name for stream in result.streams] == ["ann.wav"]
    (loss,) = result.losses
    assert loss.lost_s == 10.0 and "bob.ogg is text" in loss.why


def test_a_room_in_which_nothing_can_be_read_says_how_many_files_failed(here, tmp_path):
    with pytest.raises(Refused, match=r"bob\.ogg is text.*and 1 more cannot be read"):
        found(here, broken.text(tmp_path / "bob.ogg"), broken.empty(tmp_path / "ann.ogg"))


def test_no_files_at_all_are_refused(here):
    with pytest.raises(Refused, match="names no files") as refusal:
        found(here)
    assert refusal.value.code == "no_files"


def test_too_long_and_too_short_are_refused_with_their_figures(here, tmp_path):
    long = encoded(tmp_path / "long.flac", silence(70), "-ar", "8000")
    with pytest.raises(Refused, match="1 minute long; the limit is 40 seconds") as refusal:
        found(here, long, plan=ProbePlan(longest_s=40))
    assert refusal.value.code == "too_long"
    with pytest.raises(Refused, match=r"0\.5 s long") as refusal:
        found(here, wav(tmp_path / "short.wav", TEN_S[: RATE_HZ // 2]))
    assert refusal.value.code == "too_short"


def test_a_source_is_not_changed(here, tmp_path):
    path = broken.header_behind(tmp_path / "behind.wav")
    before = path.read_bytes()
    found(here, path)
    assert path.read_bytes() == before


def test_real_children_give_the_same_answer(here, children, tmp_path):
    path = wav(tmp_path / "talk.wav", np.stack([TEN_S, TEN_S]))
    assert found(children, path) == found(here, path)
