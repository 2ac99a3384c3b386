"""Where the talk turns to something else: likeness of words, what opens a topic, and how long topics last, in one search."""

import math
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
import numpy.typing as npt

from pipeline.cues import opening_logits
from pipeline.english import STOP_WORDS, SUFFIX
from pipeline.talk import Turn

Floats = npt.NDArray[np.float64]

_WORD = re.compile(r"[a-z][a-z'-]{2,}")
LIKENESS = 1.5
CUES = 1.5
SPREAD = 0.6
TOO_SHORT = 3.0
AROUND = 12
MOST_CANDIDATES = 1500
# More than any division can lose by it.
FORCED = 1e3


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How long chapters are to be."""

    target_s: float
    shortest_s: float = 60.0


class Words:
    """The words of each sentence as a TF-IDF vector of length 1 over the episode's own words, of which `between` gives sums."""

    def __init__(self, sentences: Sequence[str]) -> None:
        counts = [Counter(w for w in _WORD.findall(SUFFIX.sub("", s.lower())) if w not in STOP_WORDS) for s in sentences]
        seen = Counter(word for count in counts for word in count)
        self.column = {word: n for n, word in enumerate(sorted(seen))}
        self.rarity = {word: 1 + math.log((1 + len(sentences)) / (1 + times)) for word, times in seen.items()}
        rows = [self._row(count) for count in counts]
        self._edges = tuple(accumulate((len(places) for places, _ in rows), initial=0))
        self._places = np.array([place for places, _ in rows for place in places], np.int64)
        self._values = np.array([value for _, values in rows for value in values], np.float64)

    def _row(self, count: Counter[str]) -> tuple[list[int], list[float]]:
        values = [(1 + math.log(times)) * self.rarity[word] for word, times in count.items()]
        length = math.sqrt(sum(value * value for value in values)) or 1.0
        return [self.column[word] for word in count], [value / length for value in values]

    def between(self, first: int, last: int) -> Floats:
        """The sum of the vectors of sentences first … last - 1."""
        part = slice(self._edges[max(0, first)], self._edges[min(last, len(self._edges) - 1)])
        return np.bincount(self._places[part], self._values[part], len(self.column)).astype(np.float64)


def change_of_words(words: Words, at: Sequence[int]) -> Floats:
    """How unlike the dozen sentences before and after each place are, in deviations from the episode's mean."""
    unlike = np.array([1 - _cosine(words.between(n - AROUND, n), words.between(n, n + AROUND)) for n in at])
    spread = unlike.std()
    return np.asarray((unlike - unlike.mean()) / spread if spread > 0 else unlike * 0)


def _cosine(a: Floats, b: Floats) -> float:
    lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / lengths if lengths else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Turns, with which sentence each begins (and the last one ends), their words, and how likely each opens a topic."""

    turns: tuple[Turn, ...]
    starts: tuple[int, ...]
    words: Words
    logits: Floats


def conversation(turns: tuple[Turn, ...], host: str | None) -> Conversation:
    words = Words([s.text for turn in turns for s in turn.sentences])
    starts = tuple(accumulate((len(turn.sentences) for turn in turns), initial=0))
    logits = opening_logits(turns, change_of_words(words, starts[:-1]), host)
    return Conversation(turns=turns, starts=starts, words=words, logits=logits)


def openings(talk: Conversation, ends_s: float, forced: Collection[int], search: Search) -> tuple[int, ...]:
    """Which turns open a chapter: the first, the forced ones, and where the best division has others."""
    logits = CUES * talk.logits
    logits[list(forced)] += FORCED
    turns = _candidates(logits)
    starts = [*(talk.starts[n] for n in turns), talk.starts[-1]]
    times_s = np.array([0.0, *(talk.turns[n].start_s for n in turns[1:]), ends_s])
    parts = [talk.words.between(a, b) for a, b in pairwise(starts)]
    sums = np.vstack([np.zeros((1, len(talk.words.column))), np.cumsum(parts, axis=0)])
    return tuple(turns[n] for n in _best_path(_worth(sums, np.array(starts), times_s, search), logits[turns]))


def _candidates(logits: Floats) -> list[int]:
    """The first turn and the likeliest others: the search grows with their square."""
    likeliest = np.argsort(-np.round(logits[1:], 6), kind="stable")[: MOST_CANDIDATES - 1] + 1
    return [0, *sorted(likeliest.tolist())]


def _worth(sums: Floats, counts: npt.NDArray[np.int64], times_s: Floats, search: Search) -> Floats:
    """worth[i, j]: what is gained by one chapter from turn i to turn j, wherever it begins."""
    gram = sums @ sums.T
    own = np.diag(gram)
    together = own[None, :] + own[:, None] - 2 * gram
    sentences = np.maximum(counts[None, :] - counts[:, None], 1)
    lengths_s = np.maximum(times_s[None, :] - times_s[:, None], 0.1)
    off = np.log(lengths_s / search.target_s) ** 2 / (2 * SPREAD**2)
    return np.asarray(LIKENESS * together / sentences - off - TOO_SHORT * (lengths_s < search.shortest_s))


def _best_path(worth: Floats, logits: Floats) -> tuple[int, ...]:
    """The openings of the best division; rounded before comparing, so that every machine finds the same."""
    last = len(logits)
    best = np.full(last + 1, -np.inf)
    best[0] = 0.0
    came = np.zeros(last + 1, int)
    for j in range(1, last + 1):
        gains = np.round(best[:j] + worth[:j, j] + (logits[j] if j < last else 0.0), 6)
        came[j] = int(np.argmax(gains))
        best[j] = gains[came[j]]
    path = [int(came[last])]
    while path[-1]:
        path.append(int(came[path[-1]]))
    return tuple(reversed(path))
