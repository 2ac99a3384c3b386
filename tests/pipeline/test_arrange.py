from datetime import timedelta
from pathlib import Path

import pytest
from fakes_children import recording

from pipeline.arrange import arrange
from pipeline.errors import Refused
from pipeline.models import Found, Loss, MadeFile, Participant, Probed, RoomEvent, SourceFile


def stream(name: str, *, kind="track", start=0.0, lasts=60.0, part=1, stream=0, who=None, losses=()) -> Probed:
    file = MadeFile(path=Path(f"/scratch/{name}"), size_bytes=1, sha256=name)
    who = who or (name if kind == "track" else None)
    return Probed(
        file=file, kind=kind, participant=who, start_offset_s=start, part=part, codec="opus", rate_hz=48_000, channels=1,
        duration_s=lasts, losses=losses, stream=stream,
    )  # fmt: skip


def person(identity: str, **said) -> Participant:
    return Participant(**{"identity": identity, "name": identity.capitalize(), **said})


def arranged(streams, consent="notice", losses=(), **said):
    return arrange(recording(**said), Found(streams=tuple(streams), losses=losses), consent)


def heard(timeline) -> list[str | None]:
    return [track.participant for track in timeline.tracks]


def test_tracks_stand_where_they_began():
    timeline = arranged([stream("ann"), stream("bob", start=21.5, lasts=40)])
    assert timeline.separate and timeline.length_s == 61.5
    assert {t.participant: t.start_offset_s for t in timeline.tracks} == {"ann": 0.0, "bob": 21.5}


def test_a_track_that_began_before_the_room_did_loses_nothing():
    timeline = arranged([stream("ann", start=-0.8), stream("bob", start=2.0)], events=(RoomEvent(t_s=10, type="recording_paused"),))
    assert timeline.starts_at_s == -0.8
    assert {t.participant: t.start_offset_s for t in timeline.tracks} == {"ann": 0.0, "bob": pytest.approx(2.8)}
    assert timeline.length_s == pytest.approx(62.8)
    assert timeline.cuts[0].start_s == pytest.approx(10.8)


def test_the_recorders_mix_is_only_the_reserve():
    assert heard(arranged([stream("mix", kind="mix"), stream("ann"), stream("bob")])) == ["ann", "bob"]
    alone = arranged([stream("mix", kind="mix")])
    assert not alone.separate and heard(alone) == [None] and alone.voices == ()


def test_of_two_copies_of_one_mix_one_is_heard():
    timeline = arranged([stream("a.mp4", kind="video"), stream("a.ogg", kind="mix"), stream("a.wav", kind="mix", lasts=61)])
    assert [t.file.path.name for t in timeline.tracks] == ["a.wav"]


def test_recorders_are_nobody():
    people = (person("ann"), person("EG_1", kind="egress"))
    assert heard(arranged([stream("ann"), stream("EG_1")], participants=people)) == ["ann"]


def test_the_host_comes_first_and_strangers_last():
    people = (person("bob", role="speaker"), person("cleo", role="cohost"), person("ann", role="host"))
    timeline = arranged([stream("bob"), stream("zed"), stream("cleo"), stream("ann")], participants=people)
    assert [p.identity for p in timeline.voices] == ["ann", "cleo", "bob", "zed"] == heard(timeline)


def test_tracks_without_a_name_are_still_different_voices():
    timeline = arranged([stream("x", who="", kind="track"), stream("y", who="", kind="track")])
    assert [p.name for p in timeline.voices] == ["x", "y"]
    several = arranged([stream("call.mka", kind="mix", stream=n) for n in range(3)])
    assert several.separate and [p.name for p in several.voices] == ["Voice 1", "Voice 2", "Voice 3"]


@pytest.mark.parametrize(
    ("policy", "consent", "answers", "expected"),
    [
        (None, "notice", {"ann": True, "bob": None, "cleo": False}, ["ann", "bob"]),
        (None, "required", {"ann": True, "bob": None, "cleo": False}, ["ann"]),
        ("speakers", "notice", {"ann": True, "bob": None, "cleo": False}, ["ann"]),
        ("notice", "required", {"ann": True, "bob": None, "cleo": False}, ["ann", "bob"]),
    ],
    ids=["notice", "required by the show", "required by the room", "the room's notice stands over the show"],
)
def test_only_who_may_be_heard_is_heard(policy, consent, answers, expected):
    people = tuple(person(name, recording_consent=answer) for name, answer in answers.items())
    timeline = arranged([stream(n) for n in answers], consent, consent_policy=policy, participants=people)
    assert heard(timeline) == expected == [p.identity for p in timeline.voices]
    gone = len(answers) - len(expected)
    assert timeline.losses[-1].why.startswith("1 voice did" if gone == 1 else f"{gone} voices did")
    assert not any(name in timeline.losses[-1].why for name in set(answers) - set(expected))


