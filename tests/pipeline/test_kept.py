from dataclasses import replace

import numpy as np
import pytest
from heard_rooms import heard_tracks

from bench.sounds import RATE_HZ, silence, speech, tone
from pipeline import kept
from pipeline.kept import Kept, forget
from pipeline.render import mixed
from pipeline.treatment import found_needed

ANN = np.concatenate([speech(6, -24), silence(25)]) + sum(tone(31, -50, n * 50.0) for n in (1, 2))
BOB = np.concatenate([silence(25), speech(6, -20, seed=1)])


@pytest.fixture
def room(tmp_path):
    return heard_tracks(tmp_path, {"ann": ANN, "bob": BOB})


def kept_of(room, tracks=None) -> Kept:
    return Kept(room.scratch, tracks or room.timeline.tracks, 1, round(room.timeline.length_s * RATE_HZ))


def rendered(room) -> np.ndarray:
    gains = np.zeros((2, 310), np.float32)
    return np.concatenate([sound for _, sound in mixed(found_needed(room.timeline, room.heard), gains, 1, room.scratch)], 1)


def test_what_was_kept_is_what_would_be_decoded_again(room):
    assert kept_of(room).is_whole
    from_kept = rendered(room)
    forget(room.scratch)
    assert not kept_of(room).is_whole
    np.testing.assert_array_equal(rendered(room), from_kept)


def test_silence_takes_no_room(room):
    size, used = (sum(getattr(path.stat(), name) for path in kept_of(room).paths) for name in ("st_size", "st_blocks"))
    assert used * 512 < size * 0.8


def test_another_file_length_or_treatment_is_not_taken_for_it(room):
    ann, bob = room.timeline.tracks
    assert kept_of(room, [replace(ann, hum_lines_hz=(50.0, 100.0))]).is_whole
    assert not kept_of(room, [replace(ann, denoise=True)]).is_whole
    assert not kept_of(room, [replace(bob, start_offset_s=1.0)]).is_whole
    assert not Kept(room.scratch, [ann], 2, round(room.timeline.length_s * RATE_HZ)).is_whole


def test_nothing_is_kept_of_a_room_that_is_too_long_or_where_the_disk_is_nearly_full(room, monkeypatch):
    rows = [(0, [np.ones((1, 480_000), np.float32)])]
    for name, value in (("MOST_BYTES", 1000), ("ROOM", 1e9)):
        forget(room.scratch)
        with monkeypatch.context() as patched:
            patched.setattr(kept, name, value)
            list(kept_of(room, room.timeline.tracks[:1]).keeping(rows))
        assert not kept_of(room, room.timeline.tracks[:1]).is_whole


@pytest.mark.parametrize("ends", ["by a full disk", "in the middle"])
def test_what_was_not_written_whole_is_not_there(room, ends):
    forget(room.scratch)
    (ann, _), total = room.timeline.tracks, round(room.timeline.length_s * RATE_HZ)
    one = Kept(room.scratch, [ann], 1, total)
    # /dev/full takes nothing, as a disk without room.
    if ends == "by a full disk":
        one.paths[0].with_suffix(".part").symlink_to("/dev/full")
    rows = one.keeping((first, [np.ones((1, min(480_000, total - first)), np.float32)]) for first in range(0, total, 480_000))
    if ends == "in the middle":
        next(rows)
        rows.close()
    else:
        assert len(list(rows)) == 4
    assert not one.is_whole


def test_a_disk_slower_than_decoding_is_not_waited_for(room, monkeypatch):
    forget(room.scratch)
    monkeypatch.setattr(kept, "SLOW_SHARE", 0.0)
    monkeypatch.setattr(kept, "PATIENCE_S", 0.0)
    one = Kept(room.scratch, room.timeline.tracks[:1], 1, round(room.timeline.length_s * RATE_HZ))
    assert len(list(one.keeping((first, [np.ones((1, 480_000), np.float32)]) for first in range(0, 1_440_000, 480_000)))) == 3
    assert not one.is_whole and not one.paths[0].with_suffix(".part").exists()
