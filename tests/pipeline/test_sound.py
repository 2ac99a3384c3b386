"""The one value that the catalogue keeps of an episode's sound."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from pipeline.edits import Mute
from pipeline.level import Levels
from pipeline.models import (
    Activity,
    Condition,
    Cut,
    Heard,
    Loss,
    Loudness,
    MadeFile,
    Participant,
    Rendition,
    Repair,
    Sound,
    Timeline,
    Track,
)
from pipeline.sound import sound_of

FILE = MadeFile(path=Path("episode.mp3"), size_bytes=1, sha256="0")
LAURA = Track(file=FILE, participant="p1", start_offset_s=0.0, duration_s=60.0, channels=1)
BEN = replace(LAURA, participant="p2")
ROOM = Timeline(
    tracks=(LAURA, replace(LAURA, start_offset_s=60.0), BEN), separate=True, length_s=120.0,
    cuts=(Cut(start_s=0, end_s=5, why="silence"),),
    voices=(Participant(identity="p1", name="Laura"), Participant(identity="p2", name="B<i>\u202een\n")),
)  # fmt: skip
HEARD = Heard(
    measures=FILE, speech=(), channels=1, decoded_s=120.0, integrated_lufs=-27.0, true_peak_dbtp=-3.0, loudness_range_lu=11.5,
    losses=(Loss(at_s=3.0, lost_s=1.0, why="a hole"),),
)  # fmt: skip
LEVELS = Levels(
    curves=FILE, channels=1, target_lufs=-19.0, ceiling_dbtp=-3.0, expected_lufs=-19.0, voices=(),
    activity=Activity(bin_s=0.1, voices=()),
)  # fmt: skip
MP3 = Rendition(
    format="mp3", file=FILE, mime_type="audio/mpeg", duration_s=115.0, channels=1, bitrate_kbps=64, integrated_lufs=-19.1,
    true_peak_dbtp=-2.0,
)  # fmt: skip
OPUS = replace(MP3, format="opus", integrated_lufs=-18.9)


def of(timeline: Timeline, heard: Heard = HEARD) -> Sound:
    return sound_of(timeline, heard, LEVELS, (MP3, OPUS))


def test_what_came_in_stands_beside_what_apps_play():
    sound = of(ROOM)
    assert sound.before == Loudness(integrated_lufs=-27.0, true_peak_dbtp=-3.0, loudness_range_lu=11.5)
    assert sound.after == Loudness(integrated_lufs=-19.1, true_peak_dbtp=-2)
    assert (sound.source_s, sound.duration_s, sound.losses) == (120.0, 115.0, HEARD.losses)


def test_it_knows_what_leads_from_the_room_to_the_episode():
    mutes = (Mute(participant="p1", start_s=7.0),)
    sound = of(replace(ROOM, mutes=mutes, intro_s=8.0, outro_s=4.0))
    assert (sound.cuts, sound.mutes, sound.intro_s, sound.outro_s) == (ROOM.cuts, mutes, 8.0, 4.0)


def test_a_repair_is_told_once_a_voice_and_its_name_is_text():
    tracks = (
        replace(LAURA, hum_lines_hz=(50.0, 100.0)),
        replace(LAURA, hum_lines_hz=(50.0, 100.0), start_offset_s=60.0),
        replace(BEN, denoise=True),
    )
    assert of(replace(ROOM, tracks=tracks)).repairs == (
        Repair(participant="p1", why="mains hum of 50 Hz was taken out of Laura's track"),
        Repair(participant="p2", why="steady noise was lowered in B<i>en's track"),
    )


def test_in_a_file_of_everybody_a_repair_is_nobodys():
    mix = replace(LAURA, participant=None, hum_lines_hz=(120.0, 180.0), denoise=True)
    room = replace(ROOM, tracks=(mix,), separate=False, voices=())
    whys = [(repair.participant, repair.why) for repair in of(room).repairs]
    assert whys == [(None, "mains hum of 60 Hz was taken out"), (None, "steady noise was lowered")]


@pytest.mark.parametrize(("clipped", "told"), [(24, 0), (25, 1)])
def test_what_was_recorded_too_loud_is_told_and_no_second_of_it_is_lost(clipped, told):
    heard = replace(HEARD, losses=(), conditions=(Condition(clipped=clipped), Condition(), Condition(clipped=3)))
    losses = of(ROOM, heard).losses
    assert len(losses) == told
    assert all(loss.lost_s == 0 and loss.why.startswith("Laura's track was recorded too loud") for loss in losses)


def test_sound_that_was_kept_before_there_were_edits_is_still_read():
    adapter = TypeAdapter(Sound)
    row = json.loads(adapter.dump_json(of(ROOM)))
    for later in ("mutes", "intro_s", "outro_s", "before", "after", "repairs"):
        del row[later]
    sound = adapter.validate_json(json.dumps(row))
    assert (sound.mutes, sound.intro_s, sound.before, sound.repairs) == ((), 0.0, None, ())
    assert sound.cuts == ROOM.cuts
