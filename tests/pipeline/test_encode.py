"""From levels to files, and back from their bytes."""

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from heard_rooms import by_voice, decoded, heard_mix, heard_tracks, spread

from bench.sounds import RATE_HZ, loudness, silence, speech, talk
from pipeline.clean import clean
from pipeline.clock import TimeMap
from pipeline.curve import curve
from pipeline.encode import encode
from pipeline.errors import Broken
from pipeline.joins import without_cuts
from pipeline.level import level
from pipeline.loudness import TruePeak
from pipeline.models import Cut
from pipeline.plan import EncodePlan, LevelPlan
from pipeline.shelf import names
from pipeline.verify import Decoded, needed, verify

FAR_APART = {"ann": -33.0, "bob": -15.0}
TALK = talk(FAR_APART, rounds=3, turn_s=5.0, pause_s=1.0, ends_s=3.0)
ALL = tuple(names("pipeline.formats"))


@pytest.fixture(scope="module")
def tracks(tmp_path_factory):
    return heard_tracks(tmp_path_factory.mktemp("tracks"), TALK.with_bleed())


@pytest.fixture(scope="module")
def made(tracks, children):
    """Every format there is, through real children."""
    timeline = clean(tracks.timeline, tracks.heard)
    levels = level(timeline, tracks.heard, scratch=tracks.scratch)
    plan = EncodePlan(formats=ALL)
    renditions = encode(timeline, levels, plan, children=children, scratch=tracks.scratch)
    return timeline, levels, plan, verify(timeline, levels, plan, renditions, children=children, scratch=tracks.scratch)


def true_peak_dbtp(sound) -> float:
    peak = TruePeak(len(sound))
    peak(sound)
    return peak.dbtp()


@pytest.mark.parametrize("name", ALL)
def test_every_rendition_is_on_target_by_another_meter_and_never_too_loud(made, name):
    *_, renditions = made
    rendition = next(r for r in renditions if r.format == name)
    sound = decoded(rendition.file.path)
    assert loudness(sound) == pytest.approx(-19.0, abs=0.2)
    assert rendition.integrated_lufs == pytest.approx(loudness(sound), abs=0.1)
    assert rendition.true_peak_dbtp == pytest.approx(true_peak_dbtp(sound), abs=0.05)
    assert rendition.true_peak_dbtp <= -1.0


@pytest.mark.parametrize("name", ALL)
def test_every_rendition_is_as_long_as_the_room_without_its_cuts(made, name):
    timeline, _, _, renditions = made
    rendition = next(r for r in renditions if r.format == name)
    assert len(timeline.cuts) == 2
    expected = TimeMap(timeline.length_s, timeline.cuts).duration_s
    assert rendition.duration_s == pytest.approx(expected, abs=0.002)
    assert decoded(rendition.file.path).shape[1] / RATE_HZ == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("name", ["mp3", "m4a", "opus"])
def test_voices_meet_in_what_listeners_get(made, name):
    timeline, _, _, renditions = made
    sound = decoded(next(r for r in renditions if r.format == name).file.path)
    assert spread(by_voice(TALK, sound, timeline)) <= 0.5


def test_the_same_levels_give_the_same_bytes(made, tracks, children, tmp_path):
    timeline, levels, plan, _ = made
    one = encode(timeline, levels, plan, children=children, scratch=tracks.scratch)
    two = encode(timeline, levels, plan, children=children, scratch=tmp_path)
    assert [r.file.sha256 for r in one] == [r.file.sha256 for r in two]


def test_files_of_another_plan_lie_elsewhere(made, here, tracks, tmp_path):
    timeline, levels, _, _ = made
    one = encode(timeline, levels, EncodePlan(formats=("opus",)), children=here, scratch=tmp_path)
    two = encode(timeline, levels, EncodePlan(formats=("opus",), effort="quality"), children=here, scratch=tmp_path)
    assert one[0].file.path != two[0].file.path and one[0].file.path.exists()