def test_a_bot_has_nothing_to_agree_to():
    people = (person("ann", recording_consent=True), person("bot", kind="agent"))
    assert heard(arranged([stream("ann"), stream("bot")], "required", participants=people)) == ["ann", "bot"]


def test_a_stranger_on_a_track_is_not_heard_where_each_ones_own_yes_is_needed():
    with pytest.raises(Refused, match="nobody on these tracks has agreed") as refusal:
        arranged([stream("zed")], "required")
    assert refusal.value.code == "consent"


@pytest.mark.parametrize(("consent", "answer"), [("notice", False), ("required", None), ("required", False)])
def test_a_mix_cannot_be_cleaned_of_a_voice(consent, answer):
    people = (person("ann", recording_consent=True), person("bob", recording_consent=answer))
    with pytest.raises(Refused, match="a mix cannot be cleaned of a voice") as refusal:
        arranged([stream("mix", kind="mix")], consent, participants=people)
    assert refusal.value.code == "consent" and "bob" not in str(refusal.value).lower()


def test_who_only_listened_is_not_in_the_mix():
    people = (person("ann", recording_consent=True), person("leo", role="listener", recording_consent=False))
    assert heard(arranged([stream("mix", kind="mix")], "required", participants=people)) == [None]


def test_the_mix_does_not_bring_back_a_voice_whose_track_was_left_out():
    people = (person("ann", recording_consent=False),)
    with pytest.raises(Refused):
        arranged([stream("ann"), stream("mix", kind="mix")], participants=people)


def test_pauses_are_cut_and_the_last_may_last_until_the_end():
    kinds = ((10, "paused"), (20, "resumed"), (30, "resumed"), (40, "paused"), (45, "paused"))
    timeline = arranged([stream("ann")], events=tuple(RoomEvent(t_s=t, type=f"recording_{kind}") for t, kind in kinds))
    assert [(c.start_s, c.end_s, c.why) for c in timeline.cuts] == [(10, 20, "recording paused"), (40, 60.0, "recording paused")]


def test_after_a_reconnect_the_later_file_wins_where_both_are_there():
    timeline = arranged([stream("a2", who="ann", start=50, lasts=30), stream("a1", who="ann", start=0, lasts=60)])
    assert [(t.start_offset_s, t.duration_s) for t in timeline.tracks] == [(0, 50), (50, 30)]
    assert [p.identity for p in timeline.voices] == ["ann"]


def test_parts_and_segments_follow_one_another():
    parts = arranged([stream("p2", who="ann", part=2), stream("p1", who="ann", part=1)])
    assert [(t.file.path.name, t.start_offset_s) for t in parts.tracks] == [("p1", 0.0), ("p2", 60.0)]
    segments = arranged([stream(f"s{n}", kind="segment", lasts=6.0) for n in range(3)])
    assert [t.start_offset_s for t in segments.tracks] == [0.0, 6.0, 12.0] and segments.length_s == 18.0


def test_two_microphones_of_one_person_are_both_heard():
    timeline = arranged([stream("mic", who="ann"), stream("screen", who="ann")])
    assert [(t.start_offset_s, t.duration_s) for t in timeline.tracks] == [(0, 60), (0, 60)]


def test_offsets_that_cannot_be_right_are_refused():
    with pytest.raises(Refused, match="start_offset") as refusal:
        arranged([stream("ann"), stream("bob", start=1e9)])
    assert refusal.value.code == "too_long"


def test_losses_of_files_and_of_the_room_are_told_on_one_clock():
    lost = Loss(at_s=4.0, lost_s=1.0, why="a hole")
    timeline = arranged([stream("ann", start=-2.0, losses=(lost,))], losses=(Loss(at_s=None, lost_s=9, why="bob"),))
    assert [(loss.at_s, loss.why) for loss in timeline.losses] == [(None, "bob"), (6.0, "a hole")]


def test_a_room_that_lasted_longer_than_its_files_says_so():
    begun = recording().started_at
    timeline = arranged([stream("mix", kind="mix")], ended_at=begun + timedelta(seconds=300))
    assert [(loss.at_s, loss.lost_s) for loss in timeline.losses] == [(60.0, 240.0)]
    told = (SourceFile(path="mix", duration_s=60.0),)
    assert not arranged([stream("mix", kind="mix")], ended_at=begun + timedelta(seconds=300), files=told).losses
