"""Words truly recognised: flite speaks, PocketSphinx listens."""

import re
from pathlib import Path

import numpy as np
import pytest
from fakes_speech import RATE_HZ, Slices, Sound, flite, room, silence

from pipeline.child import Children
from pipeline.models import Transcript
from pipeline.plan import SpeechPlan
from pipeline.transcribe import reason_without_words, transcribe

TEXTS = {
    "slt": "Welcome to our live room about music and machines. Today we talk about cooking for many people in a small kitchen.",
    "rms": "The next topic is money. Most people spend too much on food because they buy without a list.",
    "awb": "Write down what you need, and leave the rest in the shop. We put the bread in a paper bag.",
}


def drafted(folder: Path, **voices: Sound) -> Transcript:
    pytest.importorskip("pocketsphinx")
    a_room = room(folder, **voices)
    plan = SpeechPlan(engine="pocketsphinx")
    return transcribe(a_room.timeline, a_room.heard, plan, participants=(), children=Children(), slices=Slices())


def words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def errors(said: list[str], heard: list[str]) -> int:
    """Words left out, put in or changed (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for i, a in enumerate(said, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(heard, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


def test_what_is_said_is_written_with_its_times_and_called_a_draft(tmp_path: Path) -> None:
    speech = flite(TEXTS["slt"])
    transcript = drafted(tmp_path, ana=np.concatenate([silence(5), speech, silence(2)]))
    said = words(TEXTS["slt"])
    heard = [word for segment in transcript.segments for word in segment.words]
    assert (transcript.engine, transcript.quality, transcript.language) == ("pocketsphinx", "draft", "en")
    assert errors(said, [word.text for word in heard]) <= 0.2 * len(said)
    assert heard[0].start_s == pytest.approx(5, abs=0.5)
    assert heard[-1].end_s == pytest.approx(5 + len(speech) / RATE_HZ, abs=0.5)


def test_a_draft_without_full_stops_is_written_in_phrases(tmp_path: Path) -> None:
    transcript = drafted(tmp_path, ana=flite(" ".join(TEXTS.values())))
    assert len(transcript.segments) >= 3
    assert all(segment.end_s - segment.start_s <= 13 for segment in transcript.segments)


def test_nearly_every_word_belongs_to_who_said_it_though_all_microphones_hear_it(tmp_path: Path) -> None:
    """Three voices, one after another with a little overlap, each 20 dB down in the others' microphones."""
    spoken = {voice: flite(text, voice) for voice, text in TEXTS.items()}
    starts, at = {}, 0.5
    for voice, speech in spoken.items():
        starts[voice] = at
        at += len(speech) / RATE_HZ - 0.3
    alone = {
        v: np.pad(s, (round(starts[v] * RATE_HZ), round((at + 2) * RATE_HZ)))[: round((at + 2) * RATE_HZ)]
        for v, s in spoken.items()
    }
    everybody = np.sum(list(alone.values()), axis=0)
    tracks = {voice: (own + 0.1 * (everybody - own)).astype(np.float32) for voice, own in alone.items()}
    transcript = drafted(tmp_path, **tracks)
    heard = [(segment.speaker, word) for segment in transcript.segments for word in segment.words]
    talks = {voice: (starts[voice] - 0.2, starts[voice] + len(speech) / RATE_HZ + 0.2) for voice, speech in spoken.items()}
    right = [word for speaker, word in heard if talks[speaker][0] <= (word.start_s + word.end_s) / 2 <= talks[speaker][1]]
    assert len(right) >= 0.95 * len(heard)
    wrong = sum(errors(words(text), [word.text for speaker, word in heard if speaker == voice]) for voice, text in TEXTS.items())
    assert wrong <= 0.25 * sum(len(words(text)) for text in TEXTS.values())


def test_no_draft_is_tried_in_a_language_it_does_not_know() -> None:
    pytest.importorskip("pocketsphinx")
    assert "English only" in reason_without_words(SpeechPlan(engine="pocketsphinx", language="pt"))