def test_stereo_stays_stereo_and_aims_at_sixteen(here, tmp_path):
    room = heard_mix(tmp_path, np.stack([speech(8, -30, seed=1), speech(8, -27, seed=2)]))
    levels = level(room.timeline, room.heard, scratch=tmp_path)
    renditions = encode(room.timeline, levels, children=here, scratch=tmp_path)
    for rendition in verify(room.timeline, levels, EncodePlan(), renditions, children=here, scratch=tmp_path):
        sound = decoded(rendition.file.path, channels=2)
        assert rendition.channels == 2
        assert loudness(sound) == pytest.approx(-16.0, abs=0.2)
        assert not np.allclose(sound[0], sound[1], atol=0.05)


def test_a_gain_glides_from_frame_to_frame_in_decibels():
    gain_db = np.array([0.0, 0.0, -20.0, -20.0], np.float32)
    whole = curve(gain_db, 0, 4 * 4800)
    assert whole[0] == whole[7000] == 1.0 and whole[-1] == pytest.approx(0.1)
    assert whole[9600] == pytest.approx(10 ** (-10 / 20), rel=0.01)
    np.testing.assert_allclose(np.concatenate([curve(gain_db, 0, 9600), curve(gain_db, 9600, 9600)]), whole, rtol=1e-5)


def test_a_cut_leaves_nothing_of_what_was_cut_and_no_click(tracks):
    room = replace(tracks.timeline, length_s=20.0, cuts=(Cut(start_s=4.0, end_s=11.5, why="recording paused"),))
    sound = np.ones((1, 20 * RATE_HZ), np.float32)
    sound[0, 4 * RATE_HZ : round(11.5 * RATE_HZ)] = 99.0
    blocks = [(first, sound[:, first : first + 480_000]) for first in range(0, sound.shape[1], 480_000)]
    out = np.concatenate(list(without_cuts(room, blocks)), 1)[0]
    assert len(out) == round(12.5 * RATE_HZ)
    assert out.max() <= 1.0 and np.abs(np.diff(out)).max() < 0.01
    assert out[4 * RATE_HZ - 1] < 0.01 and out[2 * RATE_HZ] == 1.0


@pytest.mark.parametrize(
    ("lufs", "dbtp", "trim", "ceiling"),
    [
        (-19.0, -1.2, 0.0, 0.0),
        (-19.15, -1.0, 0.0, 0.0),
        (-19.5, -3.0, 0.5, 0.0),
        (-18.5, -0.9, -0.5, pytest.approx(-0.4)),
        (-19.0, -0.2, 0.0, pytest.approx(-1.1)),
        (-19.5, -1.2, 0.5, pytest.approx(-0.6)),
        (None, None, 0.0, 0.0),
    ],
    ids=["right", "near enough", "too quiet", "too loud", "peaks", "would peak once trimmed", "silence"],
)
def test_what_is_off_is_corrected_by_what_it_is_off(lufs, dbtp, trim, ceiling):
    decoded_ = Decoded(samples=480_000, integrated_lufs=lufs, true_peak_dbtp=dbtp)
    assert needed(decoded_, -19.0) == (pytest.approx(trim), ceiling)


def test_a_rendition_that_came_out_wrong_is_made_again_until_it_is_right(made, here, tmp_path):
    timeline, levels, _, _ = made
    off = EncodePlan(formats=("opus",), trim_db=-2.0)
    (wrong,) = encode(timeline, levels, off, children=here, scratch=tmp_path)
    assert loudness(decoded(wrong.file.path)) < -20.5
    (right,) = verify(timeline, levels, off, (wrong,), children=here, scratch=tmp_path)
    assert right.integrated_lufs == pytest.approx(-19.0, abs=0.2) and right.file != wrong.file
    assert right.integrated_lufs == pytest.approx(loudness(decoded(right.file.path)), abs=0.1)


