"""What is speech and what is not, on sounds of which it is known."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from heard_rooms import heard_mix

from bench.crowd import applause, laughter
from bench.music import piece
from bench.sounds import RATE_HZ, Sound, noise, speech
from bench.talk_rooms import SENTENCES, jingle, sentence
from pipeline.kinds import other_sound
from pipeline.listen import measures
from pipeline.speaking import speaking, stretches, voices_of


def said(voice: str, cents: int = 0) -> Sound:
    """Some sentences of a flite voice, or a skip where there is no flite."""
    if shutil.which("flite") is None:
        pytest.skip("flite is not installed")
    parts = [sentence(voice, cents, text) for text in SENTENCES[:3]]
    pause = np.zeros(RATE_HZ // 5)
    return np.concatenate([part for one in parts for part in (one, pause)]).astype(np.float32)


def found(folder: Path, sound: Sound) -> tuple[float, float]:
    """Which share of the frames is speech, and which is something else."""
    room = heard_mix(folder, sound)
    measured = measures(room.heard)
    powers = voices_of(room.timeline, measured.power)
    words = speaking(room.timeline, powers)[0]
    other = other_sound(measured.row(0), powers[0], words)
    return float((words & ~other).mean()), float(other.mean())


def hissing(sound: Sound, db: float) -> Sound:
    return sound + noise(len(sound) / RATE_HZ, 20 * np.log10(np.std(sound)) + db)


SPEECH = {
    "a made voice": lambda: speech(15, -24),
    "a woman": lambda: said("slt"),
    "a man": lambda: said("awb"),
    "a robot": lambda: said("kal16", 200),
    "a man over hiss": lambda: hissing(said("rms"), -14),
}
NO_SPEECH = {
    "a band": lambda: piece(20, -18).mean(0),
    "a band softly": lambda: piece(12, -32, seed=2).mean(0),
    "a jingle": lambda: np.tile(jingle(), 2),
    "applause": lambda: applause(12, -25),
    "a crowd that laughs": lambda: laughter(10, -22),
    "wind": lambda: noise(10, -35),
}


@pytest.mark.parametrize("name", SPEECH)
def test_voices_are_speech(tmp_path, name):
    words, other = found(tmp_path, SPEECH[name]())
    assert words > 0.6 and other < 0.02


@pytest.mark.parametrize("name", NO_SPEECH)
def test_music_and_crowds_are_no_speech(tmp_path, name):
    words, other = found(tmp_path, NO_SPEECH[name]())
    assert words < 0.05 and other > 0.8


def test_music_between_talk_is_found_where_it_is(tmp_path):
    parts = [speech(12, -24, seed=1), piece(15, -20).mean(0), speech(12, -24, seed=2)]
    room = heard_mix(tmp_path, np.concatenate(parts))
    measured = measures(room.heard)
    powers = voices_of(room.timeline, measured.power)
    ((start, end),) = stretches(other_sound(measured.row(0), powers[0], speaking(room.timeline, powers)[0]))
    assert (start / 10, end / 10) == (pytest.approx(12, abs=2.0), pytest.approx(27, abs=2.0))
