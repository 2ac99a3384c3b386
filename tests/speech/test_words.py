"""The words stage through the real faster-whisper, with models that say what they are told."""

from pathlib import Path

import numpy as np
import pytest
from fakes_speech import TALK, ModelOf, Room, Slices, babble, room, silence

from pipeline.child import Children, quiet
from pipeline.models import Participant, Segment, Transcript
from pipeline.plan import SpeechPlan
from pipeline.transcribe import transcribe

SENTENCES = [text.strip() for _, text, _ in TALK]


def words_of(
    a_room: Room, model: str, *, slices: Slices | None = None, names: tuple[str, ...] = (), report: object = quiet, **how: object
) -> Transcript:
    return transcribe(
        a_room.timeline,
        a_room.heard,
        SpeechPlan(model=model, **how),  # type: ignore[arg-type]
        participants=tuple(Participant(identity=name, name=name) for name in names),
        children=Children(),
        slices=slices if slices is not None else Slices(),
        report=report,  # type: ignore[arg-type]
    )


def texts(segments: tuple[Segment, ...]) -> list[str]:
    return [segment.text for segment in segments]


def test_words_have_the_text_the_speaker_and_the_times_of_the_room(tmp_path: Path, whisper: ModelOf) -> None:
    a_room = room(tmp_path, ana=np.concatenate([silence(20), babble(25)]))
    transcript = words_of(a_room, whisper())
    assert (transcript.engine, transcript.model, transcript.quality, transcript.language) == (
        "faster_whisper",
        "scripted",
        "full",
        "en",
    )
    assert texts(transcript.segments) == SENTENCES
    assert {segment.speaker for segment in transcript.segments} == {"ana"}
    for segment, (start_s, _, end_s) in zip(transcript.segments, TALK, strict=True):
        assert segment.start_s == pytest.approx(20 + start_s, abs=0.8)
        assert segment.end_s == pytest.approx(20 + end_s, abs=0.8)
        assert " ".join(word.text for word in segment.words) == segment.text


def test_the_same_speech_later_in_the_room_has_the_same_words_later_and_is_not_heard_twice(
    tmp_path: Path, whisper: ModelOf
) -> None:
    slices = Slices()
    early, late = (
        words_of(room(tmp_path / name, ana=np.concatenate([silence(at_s), babble(25), silence(5)])), whisper(), slices=slices)
        for name, at_s in (("early", 6.0), ("late", 43.2))
    )
    assert [round(b.start_s - a.start_s, 3) for a, b in zip(early.segments, late.segments, strict=True)] == [37.2, 37.2]
    assert len(slices.put_keys) == 1


def test_a_long_talk_is_heard_in_slices_without_losing_a_window(tmp_path: Path, whisper: ModelOf) -> None:
    long = np.concatenate([babble(150), silence(0.4), babble(180, 140.0, 2)])
    slices, told = Slices(), []
    transcript = words_of(room(tmp_path, ana=long), whisper(), slices=slices, report=told.append)
    assert len(slices.put_keys) == 2
    assert texts(transcript.segments) == SENTENCES * 12  # ten windows of 30 s in the first slice, two in the second
    assert max(b.start_s - a.start_s for a, b in zip(transcript.segments, transcript.segments[1:], strict=False)) < 35
    assert told == sorted(told) and told[-1] == 1.0


def test_a_mix_names_no_speaker(tmp_path: Path, whisper: ModelOf) -> None:
    transcript = words_of(room(tmp_path, separate=False, everybody=babble(25)), whisper())
    assert texts(transcript.segments) == SENTENCES
    assert {segment.speaker for segment in transcript.segments} == {None}


def test_two_voices_are_told_apart_by_their_tracks(tmp_path: Path, whisper: ModelOf) -> None:
    ana = np.concatenate([babble(25), silence(30)])
    bento = np.concatenate([silence(30), babble(25, 200.0, 3)])
    bleed = np.float32(0.06)
    transcript = words_of(room(tmp_path, ana=ana + bento * bleed, bento=bento + ana * bleed), whisper())
    said = [(segment.speaker, segment.text) for segment in transcript.segments]
    assert said == [("ana", SENTENCES[0]), ("ana", SENTENCES[1]), ("bento", SENTENCES[0]), ("bento", SENTENCES[1])]


def test_a_recogniser_caught_in_a_loop_is_cut(tmp_path: Path, whisper: ModelOf) -> None:
    looping = whisper(((0.5, " Thank you for watching this", 4.0),), loop=True)
    transcript = words_of(room(tmp_path, ana=babble(12)), looping)
    assert 0 < sum(len(segment.text.split()) for segment in transcript.segments) <= 20
    assert transcript.segments[0].text.startswith("Thank you for watching this")


def test_nothing_said_is_no_speech_and_no_failure(tmp_path: Path, whisper: ModelOf) -> None:
    transcript = words_of(room(tmp_path, ana=babble(12)), whisper(()))
    assert (transcript.quality, transcript.segments, transcript.engine) == ("none", (), "faster_whisper")
    assert "no speech" in transcript.why


def test_a_silent_room_costs_no_recogniser(tmp_path: Path, whisper: ModelOf) -> None:
    slices = Slices()
    transcript = words_of(room(tmp_path, ana=silence(60), bento=silence(60)), whisper(), slices=slices)
    assert (transcript.quality, slices.put_keys) == ("none", [])
    assert "no speech" in transcript.why


def test_names_given_as_hints_are_not_taken_for_words(tmp_path: Path, whisper: ModelOf) -> None:
    parroting = whisper((TALK[0], (6.0, " Ana Bento Carla Duarte", 10.0)))
    names = ("Ana Bento", "Carla Duarte")
    transcript = words_of(room(tmp_path, ana=babble(25)), parroting, names=names)
    assert texts(transcript.segments) == SENTENCES[:1]


def test_a_hostile_name_is_a_name(tmp_path: Path, whisper: ModelOf) -> None:
    name = '<v Eve> --> \u202e\'; DROP & "quotes" 🎤'
    transcript = words_of(room(tmp_path, ana=babble(25)), whisper(), names=(name,))
    assert texts(transcript.segments) == SENTENCES


def test_the_language_is_heard_or_told(tmp_path: Path, whisper: ModelOf) -> None:
    portuguese = whisper(TALK, language="pt")
    a_room = room(tmp_path, ana=babble(25))
    assert words_of(a_room, portuguese).language == "pt"
    assert words_of(a_room, whisper(), language="en").language == "en"


def test_a_spoilt_slice_is_heard_again(tmp_path: Path, whisper: ModelOf) -> None:
    slices, a_room = Slices(), room(tmp_path, ana=babble(25))
    first = words_of(a_room, whisper(), slices=slices)
    slices.kept = {key: content[:-9] for key, content in slices.kept.items()}
    assert words_of(a_room, whisper(), slices=slices) == first
    assert len(slices.put_keys) == 2
