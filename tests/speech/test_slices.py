"""Who speaks when, and how that is cut into slices."""

import wave
from pathlib import Path

import numpy as np
import pytest
from fakes_speech import RATE_HZ, babble, silence, wav
from hypothesis import given
from hypothesis import strategies as st

from pipeline.child import quiet
from pipeline.errors import Broken
from pipeline.slices import MOST_CLOCK_S, MOST_SPEECH_S, gaps_of, plan_slices, sound_of, survey
from pipeline.voices import FRAME_S, Span, frame_levels, own_voices, samples_of, spans_of, voiced


@st.composite
def talks(draw: st.DrawFn) -> tuple[Span, ...]:
    """Spans of a long talk: from a second to an hour each, with pauses from a tenth of a second to half an hour."""
    lengths = draw(st.lists(st.tuples(st.floats(0.1, 1800), st.floats(1, 3600)), min_size=1, max_size=30))
    spans, at = [], 0.0
    for pause, length in lengths:
        spans.append(Span(start_s=round(at + pause, 3), end_s=round(at + pause + length, 3)))
        at = spans[-1].end_s
    return tuple(spans)


def joined(spans: list[Span]) -> list[tuple[float, float]]:
    """The same seconds with touching spans as one."""
    out: list[tuple[float, float]] = []
    for span in spans:
        start = out.pop()[0] if out and out[-1][1] == span.start_s else span.start_s
        out.append((start, span.end_s))
    return out


@given(talks())
def test_slices_hold_every_second_of_speech_once_and_are_short(spans: tuple[Span, ...]) -> None:
    groups = plan_slices(spans, gaps_of(spans))
    assert joined([span for group in groups for span in group]) == joined(list(spans))
    for group in groups:
        assert 0 < sum(span.length_s for span in group) <= MOST_SPEECH_S + 0.01
        assert group[-1].end_s - group[0].start_s <= MOST_CLOCK_S + 0.01


def test_a_slice_ends_in_the_longest_pause_of_its_last_minute() -> None:
    pauses = (
        Span(start_s=100, end_s=109),
        Span(start_s=250, end_s=250.2),
        Span(start_s=270, end_s=270.8),
        Span(start_s=290, end_s=290.3),
    )
    groups = plan_slices((Span(start_s=0, end_s=500),), pauses)
    assert [group[-1].end_s for group in groups] == [270.4, 500]


def test_adding_to_a_talk_changes_no_slice_but_the_last() -> None:
    talk = tuple(Span(start_s=20.0 * n, end_s=20.0 * n + 18) for n in range(60))
    early, late = plan_slices(talk[:40], gaps_of(talk[:40])), plan_slices(talk, gaps_of(talk))
    assert early[:-1] == late[: len(early) - 1]


def test_a_voice_is_found_where_it_is_within_a_tenth_of_a_second_or_two() -> None:
    spans = spans_of(voiced(frame_levels(np.concatenate([silence(5), babble(8), silence(4), babble(6), silence(5)]))), pad_s=0.0)
    assert [round(s.start_s) for s in spans] == [5, 17]
    assert [round(s.end_s) for s in spans] == [13, 23]


@pytest.mark.parametrize("bleed_db", [-30, -20, -12])
def test_bleed_from_a_louder_voice_is_not_taken_for_ones_own(bleed_db: float) -> None:
    ana, bento = np.concatenate([babble(20), silence(20)]), np.concatenate([silence(20), babble(20, 200.0, 3) * np.float32(0.1)])
    leak = np.float32(10 ** (bleed_db / 20))
    masks = own_voices([frame_levels(ana + bento * leak), frame_levels(bento + ana * np.float32(0.1) * leak)])
    half = round(20 / FRAME_S)
    for own, other in ((masks[0][:half], masks[0][half:]), (masks[1][half:], masks[1][:half])):
        assert own.mean() > 0.9
        assert other.mean() < 0.05


def test_two_who_talk_at_once_are_both_heard_though_one_is_much_quieter() -> None:
    ana = np.concatenate([babble(20), silence(10), babble(20, 120.0, 5)])
    bento = np.concatenate([silence(20), babble(30, 200.0, 3)]) * np.float32(0.06)
    masks = own_voices([frame_levels(ana), frame_levels(bento)])
    together = slice(round(31 / FRAME_S), round(49 / FRAME_S))
    assert [mask[together].mean() > 0.8 for mask in masks] == [True, True]


def test_an_open_microphone_nobody_speaks_into_says_nothing(tmp_path: Path) -> None:
    ana = babble(20)
    files = (wav(tmp_path / "ana.wav", ana), wav(tmp_path / "open.wav", ana * np.float32(0.05)))
    assert {part.track for part in survey(files, True, quiet)} == {0}


def test_between_its_spans_a_slice_is_silent(tmp_path: Path) -> None:
    file = wav(tmp_path / "ana.wav", babble(10))
    samples = sound_of(file.path, (Span(start_s=1, end_s=2), Span(start_s=5, end_s=7)))
    assert len(samples) == 6 * RATE_HZ
    assert not samples[RATE_HZ : 4 * RATE_HZ].any()
    assert (samples[4 * RATE_HZ :] == samples_of(file.path, 5, 7)).all()


def test_who_says_little_speaks_the_language_of_who_says_most(tmp_path: Path) -> None:
    talker, guest = babble(60), np.concatenate([silence(60), babble(5, 200.0, 3)])
    files = (wav(tmp_path / "guest.wav", guest), wav(tmp_path / "talker.wav", talker))
    most, least = survey(files, True, quiet)
    assert (most.track, least.track) == (1, 0)
    assert most.language_from == least.language_from == most.sha256


def test_other_sound_than_16_khz_mono_is_refused_by_name(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "wide.wav"), "wb") as file:
        file.setparams((2, 2, 48000, 0, "NONE", ""))
    (tmp_path / "text.wav").write_text("not a wave at all")
    for name in ("wide.wav", "text.wav"):
        with pytest.raises(Broken, match=name):
            samples_of(tmp_path / name)
