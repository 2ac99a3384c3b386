"""The same word on two tracks at once is one voice in two microphones: it stays where it is louder."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from pipeline.doubt import plain
from pipeline.models import Segment, Word
from pipeline.sentences import with_words

TOGETHER_S = 0.3
LOUDER_DB = 3.0
# (track, start_s, end_s) -> dBFS
Loudness: TypeAlias = Callable[[int, float, float], float]
Spoken: TypeAlias = tuple[int, Segment]


def without_leaks(spoken: Sequence[Spoken], loudness: Loudness) -> tuple[Spoken, ...]:
    """Each track's segments without the words that are heard on a louder track at the same time."""
    heard: defaultdict[str, list[tuple[int, Word]]] = defaultdict(list)
    for track, segment in spoken:
        for word in segment.words:
            heard[plain(word.text)].append((track, word))

    def leaked(track: int, word: Word) -> bool:
        others = _elsewhere(heard[plain(word.text)], track, word)
        return any(loudness(*_place(*other)) > loudness(*_place(track, word)) + LOUDER_DB for other in others)

    kept = ((track, with_words(s, tuple(w for w in s.words if not leaked(track, w)))) for track, s in spoken)
    return tuple((track, segment) for track, segment in kept if segment)


def _elsewhere(places: Sequence[tuple[int, Word]], track: int, word: Word) -> Iterator[tuple[int, Word]]:
    return ((t, w) for t, w in places if t != track and abs(w.start_s - word.start_s) <= TOGETHER_S)


def _place(track: int, word: Word) -> tuple[int, float, float]:
    return track, word.start_s, word.end_s
