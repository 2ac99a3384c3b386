"""Voices in files of their own sound as they do in the episode, on its clock."""

from dataclasses import replace

import numpy as np
import pytest
from fakes_children import Here
from heard_rooms import by_voice, decoded, heard_mix, heard_tracks, spread

from bench.sounds import RATE_HZ, speech, talk
from pipeline.apart import apart
from pipeline.clean import clean
from pipeline.clock import TimeMap
from pipeline.edits import Edits, Mute, Stretch
from pipeline.encode import encode
from pipeline.level import level
from pipeline.plan import CleanPlan, EncodePlan
from pipeline.score import episode_samples

TALK = talk({"ann": -33.0, "bob": -15.0, "eve": -24.0}, rounds=2, turn_s=4.0, pause_s=1.0, ends_s=2.0)
EDITS = Edits(cuts=(Stretch(start_s=9.0, end_s=10.5),), mutes=(Mute(participant="ann", start_s=17.0, end_s=18.0),))


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    return heard_tracks(tmp_path_factory.mktemp("room"), TALK.with_bleed())


@pytest.fixture(scope="module")
def edited(room):
    """Its dead air gone, a stretch cut, a second of a voice muted, five seconds of music before it and one behind."""
    cleaned = clean(room.timeline, room.heard, CleanPlan(), EDITS)
    return replace(cleaned, intro_s=5.0, outro_s=1.0)


@pytest.fixture(scope="module")
def voices(room, edited, children):
    """Through real children."""
    return apart(edited, room.heard, children=children, scratch=room.scratch)


def sounds(voices) -> dict[str, np.ndarray]:
    return {voice.participant.identity: decoded(voice.file.path)[0] for voice in voices}


def test_every_voice_has_a_file_as_long_as_the_episode(edited, voices):
    assert [(voice.number, voice.participant.identity) for voice in voices] == [(1, "ann"), (2, "bob"), (3, "eve")]
    assert {len(sound) for sound in sounds(voices).values()} == {episode_samples(edited)}
    assert episode_samples(edited) == round(TimeMap.of(edited).duration_s * RATE_HZ)


def test_together_they_are_the_episode(room, edited, voices, tmp_path):
    levels = level(edited, room.heard, scratch=tmp_path)
    (whole,) = encode(edited, levels, EncodePlan(formats=("flac",)), children=Here(), scratch=tmp_path)
    together, episode = np.sum(list(sounds(voices).values()), axis=0), decoded(whole.file.path)[0]
    assert np.sqrt(np.mean((together - episode) ** 2)) < 0.02 * np.sqrt(np.mean(episode**2))


def test_each_is_levelled_and_alone(edited, voices):
    heard = sounds(voices)
    levels = {name: by_voice(TALK, sound, edited)[name] for name, sound in heard.items()}
    assert spread(levels) <= 1.0
    for name, sound in heard.items():
        others = [level_ for other, level_ in by_voice(TALK, sound, edited).items() if other != name]
        assert max(others) < levels[name] - 30


def test_what_is_muted_or_only_music_is_silence(edited, voices):
    heard, at_s = sounds(voices), TimeMap.of(edited).episode_s(17.5)
    assert not heard["ann"][round(at_s * RATE_HZ) - 4800 : round(at_s * RATE_HZ) + 4800].any()
    for sound in heard.values():
        assert not sound[: 5 * RATE_HZ].any() and not sound[-RATE_HZ:].any() and sound.any()


def test_a_voice_that_is_muted_from_start_to_end_has_no_file(room, tmp_path):
    timeline = clean(room.timeline, room.heard, CleanPlan(), Edits(mutes=(Mute(participant="bob"),)))
    made = apart(timeline, room.heard, children=Here(), scratch=tmp_path)
    assert [(voice.number, voice.participant.identity) for voice in made] == [(1, "ann"), (3, "eve")]
    assert spread({name: by_voice(TALK, sound, timeline)[name] for name, sound in sounds(made).items()}) <= 1.0


def test_a_file_of_everybody_has_no_voices(tmp_path):
    room = heard_mix(tmp_path, speech(5, -20))
    assert apart(room.timeline, room.heard, children=Here(), scratch=tmp_path) == ()
