"""Tracks decoded by processes of their own are what they are in ours."""

import numpy as np
import pytest

from bench.sounds import noise, wav
from pipeline import tracks
from pipeline.decode import RATE_HZ
from pipeline.errors import ToolFailed
from pipeline.models import MadeFile, Track


@pytest.fixture
def three(tmp_path):
    """Three tracks of different beginnings and ends, the last of them cut off."""
    paths = [wav(tmp_path / f"{n}.wav", noise(length_s, -30)) for n, length_s in enumerate((25, 12, 31))]
    paths[2].write_bytes(paths[2].read_bytes()[:-200_001])
    files = [MadeFile.of(path) for path in paths]
    return [
        Track(file=file, stream=0, start_offset_s=start_s, duration_s=length_s, channels=1, participant=str(n))
        for n, (file, start_s, length_s) in enumerate(zip(files, (0.0, 21.5, 3.0), (25.0, 12.0, 31.0), strict=True))
    ]


def rows(decoding, way):
    return [(first, [None if block is None else block.copy() for block in row]) for first, row in way], decoding.went


def test_they_are_the_same_wherever_they_are_decoded(three):
    total = round(33.5 * RATE_HZ)
    here, elsewhere = (tracks.Decoding(three, 1, total) for _ in range(2))
    (expected, went), (found, told) = rows(here, here.here()), rows(elsewhere, elsewhere.elsewhere())
    assert [first for first, _ in found] == [first for first, _ in expected] == [0, 480_000, 960_000, 1_440_000]
    for (_, row), (_, wanted) in zip(found, expected, strict=True):
        for block, one in zip(row, wanted, strict=True):
            assert (block is None) == (one is None)
            assert block is None or np.array_equal(block, one)
    assert repr(told) == repr(went) and len(told) == 3


def test_one_that_dies_is_told(three, monkeypatch):
    three[1].file.path.unlink()
    with pytest.raises(ToolFailed, match=r"decoding ended with status 1: .*No such file"):
        list(tracks.Decoding(three, 1, 10 * RATE_HZ).elsewhere())


def test_hundreds_of_tracks_are_decoded_side_by_side(tmp_path):
    path = wav(tmp_path / f"{'long-name-' * 20}.wav", noise(1, -30))
    one = Track(file=MadeFile.of(path), stream=0, start_offset_s=0.0, duration_s=1.0, channels=1, participant="p" * 100)
    [(first, row)] = tracks.Decoding([one] * 600, 1, RATE_HZ).elsewhere()
    assert first == 0 and len(row) == 600
    assert all(np.array_equal(block, row[0]) for block in row)
