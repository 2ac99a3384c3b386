import numpy as np
import pytest
from heard_rooms import heard_tracks

from bench.sounds import noise, talk
from pipeline.level import level

LEVELS = {"ann": -30.0, "bob": -18.0, "cleo": -24.0, "dan": -21.0, "eve": -27.0, "finn": -20.0}


def test_rare_voices_in_hissing_microphones_are_found_and_meet(tmp_path):
    made = talk(LEVELS, rounds=1, turn_s=4.0, pause_s=0.6, ends_s=45.0)
    tracks = {
        name: sound + noise(len(sound) / 48_000, LEVELS[name] - 18, seed=n) for n, (name, sound) in enumerate(made.tracks.items())
    }
    room = heard_tracks(tmp_path, tracks)
    voices = level(room.timeline, room.heard, scratch=room.scratch).voices
    assert all(1.5 < voice.speech_s < 6 for voice in voices), [(voice.name, voice.speech_s, voice.after_lufs) for voice in voices]
    after = [voice.after_lufs for voice in voices if voice.after_lufs is not None]
    assert len(after) == len(LEVELS) and np.ptp(after) == pytest.approx(0, abs=0.5)
