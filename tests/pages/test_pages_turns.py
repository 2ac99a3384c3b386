"""Segments become paragraphs under chapters, and every word keeps its moment."""

import random
from dataclasses import replace
from itertools import pairwise

import fakes_pages as room
import pytest

from feeds.pages.turns import LETTERS, STEP_S, Turn, parts, turns, word_starts_s, written_starts
from pipeline.models import Segment, Word


def read_back(turn: Turn) -> list[float]:
    """The reading half, as the player does it."""
    at, out = turn.start_s, []
    for letter in written_starts(turn):
        at += LETTERS.index(letter) * STEP_S
        if letter != LETTERS[-1]:
            out.append(at)
    return out


def all_turns() -> list[Turn]:
    return [turn for part in parts(room.script()) for turn in part.turns]


def test_every_segment_is_told_once_under_the_chapter_in_which_it_begins() -> None:
    told = parts(room.script())
    assert " ".join(t.text for p in told for t in p.turns).split() == " ".join(s.text for s in room.SEGMENTS).split()
    for part in told:
        assert all(part.chapter.start_s - 0.8 <= t.start_s < part.chapter.end_s for t in part.turns)


def test_words_before_the_first_chapter_are_not_lost() -> None:
    late = replace(room.CHAPTERS[1], start_s=60.0)
    told = parts(room.script(chapters=(late,)))
    assert [p.chapter for p in told] == [None, late]
    assert told[0].turns[0].start_s < 5


def test_sentences_of_one_voice_are_joined_until_somebody_else_speaks() -> None:
    for earlier, later in (pair for part in parts(room.script()) for pair in pairwise(part.turns)):
        assert earlier.speaker != later.speaker or later.start_s - earlier.end_s > 2 or len(earlier.text) > 400


def test_a_long_speech_is_cut_into_paragraphs_that_go_on() -> None:
    said = [
        Segment(speaker="A", start_s=n * 5.0, end_s=n * 5.0 + 4.9, text="This is a sentence of a fair length, I would say.")
        for n in range(30)
    ]
    told = turns(said)
    assert len(told) > 2 and [t.goes_on for t in told] == [False] + [True] * (len(told) - 1)


def test_every_word_keeps_its_moment_within_a_tenth() -> None:
    errors = [
        abs(read - true) for turn in all_turns() for read, true in zip(read_back(turn), turn.starts_s, strict=True)
    ]  # fmt: skip
    assert len(errors) == sum(len(s.text.split()) for s in room.SEGMENTS)
    assert max(errors) <= STEP_S / 2 + 1e-6


def test_long_silences_inside_a_turn_travel_too() -> None:
    starts = (0.0, 0.3, 31.7, 31.9)
    turn = Turn(speaker=None, start_s=0.0, end_s=40.0, text="so then what happened", starts_s=starts)
    assert read_back(turn) == pytest.approx(starts, abs=STEP_S / 2 + 1e-6)


def test_an_edited_text_finds_its_words_by_the_letters() -> None:
    words = tuple(
        Word(text=t, start_s=float(n), end_s=n + 0.9) for n, t in enumerate(("we", "met", "at", "castrol", "in", "spring"))
    )
    edited = Segment(speaker=None, start_s=0.0, end_s=6.0, text="we met at the Kestrel bar in spring", words=words)
    starts = word_starts_s(edited)
    assert len(starts) == 8 and list(starts) == sorted(starts)
    assert starts[0] == 0.0 and starts[4] == 3.0 and starts[-1] == 5.0


def test_words_that_go_back_in_time_do_not_break_the_letters() -> None:
    dice = random.Random(3)
    for _ in range(200):
        starts = tuple(round(10 + dice.uniform(-1, 4), 2) for _ in range(6))
        turn = Turn(speaker=None, start_s=10.0, end_s=15.0, text="a b c d e f", starts_s=starts)
        back = read_back(turn)
        assert len(back) == 6 and back == sorted(back)


def test_the_letters_need_no_escaping() -> None:
    assert len(set(LETTERS)) == len(LETTERS) and not set("<>&'\"\\\n ") & (set(LETTERS) - {">"})
