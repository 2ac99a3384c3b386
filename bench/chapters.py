"""How well computed chapters match those that people set, on labelled talks beside the project.

    python bench/chapters.py [FILE]

Pk and WindowDiff count wrong places (0 is perfect), F1@30 s the boundaries found within half a minute, one to one; the count ratio
is chapters found to chapters there. Exit status 1 when the figures of the design are missed, 0 also where the talks are absent.
"""

import json
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from pipeline.chapter import chapters_of_json

TALKS = Path(__file__).parents[2] / "shared" / "data" / "chapters" / "datatalks-developers.json"
SENTENCE = re.compile(r"""(?<=[.!?…])["”’)]*\s+(?=[A-Z“"'0-9])""")
MOST_PK, LEAST_F1, MOST_S = 0.32, 0.56, 0.2
WITHIN_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One talk; `seconds_per_hour` of talk, CPU time."""

    pk: float
    window_diff: float
    f1: float
    count_ratio: float
    seconds_per_hour: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """Sentences with their times, the first sentence of each turn, and with which sentences chapters really begin."""

    times_s: list[float]
    firsts: list[int]
    true: list[int]
    duration_s: float
    document: dict[str, Any]


def measured(path: Path, *, speakers: bool = True) -> list[Score]:
    """The scores of every talk in the file."""
    return [_scored(_talk(entry, speakers)) for entry in json.loads(path.read_text())]


def mean(scores: Sequence[Score]) -> Score:
    return Score(**{name: fmean(getattr(s, name) for s in scores) for name in Score.__slots__})


def _talk(entry: dict[str, Any], speakers: bool) -> Talk:
    edges = np.cumsum([0, *(len(turn["text"]) + 1 for turn in entry["turns"])])
    known = [(edge, turn["sec"]) for edge, turn in zip(edges, entry["turns"], strict=False) if turn["sec"] is not None]
    places, seconds = zip(*known, (edges[-1], entry["duration"]), strict=True)
    starts_s = np.interp(edges, places, seconds).tolist()
    firsts: list[int] = []
    at: list[int] = []
    for turn, edge in zip(entry["turns"], edges, strict=False):
        firsts.append(len(at))
        at += [edge + place for place in _places(turn["text"])]
    segments = [
        {"startTime": start_s, "endTime": end_s, "body": turn["text"]} | ({"speaker": turn["who"]} if speakers else {})
        for turn, start_s, end_s in zip(entry["turns"], starts_s, starts_s[1:], strict=False)
    ]
    true = sorted({firsts[chapter["turn"]] for chapter in entry["chapters"]} - {0})
    times_s = np.interp(at, places, seconds).tolist()
    return Talk(times_s=times_s, firsts=firsts, true=true, duration_s=entry["duration"], document={"segments": segments})


def _places(text: str) -> Iterator[int]:
    at = 0
    for sentence in SENTENCE.split(text):
        at = text.find(sentence, at)
        yield at
        at += len(sentence)


def _scored(talk: Talk) -> Score:
    began = time.process_time()
    chapters = chapters_of_json(talk.document)
    spent_s = time.process_time() - began
    found = sorted({_nearest(talk, c.start_s) for c in chapters} - {0})
    pk, window_diff = _segmentation(talk.true, found, len(talk.times_s))
    return Score(
        pk=pk,
        window_diff=window_diff,
        f1=_f1([talk.times_s[n] for n in found], [talk.times_s[n] for n in talk.true]),
        count_ratio=(len(found) + 1) / (len(talk.true) + 1),
        seconds_per_hour=spent_s / talk.duration_s * 3600,
    )


def _nearest(talk: Talk, at_s: float) -> int:
    return min(talk.firsts, key=lambda n: abs(talk.times_s[n] - at_s))


def _segmentation(true: Sequence[int], found: Sequence[int], sentences: int) -> tuple[float, float]:
    r, h = np.zeros(sentences, int), np.zeros(sentences, int)
    r[list(true)] = h[list(found)] = 1
    k = max(2, round(sentences / (len(true) + 1) / 2))
    dr, dh = ((x := marks.cumsum())[k:] - x[:-k] for marks in (r, h))
    return float(np.mean((dr != 0) != (dh != 0))), float(np.mean(dr != dh))


def _f1(found: Sequence[float], true: Sequence[float]) -> float:
    left = list(true)
    for at in found:
        near = [t for t in left if abs(t - at) <= WITHIN_S]
        if near:
            left.remove(min(near, key=lambda t: abs(t - at)))
    hits = len(true) - len(left)
    return 2 * hits / (len(found) + len(true)) if hits else 0.0


def main(path: Path = TALKS) -> int:
    if not path.is_file():
        print(f"skipped: the labelled talks are not here ({path.name})")
        return 0
    print(f"{'':18} {'Pk':>6} {'WinDiff':>8} {'F1@30':>6} {'count':>6} {'s/hour':>7}")
    scores = {name: mean(measured(path, speakers=named)) for name, named in (("with speakers", True), ("without speakers", False))}
    for name, s in scores.items():
        print(f"{name:18} {s.pk:6.3f} {s.window_diff:8.3f} {s.f1:6.3f} {s.count_ratio:6.2f} {s.seconds_per_hour:7.3f}")
    return int(any(s.pk > MOST_PK or s.f1 < LEAST_F1 or s.seconds_per_hour >= MOST_S for s in scores.values()))


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
