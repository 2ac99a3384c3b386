"""The report of an episode's sound, as values and as JSON: it tells what the catalogue knows, and invents nothing."""

import dataclasses
import json
import re
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import fakes_sound as sounds
import pytest
from pydantic import TypeAdapter

from feeds import soundcheck
from feeds.soundcheck import SoundReport, report_of
from pipeline.models import Loudness

DOCUMENT = Path(__file__).parents[2] / "docs/sound-report.md"


def reported(name: str) -> SoundReport:
    report = report_of(sounds.ROOMS[name]())
    assert report is not None
    return report


def as_json(name: str) -> Any:
    written = soundcheck.file_of(sounds.ROOMS[name](), "sound.json")
    assert written is not None and written[1] == "application/json"
    return json.loads(written[0])


def paths(value: Any, path: str = "") -> set[str]:
    """`voices[].condition.hum_hz` and so on, of everything in a JSON value."""
    if isinstance(value, dict):
        return set().union(*({f"{path}.{key}".strip("."), *paths(one, f"{path}.{key}")} for key, one in value.items()))
    return set().union(*(paths(one, f"{path}[]") for one in value)) if isinstance(value, list) else set()


def declared(kind: Any, path: str = "") -> Iterator[str]:
    """The same of everything that a type may hold."""
    if dataclasses.is_dataclass(kind):
        for name, of_field in get_type_hints(kind).items():
            yield f"{path}.{name}".strip(".")
            yield from declared(of_field, f"{path}.{name}")
    elif get_origin(kind) is tuple:
        yield from declared(get_args(kind)[0], f"{path}[]")
    elif isinstance(kind, types.UnionType):
        for one in get_args(kind):
            yield from declared(one, path)


def test_the_document_shows_every_key_and_no_other() -> None:
    example = json.loads(re.findall(r"```json\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)[0])
    assert {path.strip(".") for path in paths(example)} == set(declared(SoundReport))
    TypeAdapter(SoundReport).validate_python(example)


@pytest.mark.parametrize("name", sounds.ROOMS)
def test_what_was_written_reads_back_as_what_was_reported(name: str) -> None:
    assert TypeAdapter(SoundReport).validate_python(as_json(name)) == reported(name)


def test_it_tells_how_the_sound_came_and_how_it_left() -> None:
    made = as_json("told")
    assert made["schema"] == "sound-report/1"
    assert (made["before"]["integrated_lufs"], made["after"]["integrated_lufs"], made["target_lufs"]) == (-21.4, -19.02, -19.0)
    assert made["spread"] == {"before_lu": 19.7, "after_lu": 0.2}
    assert [voice["after_lufs"] for voice in made["voices"]] == [-19.05, -18.97, -19.1, -18.9]
    assert made["voices"][2]["condition"]["hum_hz"] == 50.0 and made["repairs"][0]["participant"] == "priya"
    assert [cut["why"] for cut in made["cuts"]] == ["silence before the first word", "cut by its creator"]
    assert sum(warning["lost_s"] for warning in made["warnings"]) == 1.5
    assert [one["format"] for one in made["renditions"]] == ["mp3", "m4a", "opus"]


def test_an_old_row_tells_what_it_knows_and_leaves_the_rest_open() -> None:
    report = reported("old")
    assert report.before is None and report.repairs == () and report.edits_heard
    assert report.after == Loudness(integrated_lufs=-19.0, true_peak_dbtp=-1.4)
    assert report.spread.before_lu == 0.0


def test_one_voice_stands_apart_from_nobody() -> None:
    assert reported("mixed").spread == soundcheck.report.Spread(before_lu=None, after_lu=None)


def test_silence_has_no_loudness() -> None:
    report = reported("silent")
    assert report.before == report.after == Loudness(integrated_lufs=None, true_peak_dbtp=None)
    loudness = soundcheck.figures(report)[0]
    assert (loudness.value, loudness.beside) == ("silence", "came silent")


def test_what_was_edited_and_is_not_heard_yet_is_said() -> None:
    episode = dataclasses.replace(sounds.old(), edits=sounds.told().edits)
    report = report_of(episode)
    assert report is not None and not report.edits_heard
    assert "not heard yet" in soundcheck.summary(report)


def test_before_there_is_sound_there_is_no_report() -> None:
    episode = dataclasses.replace(sounds.old(), sound=None)
    assert report_of(episode) is None
    assert soundcheck.file_of(episode, "sound.json") is None


def test_a_condition_is_told_only_where_somebody_would_hear_it() -> None:
    report = reported("told")
    told = [soundcheck.badges(voice, report) for voice in report.voices]
    assert told == [[], ["clipped 312 times"], ["muted in 1 place", "50 Hz hum", "noise 22 LU below"], []]
