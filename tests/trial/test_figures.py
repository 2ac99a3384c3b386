"""Figures are what their names say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.trial.looks import jain_index, percentile
from bench.trial.meters import family_cpu_s
from bench.trial.speech import SpeechRoom
from bench.trial.tables import table

BURNS = "import time; ends = time.process_time() + 0.4\nwhile time.process_time() < ends: pass"


def test_a_percentile_is_one_of_the_values() -> None:
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert [percentile(values, share) for share in (0.01, 0.5, 0.99)] == [1.0, 3.0, 5.0]
    assert percentile([], 0.5) == 0.0


@pytest.mark.parametrize(("served", "index"), [([3, 3, 3, 3], 1.0), ([4, 0, 0, 0], 0.25), ([0, 0], 1.0), ([1, 3], 0.8)])
def test_fairness_is_one_where_all_are_served_alike(served: list[int], index: float) -> None:
    assert jain_index(served) == pytest.approx(index)


def test_a_table_for_people_and_one_for_documents() -> None:
    rows = [("a longer name", 1), ("b", 22)]
    assert table(("what", "n"), rows).splitlines() == ["what           n", "a longer name  1", "b              22"]
    assert table(("what", "n"), rows, markdown=True).splitlines()[1:3] == ["| --- | --- |", "| a longer name | 1 |"]


def test_the_processor_time_of_a_family_is_that_of_parent_and_children() -> None:
    before_s = family_cpu_s(os.getpid())
    subprocess.run([sys.executable, "-c", BURNS], check=True)
    assert 0.35 < family_cpu_s(os.getpid()) - before_s < 10.0


def test_rooms_of_one_recording_are_rooms_of_their_own(tmp_path: Path) -> None:
    manifest = {"recording_id": "bench", "room": {"sid": "x"}, "source": {}, "files": [{"path": "a"}]}
    room = SpeechRoom(folder=tmp_path, minutes=1.0, manifest=manifest)
    one, other = room.told("one", "tuesday"), room.told("other", "tuesday")
    assert (one["recording_id"], one["room"]["sid"], one["root"]) == ("one", "RM_one", str(tmp_path))
    assert other["room"]["sid"] == "RM_other"
    assert manifest["recording_id"] == "bench"
