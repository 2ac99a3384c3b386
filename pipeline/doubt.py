"""Words a recogniser makes up: loops, hints it repeats, times that cannot be. Pure; what is kept is kept as it was heard."""

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import fmean

from pipeline.models import Segment, Word
from pipeline.sentences import with_words

# A run of words is a loop when it stands there this often on end and fills this many words, copies at most this far apart.
COPIES = 3
LOOP_WORDS = 8
LONGEST_PERIOD = 40
COPY_GAP_S = 2.0
COMPRESSES = 2.4
LEAST_TEXT = 120
WORDS_PER_S = 8.0
UNSURE = 0.35
LEAST_SEGMENT_S = 0.05


def plain(text: str) -> str:
    """Lower case letters and digits only: what makes two written words the same word."""
    return re.sub(r"[\W_]+", "", text.casefold())


def is_looping(segments: Sequence[Segment]) -> bool:
    """Whether the recogniser got caught: a loop, a text that compresses like one, or more words than anybody can say."""
    words = [word for segment in segments for word in segment.words]
    spoken_s = sum(segment.end_s - segment.start_s for segment in segments)
    tokens = sum(len(segment.text.split()) for segment in segments)
    hurried = tokens >= LOOP_WORDS and tokens > WORDS_PER_S * max(spoken_s, 0.1)
    return hurried or any(_compresses(segment.text) for segment in segments) or bool(_looped(words))


def _compresses(text: str) -> bool:
    raw = text.encode()
    return len(raw) >= LEAST_TEXT and len(raw) / len(zlib.compress(raw)) > COMPRESSES


def without_loops(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """The segments with each loop said once."""
    words = [word for segment in segments for word in segment.words]
    gone = {id(words[n]) for n in _looped(words)}
    left = (with_words(s, tuple(w for w in s.words if id(w) not in gone)) for s in segments if s.words)
    return tuple(segment for segment in left if segment)


def _looped(words: Sequence[Word]) -> set[int]:
    """Which words only repeat: all copies of a run but the first."""
    texts = [plain(word.text) for word in words]
    gone: set[int] = set()
    at = 0
    while at < len(texts):
        period, end = _loop_at(texts, words, at)
        gone.update(range(at + period, end))
        at = end if period else at + 1
    return gone


def _loop_at(texts: Sequence[str], words: Sequence[Word], at: int) -> tuple[int, int]:
    """Length of the run that loops from there on, and where its last copy ends; (0, at) when none does."""
    for period in range(1, min(LONGEST_PERIOD, (len(texts) - at) // COPIES) + 1):
        end = at + period
        while end < len(texts) and texts[end] == texts[end - period] and words[end].start_s - words[end - 1].end_s <= COPY_GAP_S:
            end += 1
        if end - at >= max(COPIES * period, LOOP_WORDS):
            return period, end
    return 0, at


def without_parroting(segments: Sequence[Segment], hotwords: Sequence[str]) -> tuple[Segment, ...]:
    """The segments but those that merely recite the hints we gave."""
    hints = [plain(word) for hint in hotwords for word in hint.split()]
    return tuple(s for s in segments if not _recites([plain(t) for t in s.text.split()], _sureness(s), hints))


def _recites(texts: Sequence[str], sureness: float, hints: Sequence[str]) -> bool:
    """All its words are hints: three or more in our own order, or said without being sure."""
    known = set(hints)
    if not texts or any(text not in known for text in texts):
        return False
    follows = set(pairwise(hints))
    return sureness < UNSURE or (len(texts) > 2 and all(pair in follows for pair in pairwise(texts)))


def _sureness(segment: Segment) -> float:
    sure = [word.confidence for word in segment.words if word.confidence is not None]
    return fmean(sure) if sure else 1.0


def in_time(segments: Sequence[Segment], start_s: float, length_s: float) -> tuple[Segment, ...]:
    """The segments moved to where their slice begins, in order, inside it, no word longer than it can last."""
    out = []
    after_s = 0.0
    for segment in sorted(segments, key=lambda s: s.start_s):
        words = tuple(_timed(segment.words, after_s, length_s))
        first_s, last_s = (words[0].start_s, words[-1].end_s) if words else _inside(segment, after_s, length_s)
        after_s = last_s
        moved = tuple(replace(w, start_s=_sum(start_s, w.start_s), end_s=_sum(start_s, w.end_s)) for w in words)
        first_s = max(0.0, min(first_s, last_s - LEAST_SEGMENT_S))
        out.append(replace(segment, start_s=_sum(start_s, first_s), end_s=_sum(start_s, last_s), words=moved))
    return tuple(out)


def _inside(segment: Segment, after_s: float, length_s: float) -> tuple[float, float]:
    first_s = min(max(segment.start_s, after_s), length_s)
    return first_s, min(max(segment.end_s, first_s), length_s)


def _timed(words: Sequence[Word], after_s: float, length_s: float) -> Iterator[Word]:
    for word in words:
        start_s = min(max(word.start_s, after_s), length_s)
        longest_s = 1.0 + 0.1 * len(word.text)
        after_s = min(max(word.end_s, start_s), start_s + longest_s, length_s)
        yield replace(word, start_s=start_s, end_s=after_s)


def _sum(a: float, b: float) -> float:
    return round(a + b, 3)
