"""The show's own music: what is taken, where it stands, how loud it is, and what becomes of what cannot be played."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes_children import Here
from heard_rooms import decoded, heard_mix

from bench.music import piece
from bench.sounds import RATE_HZ, encoded, loudness, noise, silence, speech, tone, wav
from pipeline.accompany import accompanied
from pipeline.clean import clean
from pipeline.clock import TimeMap
from pipeline.encode import encode
from pipeline.errors import Hindered, Refused, ToolFailed
from pipeline.level import level
from pipeline.models import MadeFile, Music, Timeline
from pipeline.music import LAP_S, compose, tasted
from pipeline.plan import EncodePlan, MusicPlan
from pipeline.score import IN_PAUSES_DB, RAMP_FRAMES, UNDER_SPEECH_DB, bed_gains, episode_samples, framed
from pipeline.verify import verify

# No voice is that high: the music is told from the talk by its pitch alone.
HIGH_HZ = 9000.0
ROOM_S = 24.0


def file_of(path: Path) -> MadeFile:
    return MadeFile.of(path)


@pytest.fixture(scope="module")
def jingles(tmp_path_factory):
    folder = tmp_path_factory.mktemp("jingles")
    intro, outro, bed = (0.5 * tone(seconds, -12, HIGH_HZ) for seconds in (6.0, 4.0, 5.0))
    return MusicPlan(
        intro=file_of(wav(folder / "intro.wav", intro)),
        outro=file_of(encoded(folder / "outro.mp3", outro)),
        bed=file_of(encoded(folder / "bed.ogg", np.stack([bed, bed]), "-c:a", "libopus")),
    )


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """Nine seconds of talk, a pause of six, and talk again."""
    sound = np.concatenate([speech(9, -25, seed=4), silence(6), speech(9, -25, seed=5)]) + noise(ROOM_S, -70)
    return heard_mix(tmp_path_factory.mktemp("room"), sound)


def composed(room, plan: MusicPlan, folder: Path, channels: int = 1) -> Music:
    return compose(plan, channels, -19.0, children=Here(), scratch=folder)


def episode(room, music: Music, folder: Path) -> tuple[Timeline, np.ndarray, float | None]:
    """The timeline, what is heard of it, and how loud it was expected to be."""
    timeline = framed(clean(room.timeline, room.heard), music)
    levels = level(timeline, room.heard, scratch=folder)
    (made,) = encode(timeline, levels, EncodePlan(formats=("flac",)), children=Here(), scratch=folder)
    return timeline, decoded(made.file.path, levels.channels), levels.expected_lufs


def high_dbfs(sound: np.ndarray, at_s: float, lasts_s: float = 0.5) -> float:
    """How loud the high tone is there."""
    part = sound[0, round(at_s * RATE_HZ) : round((at_s + lasts_s) * RATE_HZ)].astype(np.float64)
    turn = np.exp(-2j * np.pi * HIGH_HZ * np.arange(len(part)) / RATE_HZ)
    return 20 * float(np.log10(max(2 * abs(np.mean(part * turn)), 1e-9)))


def test_the_intro_ends_under_the_rooms_first_second_and_the_outro_begins_under_its_last(room, jingles, tmp_path):
    timeline, sound, _ = episode(room, composed(room, replace(jingles, bed=None), tmp_path), tmp_path)
    assert (timeline.intro_s, timeline.outro_s) == (6.0 - LAP_S, pytest.approx(4.0 - LAP_S, abs=0.06))
    ends_s = sound.shape[1] / RATE_HZ
    loud = high_dbfs(sound, 2)
    assert high_dbfs(sound, 5.0, 0.1) > loud - 2 and high_dbfs(sound, 5.5, 0.1) == pytest.approx(loud - 6, abs=1.5)
    assert high_dbfs(sound, 6.1) < loud - 40 and high_dbfs(sound, ends_s - 4.6) < loud - 40
    assert high_dbfs(sound, ends_s - 2) == pytest.approx(loud, abs=0.5)


def test_the_room_is_heard_where_the_map_says_to_the_sample(room, jingles, tmp_path):
    plain, _, _ = episode(room, Music(), tmp_path / "plain")
    levels = level(plain, room.heard, scratch=tmp_path)
    framed_by = framed(plain, composed(room, jingles, tmp_path))
    blocks = [np.full((1, 96_000), n, np.float32) for n in range(1, 13)]
    heard = np.concatenate(list(accompanied(framed_by, level(framed_by, room.heard, scratch=tmp_path), blocks)), 1)
    quiet = np.concatenate(list(accompanied(plain, levels, blocks)), 1)
    first = round(TimeMap.of(framed_by).episode_s(0.0) * RATE_HZ)
    left = heard[0, first : first + quiet.shape[1]] - quiet[0]
    assert first == 5 * RATE_HZ and np.abs(left).max() < 0.5
    np.testing.assert_array_equal(quiet, np.concatenate(blocks, 1))


@pytest.mark.parametrize("name", ["mp3", "m4a", "opus"])
def test_a_click_in_the_room_is_heard_where_the_map_says(jingles, tmp_path, name):
    sound = np.concatenate([speech(9, -25, seed=4), silence(6), speech(9, -25, seed=5)])
    sound[12 * RATE_HZ : 12 * RATE_HZ + 24] = 0.8
    room = heard_mix(tmp_path, sound)
    timeline = framed(clean(room.timeline, room.heard), composed(room, replace(jingles, bed=None), tmp_path))
    levels = level(timeline, room.heard, scratch=tmp_path)
    (made,) = encode(timeline, levels, EncodePlan(formats=(name,)), children=Here(), scratch=tmp_path)
    at = round(TimeMap.of(timeline).episode_s(12.0) * RATE_HZ)
    around = np.abs(decoded(made.file.path)[0, at - RATE_HZ : at + RATE_HZ])
    assert timeline.intro_s == 5.0 and abs(int(around.argmax()) - RATE_HZ) / RATE_HZ < 0.001


def test_every_format_is_as_long_as_room_and_music_together_and_on_target(room, jingles, tmp_path):
    timeline = framed(clean(room.timeline, room.heard), composed(room, jingles, tmp_path))
    levels = level(timeline, room.heard, scratch=tmp_path)
    plan = EncodePlan(formats=("mp3", "m4a", "opus", "flac"))
    made = encode(timeline, levels, plan, children=Here(), scratch=tmp_path)
    checked = verify(timeline, levels, plan, made, children=Here(), scratch=tmp_path)
    for rendition in checked:
        sound = decoded(rendition.file.path)
        assert sound.shape[1] == episode_samples(timeline) == round(rendition.duration_s * RATE_HZ)
        assert loudness(sound) == pytest.approx(-19.0, abs=0.3)


@pytest.mark.parametrize("parts", [("intro", "outro"), ("bed",), ("intro", "outro", "bed")], ids="+".join)
def test_a_short_room_with_much_music_is_on_target_at_once(room, tmp_path, parts):
    plan = MusicPlan(**{part: file_of(wav(tmp_path / f"{part}.wav", piece(20.0, -14))) for part in parts})
    _, sound, expected = episode(room, composed(room, plan, tmp_path), tmp_path)
    assert expected == pytest.approx(-19.0, abs=0.05)
    assert loudness(sound) == pytest.approx(-19.0, abs=0.2)


def test_music_stays_as_loud_against_the_talk_however_long_it_is(room, jingles, tmp_path):
    _, sound, _ = episode(room, composed(room, replace(jingles, bed=None), tmp_path), tmp_path)
    talk, music = sound[:, 6 * RATE_HZ : 14 * RATE_HZ], sound[:, RATE_HZ // 2 : 4 * RATE_HZ]
    assert loudness(talk) - loudness(music) == pytest.approx(3.0, abs=0.5)


def test_a_bed_is_low_under_speech_rises_in_long_pauses_and_comes_from_nothing(room, jingles, tmp_path):
    _, sound, _ = episode(room, composed(room, replace(jingles, intro=None, outro=None), tmp_path), tmp_path)
    under, pause = high_dbfs(sound, 5), high_dbfs(sound, 13)
    assert pause - under == pytest.approx(IN_PAUSES_DB - UNDER_SPEECH_DB, abs=0.5)  # a limiter may be at work
    assert high_dbfs(sound, 21) == pytest.approx(under, abs=0.5)
    assert high_dbfs(sound, 0, 0.05) < under - 20 and high_dbfs(sound, sound.shape[1] / RATE_HZ - 0.05, 0.05) < under - 20
    talk = sound[:, 4 * RATE_HZ : 8 * RATE_HZ]
    assert loudness(talk) == pytest.approx(-19, abs=1)


def test_a_bed_is_down_before_the_first_word_and_never_jumps(room, jingles, tmp_path):
    timeline = framed(room.timeline, composed(room, jingles, tmp_path))
    speech_ = np.zeros((2, 240), bool)
    speech_[0, 60:100], speech_[1, 115:150] = True, True
    gains = bed_gains(timeline, speech_)
    assert len(gains) == 240 and (gains[60:150] == UNDER_SPEECH_DB).all()
    assert gains[40] == gains[190] == pytest.approx(IN_PAUSES_DB)
    inner = np.abs(np.diff(gains[20:-20]))
    assert inner.max() == pytest.approx((IN_PAUSES_DB - UNDER_SPEECH_DB) / RAMP_FRAMES)


def test_a_bed_has_no_seam_where_it_begins_anew(tmp_path):
    music = compose(
        MusicPlan(bed=file_of(wav(tmp_path / "bed.wav", tone(3.21, -12, 440)))), 1, -19.0, children=Here(), scratch=tmp_path
    )
    assert music.bed
    loop = np.fromfile(music.bed.file.path, np.float32)
    twice = np.concatenate([loop, loop])
    assert len(loop) == round(2.21 * RATE_HZ)
    assert np.abs(np.diff(twice)).max() <= 1.05 * np.abs(np.diff(loop[RATE_HZ // 4 : RATE_HZ])).max()


def test_a_piece_keeps_its_dynamics_and_both_its_channels(tmp_path):
    sound = piece(20.0, -22)
    music = compose(MusicPlan(intro=file_of(wav(tmp_path / "i.wav", sound))), 2, -16.0, children=Here(), scratch=tmp_path)
    assert music.intro
    played = np.fromfile(music.intro.file.path, np.float32).reshape(-1, 2).T
    inner = slice(RATE_HZ, -2 * RATE_HZ)
    gain = played[:, inner] / np.where(np.abs(sound[:, inner]) > 0.1, sound[:, inner], np.nan)
    assert np.nanmax(gain) == pytest.approx(np.nanmin(gain), rel=2e-3)
    assert loudness(sound * np.nanmean(gain)) == pytest.approx(-19.0, abs=0.1)


@pytest.mark.parametrize("size", [997, 48_000, 333_333])
def test_blocks_of_any_size_give_the_same_episode(room, jingles, tmp_path, size):
    timeline = framed(room.timeline, composed(room, jingles, tmp_path))
    levels = level(timeline, room.heard, scratch=tmp_path)
    sound = noise(ROOM_S, -30)[None]

    def whole(step: int) -> np.ndarray:
        blocks = (sound[:, first : first + step] for first in range(0, sound.shape[1], step))
        return np.concatenate(list(accompanied(timeline, levels, blocks)), 1)

    np.testing.assert_allclose(whole(size), whole(480_000), rtol=0, atol=1e-6)


# ---- what cannot be played


def long(folder: Path) -> Path:
    return encoded(folder / "long.opus", tone(61, -20))


def silent(folder: Path) -> Path:
    return wav(folder / "silent.wav", silence(3))


def words(folder: Path) -> Path:
    (folder / "words.mp3").write_text("This is no music. " * 40)
    return folder / "words.mp3"


def nothing(folder: Path) -> Path:
    (folder / "nothing.wav").touch()
    return folder / "nothing.wav"


def short(folder: Path) -> Path:
    return wav(folder / "short.wav", tone(0.1, -20))


def cut_off(folder: Path) -> Path:
    whole = encoded(folder / "whole.m4a", tone(5, -20)).read_bytes()
    (folder / "half.m4a").write_bytes(whole[: len(whole) // 2])
    return folder / "half.m4a"


SPOILT = {
    long: "longer than 1 minute", silent: "nothing can be heard", words: "is text", nothing: "is empty", short: "0.1 s of sound",
    cut_off: "cannot be read",
}  # fmt: skip


@pytest.mark.parametrize(("spoilt", "why"), SPOILT.items(), ids=lambda one: getattr(one, "__name__", ""))
def test_what_cannot_be_played_is_left_out_and_told(room, jingles, tmp_path, spoilt, why):
    plan = replace(jingles, intro=file_of(spoilt(tmp_path)))
    music = composed(room, plan, tmp_path)
    assert music.intro is None and music.outro and music.bed
    (loss,) = framed(room.timeline, music).losses
    assert loss.why.startswith("this episode is without the show's intro: ") and why in loss.why and "\n" not in loss.why
    with pytest.raises(Refused, match=why):
        tasted(plan.intro, "intro", lambda _: None)


def test_what_is_fit_tells_how_long_it_is(jingles, children):
    assert children.run(tasted, jingles.intro, "intro") == 6.0


def test_a_piece_that_is_there_no_more_is_told(room, jingles, tmp_path):
    gone = MadeFile(path=tmp_path / "gone.mp3", size_bytes=7, sha256="0" * 64)
    (loss,) = composed(room, replace(jingles, bed=gone), tmp_path).losses
    assert "show's bed: its file is not there any more" in loss.why


class Dying(Here):
    """Children whom the first piece kills."""

    def __init__(self, error: Exception) -> None:
        object.__setattr__(self, "errors", [error])

    def run(self, work, *inputs, report=lambda _: None):
        if self.errors:
            raise self.errors.pop()
        return super().run(work, *inputs, report=report)


def test_a_piece_that_kills_its_decoder_stops_no_episode(jingles, tmp_path):
    music = compose(jingles, 1, -19.0, children=Dying(ToolFailed("played was killed by signal 11")), scratch=tmp_path)
    assert music.intro is None and music.outro and "killed by signal 11" in music.losses[0].why


def test_what_is_merely_in_the_way_is_waited_for(jingles, tmp_path):
    with pytest.raises(Hindered):
        compose(jingles, 1, -19.0, children=Dying(Hindered("the disk is full")), scratch=tmp_path)


def test_a_silent_room_is_not_raised_by_its_music(jingles, tmp_path):
    room = heard_mix(tmp_path, noise(12, -75))
    timeline = framed(room.timeline, composed(room, jingles, tmp_path))
    levels = level(timeline, room.heard, scratch=tmp_path)
    with np.load(levels.curves.path) as arrays:
        assert arrays["gain_db"].max() < 8
    (made,) = encode(timeline, levels, EncodePlan(formats=("flac",)), children=Here(), scratch=tmp_path)
    (checked,) = verify(timeline, levels, EncodePlan(formats=("flac",)), (made,), children=Here(), scratch=tmp_path)
    assert checked.integrated_lufs == pytest.approx(-19.0, abs=0.3)
