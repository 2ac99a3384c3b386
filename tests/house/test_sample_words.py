"""The sample room can be understood: PocketSphinx reads each turn from its track."""

import re
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
from sample_room import TRUTH, sound_of

from pipeline.engines import RATE_HZ
from pipeline.engines import pocketsphinx as engine
from pipeline.plan import SpeechPlan

pytest.importorskip("pocketsphinx")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def words_of(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def heard_in(turn: dict) -> list[str]:
    """What Aircheck's own engine makes of a turn at normal level."""
    plan = SpeechPlan()
    recognise = engine.open_recogniser(engine.find_model(plan), engine.options_of(plan, ()))
    sound = sound_of(turn, RATE_HZ)
    quiet = np.zeros(RATE_HZ // 2, np.float32)
    level = np.float32(0.08 / np.sqrt(np.mean(sound**2)))
    said = recognise(np.concatenate([quiet, sound * level, quiet]), "en", lambda share: None)
    return words_of(" ".join(segment.text for segment in said.segments))


def errors(said: list[str], heard: list[str]) -> int:
    """Words put in, left out or changed (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for n, word in enumerate(said, 1):
        before, row[0] = row[0], n
        for m, other in enumerate(heard, 1):
            before, row[m] = row[m], min(row[m] + 1, row[m - 1] + 1, before + (word != other))
    return row[-1]


def test_a_simple_recogniser_hears_seven_words_in_eight():
    with ProcessPoolExecutor() as pool:
        read = list(zip(TRUTH["turns"], pool.map(heard_in, TRUTH["turns"]), strict=True))
    wrong, said = Counter(), Counter()
    for turn, heard in read:
        wrong[turn["speaker"]] += errors(words_of(turn["text"]), heard)
        said[turn["speaker"]] += len(turn["words"])
    print("word error rates:", {who: round(wrong[who] / said[who], 3) for who in said}, round(wrong.total() / said.total(), 3))
    assert wrong.total() / said.total() <= 0.125
    assert all(wrong[who] / said[who] <= 0.25 for who in said)