def test_a_rendition_that_stays_wrong_is_broken_with_its_figures(made, here, tmp_path):
    timeline, levels, _, renditions = made
    impossible = replace(levels, expected_lufs=30.0)
    plan = EncodePlan(formats=("wav",))
    with pytest.raises(Broken, match=r"wav stays wrong after 3 tries: .* LUFS, true peak .* wanted 30\.0 LUFS") as broken:
        verify(timeline, impossible, plan, tuple(r for r in renditions if r.format == "wav"), children=here, scratch=tmp_path)
    assert broken.value.code == "rendition_wrong"


def test_a_rendition_of_the_wrong_length_is_broken(made, here, tmp_path):
    timeline, levels, plan, renditions = made
    longer = replace(renditions[0], duration_s=renditions[0].duration_s + 1)
    with pytest.raises(Broken, match="decodes to"):
        verify(timeline, levels, plan, (longer,), children=here, scratch=tmp_path)


def test_a_loud_target_costs_peaks_and_not_the_ceiling(here, tmp_path):
    room = heard_mix(tmp_path, speech(12, -28, seed=3))
    levels = level(room.timeline, room.heard, LevelPlan(target_lufs=-14.0), scratch=tmp_path)
    renditions = encode(room.timeline, levels, children=here, scratch=tmp_path)
    for rendition in verify(room.timeline, levels, EncodePlan(), renditions, children=here, scratch=tmp_path):
        assert rendition.true_peak_dbtp <= -1.0
        assert rendition.integrated_lufs == pytest.approx(levels.expected_lufs, abs=0.2)


def test_a_room_in_which_nothing_is_heard_stays_silent(here, tmp_path):
    room = heard_mix(tmp_path, silence(4))
    levels = level(room.timeline, room.heard, scratch=tmp_path)
    (rendition,) = encode(room.timeline, levels, EncodePlan(formats=("flac",)), children=here, scratch=tmp_path)
    (checked,) = verify(room.timeline, levels, EncodePlan(formats=("flac",)), (rendition,), children=here, scratch=tmp_path)
    assert checked.integrated_lufs is None and not decoded(checked.file.path).any()


ENCODE_ALONE = """
import pathlib, sys
from pydantic import TypeAdapter
from pipeline.child import Children
from pipeline.encode import encode
from pipeline.plan import EncodePlan
from pipeline.level import Levels
from pipeline.models import Timeline
timeline = TypeAdapter(Timeline).validate_json(pathlib.Path(sys.argv[1]).read_bytes())
levels = TypeAdapter(Levels).validate_json(pathlib.Path(sys.argv[2]).read_bytes())
encode(timeline, levels, EncodePlan(effort="quality"), children=Children(), scratch=pathlib.Path(sys.argv[3]))
"""


def test_killed_in_the_middle_and_begun_again_it_gives_the_same_bytes(made, children, tmp_path):
    from pydantic import TypeAdapter

    timeline, levels, _, _ = made
    files = [tmp_path / "timeline.json", tmp_path / "levels.json"]
    for file, value in zip(files, (timeline, levels), strict=True):
        file.write_bytes(TypeAdapter(type(value)).dump_json(value))
    scratch = tmp_path / "scratch"
    process = subprocess.Popen([sys.executable, "-c", ENCODE_ALONE, *map(str, files), str(scratch)])
    patience = time.monotonic() + 60
    while not list(scratch.glob("encode-*/episode.mp3")) and time.monotonic() < patience:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    plan = EncodePlan(effort="quality")
    after = encode(timeline, levels, plan, children=children, scratch=scratch)
    fresh = encode(timeline, levels, plan, children=children, scratch=tmp_path / "fresh")
    assert [r.file.sha256 for r in after] == [r.file.sha256 for r in fresh]
    assert all(Path(r.file.path).stat().st_size == r.file.size_bytes for r in after)
