"""`aircheck report`: a table for people, one JSON object for programs, a picture for either."""

import json
from pathlib import Path
from typing import Any

import fakes_sound as sounds
import pytest
from PIL import Image
from sqlalchemy import select

from feeds.catalogue import EpisodeRow, add_show, json_of
from workers.database import open_database
from workers.migrations import migrate

GUID = "6d0e8b4e-1f6e-5a55-8e0b-9c1c5a7b2f10"


@pytest.fixture
def episode(aircheck: Any) -> str:
    """An installation with an episode that has a story to tell."""
    told = sounds.told()
    folder = Path(aircheck.folder, "aircheck-data")
    folder.mkdir()
    database = open_database(f"sqlite:///{folder}/aircheck.db")
    migrate(database.engine)
    with database.begin() as session:
        show = add_show(session, "tuesday", "https://radio.example")
        session.add(
            EpisodeRow(
                guid=GUID, show_id=show.id, recording_id="r1", slug="q7c2mk4zta", state="audible", title="Night trains",
                started_at="2026-11-12T19:00:00+00:00", sound=json_of(told.sound), people=json_of(told.people),
            )
        )  # fmt: skip
    database.close()
    return "q7c2mk4zta"


def test_it_tells_everybodys_level_and_everything_that_was_done(aircheck: Any, episode: str) -> None:
    said = aircheck("report", episode).out
    rows = [line.split("\t") for line in said.splitlines() if "\t" in line]
    assert rows[1] == ["Jonas Lindqvist", "speaker", "1:41", "−14.2 to −19.0", "−4.8 LU", "clipped 312 times"]
    assert [row[0] for row in rows] == ["Amara Osei", "Jonas Lindqvist", "Priya Raman", "Tomás Echeverría"]
    for words in ("10 minutes of room", "−19.0 LUFS   came at −21.4 LUFS", "Put right", "Jonas's connection dropped packets"):
        assert words in said


def test_with_json_there_is_one_object_whatever_else_is_written(aircheck: Any, episode: str) -> None:
    made = aircheck("report", GUID, "--json", "--to", "sound.json")
    assert made.data["schema"] == "sound-report/1" and made.data["spread"]["after_lu"] == 0.2
    assert json.loads(Path(aircheck.folder, "sound.json").read_text()) == made.data


def test_a_picture_is_written_to_a_file_as_wide_as_it_was_asked_for(aircheck: Any, episode: str) -> None:
    assert aircheck("report", episode, "--to", "sound.png", "--width", "320").out == ""
    with Image.open(Path(aircheck.folder, "sound.png")) as picture:
        assert picture.width == 2 * (320 + 48)
    aircheck("report", episode, "--to", "sound.SVG")
    assert 'width="948"' in Path(aircheck.folder, "sound.SVG").read_text()


def test_what_cannot_be_reported_is_refused_in_a_line(aircheck: Any, episode: str) -> None:
    assert "end it in one of .json, .svg, .png" in aircheck("report", episode, "--to", "sound.gif", status=3).err
    database = open_database(f"sqlite:///{aircheck.folder}/aircheck-data/aircheck.db")
    with database.begin() as session:
        session.scalars(select(EpisodeRow)).one().sound = None
    database.close()
    assert aircheck("report", episode, "--json", status=3).data["error"]["code"] == "not_ready"
