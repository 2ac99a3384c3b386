"""The sample room can be understood: PocketSphinx reads each turn from its track."""

import re
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
    turns = TRUTH["turns"]
    with ProcessPoolExecutor() as pool:
        wrong = {
            turn["text"]: (turn["speaker"], errors(words_of(turn["text"]), heard))
            for turn, heard in zip(turns, pool.map(heard_in, turns), strict=True)
        }
    said = {who: sum(len(turn["words"]) for turn in turns if turn["speaker"] == who) for who in TRUTH["speakers"]}
    rates = {who: sum(n for speaker, n in wrong.values() if speaker == who) / said[who] for who in said}
    print("word error rates", {who: round(rate, 3) for who, rate in rates.items()})
    assert sum(n for _, n in wrong.values()) / sum(said.values()) <= 0.125
    assert max(rates.values()) <= 0.2
