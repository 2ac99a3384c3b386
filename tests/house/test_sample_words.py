"""The sample room can be understood: PocketSphinx reads each turn from its track."""

import re
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
from sample_room import TRUTH, sound_of

pocketsphinx = pytest.importorskip("pocketsphinx")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
RATE_HZ = 16_000


def words_of(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def heard_in(turn: dict) -> list[str]:
    sound = sound_of(turn, RATE_HZ).astype(np.float64)
    quiet = np.zeros(RATE_HZ // 2)
    level = np.concatenate([quiet, sound * 0.08 / np.sqrt(np.mean(sound**2)), quiet])
    decoder = pocketsphinx.Decoder(samprate=RATE_HZ, loglevel="FATAL")
    decoder.start_utt()
    decoder.process_raw((np.clip(level, -1, 1) * 32767).astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
    return words_of(decoder.hyp().hypstr) if decoder.hyp() else []


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
    assert all(wrong[who] / said[who] <= 0.2 for who in said)
