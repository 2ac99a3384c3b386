"""The sample room can be made again by whoever has flite and sox."""

import json
import shutil

import pytest
from sample_room import TRUTH

from workers.demo import make_sample

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not (shutil.which("flite") and shutil.which("sox")), reason="needs flite and sox"),
]


def contents(folder):
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_made_twice_it_is_the_same_and_says_what_the_shipped_one_says(tmp_path):
    make_sample.make(tmp_path / "one")
    make_sample.make(tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    made = json.loads((tmp_path / "one/truth.json").read_text())
    assert [turn["text"] for turn in made["turns"]] == [turn["text"] for turn in TRUTH["turns"]]
    assert [turn["start_s"] for turn in made["turns"]] == pytest.approx([turn["start_s"] for turn in TRUTH["turns"]], abs=0.5)
