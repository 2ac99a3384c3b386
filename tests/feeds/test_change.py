"""What somebody wants of an episode, laid over its edits: who and when are found, or refused by name."""

from dataclasses import replace
from typing import Any

import pytest
from fakes_feeds import a_sound, an_episode

from feeds.catalogue import Episode
from feeds.change import SoundChange, edited
from pipeline.edits import Edits, Mute, Stretch
from pipeline.errors import Refused
from pipeline.models import Cut

WHOLE = Stretch(start_s=60.0, end_s=90.0)


def after(episode: Episode, **change: Any) -> Edits:
    return edited(episode, SoundChange(**change))


def a_mix() -> Episode:
    """An episode of one file of everybody."""
    return an_episode(sound=a_sound(voices=tuple(replace(voice, participant=None) for voice in a_sound().voices[:1])))


def test_cuts_are_told_by_the_recordings_clock() -> None:
    assert after(an_episode(), cut=["1:00-1:30"]).cuts == (WHOLE,)


def test_as_heard_times_are_led_back_round_what_is_cut() -> None:
    sound = a_sound(cuts=(Cut(start_s=10.0, end_s=40.0, why="trim"),), intro_s=5.0)
    edits = after(an_episode(sound=sound), cut=["0:35-1:05"], as_heard=True)
    assert edits.cuts == (WHOLE,)


def test_what_was_cut_is_kept_again() -> None:
    episode = an_episode(edits=Edits(cuts=(WHOLE,)))
    edits = after(episode, keep=["1:10-1:20"])
    assert edits.cuts == (Stretch(start_s=60.0, end_s=70.0), Stretch(start_s=80.0, end_s=90.0))
    assert edits.kept == (Stretch(start_s=70.0, end_s=80.0),)


def test_a_reset_forgets_what_was_before_and_not_what_comes_with_it() -> None:
    episode = an_episode(edits=Edits(cuts=(WHOLE,), mutes=(Mute(participant="u1"),)))
    assert after(episode, reset=True) == Edits()
    assert after(episode, reset=True, cut=["0:10-0:20"]).cuts == (Stretch(start_s=10.0, end_s=20.0),)


def test_the_end_may_be_given_as_the_next_whole_second() -> None:
    episode = an_episode(sound=replace(a_sound(), source_s=599.4))
    assert after(episode, cut=["9:00-10:00"]).cuts == (Stretch(start_s=540.0, end_s=599.4),)


@pytest.mark.parametrize("said", ["u2", "Ben Ito", "ben ito"])
def test_a_voice_is_named_by_identity_or_name(said: str) -> None:
    assert after(an_episode(), mute=[said]).mutes == (Mute(participant="u2"),)


def test_a_voice_is_muted_for_a_while() -> None:
    assert after(an_episode(), mute=["Ben Ito@1:00-1:30"]).mutes == (Mute(participant="u2", start_s=60.0, end_s=90.0),)


def test_an_identity_may_hold_an_at_sign() -> None:
    voices = tuple(replace(v, participant="ben@example.org") if v.participant == "u2" else v for v in a_sound().voices)
    episode = an_episode(sound=a_sound(voices=voices))
    assert after(episode, mute=["ben@example.org"]).mutes == (Mute(participant="ben@example.org"),)
    assert after(episode, mute=["ben@example.org@1:00-1:30"]).mutes[0].start_s == 60.0


def test_everybody_is_muted_voice_by_voice_where_they_were_recorded_apart() -> None:
    muted = {mute.participant for mute in after(an_episode(), mute=["everybody@1:00-1:30"]).mutes}
    assert muted == {voice.participant for voice in a_sound().voices}


def test_in_a_file_of_everybody_all_are_silent_while_one_is_muted() -> None:
    for said in ("Ben Ito@1:00-1:30", "everybody@1:00-1:30"):
        assert after(a_mix(), mute=[said]).mutes == (Mute(participant=None, start_s=60.0, end_s=90.0),)
    muted = replace(a_mix(), edits=after(a_mix(), mute=["everybody@1:00-1:30"]))
    assert after(muted, unmute=["everybody"]).mutes == ()


def test_one_who_is_muted_is_heard_again() -> None:
    episode = an_episode(edits=Edits(mutes=(Mute(participant="u2"), Mute(participant="u1"))))
    assert after(episode, unmute=["Ben Ito"]).mutes == (Mute(participant="u1"),)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"mute": ["Nobody"]}, r"no voice 'Nobody'; there are: .*Ben Ito \(u2\)"),
        ({"mute": ["everybody"]}, "say when"),
        ({"cut": ["0:30-20:00"]}, "the recording lasts 10:20"),
        ({"start": "20:00"}, "the recording lasts 10:20"),
        ({"cut": ["0:00-10:20"]}, "nothing would be left"),
        ({"cut": ["sometimes"]}, "no stretch of time"),
    ],
)
def test_what_it_does_not_have_is_refused_in_one_line(change: dict[str, Any], why: str) -> None:
    with pytest.raises(Refused, match=why) as refused:
        after(an_episode(), **change)
    assert "\n" not in str(refused.value)


def test_in_a_file_of_everybody_nobody_is_muted_for_good() -> None:
    with pytest.raises(Refused, match="recorded as one file"):
        after(a_mix(), mute=["Ben Ito"])


def test_two_of_one_name_are_told_apart_by_identity() -> None:
    voices = tuple(replace(voice, name="Guest") for voice in a_sound().voices)
    with pytest.raises(Refused, match=r"u1.*u2"):
        after(an_episode(sound=a_sound(voices=voices)), mute=["guest"])


def test_what_cannot_be_heard_yet_cannot_be_cut() -> None:
    unheard = an_episode(sound=None, renditions=())
    assert after(unheard) == Edits()
    with pytest.raises(Refused, match="cannot be heard yet"):
        after(unheard, cut=["0:10-0:20"])
