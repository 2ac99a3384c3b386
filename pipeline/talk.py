"""A transcript as a conversation: turns, and in them sentences with times."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from pipeline.models import Segment
from pipeline.sentences import parts_of, sentences

# One voice that pauses that long begins a new paragraph; shorter where nobody can say who speaks.
PARAGRAPH_PAUSE_S = 1.5
MIX_PAUSE_S = 0.7
# Segments with more sentences than this, taken together, are paragraphs as somebody wrote them.
PARAGRAPH_SENTENCES = 1.3
# "Mhm", "yeah, right": said into another's turn, it ends no turn.
ASIDE_WORDS = 2
ASIDE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one voice says before another does, or before it pauses."""

    speaker: str | None
    sentences: tuple[Segment, ...]

    @property
    def start_s(self) -> float:
        return self.sentences[0].start_s

    @property
    def end_s(self) -> float:
        return self.sentences[-1].end_s

    @property
    def text(self) -> str:
        return " ".join(s.text for s in self.sentences)


def turns_of(segments: Sequence[Segment]) -> tuple[Turn, ...]:
    """The conversation's turns in order; paragraphs where only one voice, or nobody, is named."""
    spoken = [s for s in segments if s.text.strip()]
    paragraphs = sum(len(parts_of(s.text)) for s in spoken) > PARAGRAPH_SENTENCES * len(spoken)
    several = len({s.speaker for s in spoken}) > 1
    pause_s = PARAGRAPH_PAUSE_S if several else MIX_PAUSE_S
    runs = [[s] for s in spoken] if paragraphs else _runs(list(_without_asides(spoken)) if several else spoken, pause_s)
    return tuple(Turn(speaker=run[0].speaker, sentences=tuple(s for segment in run for s in sentences(segment))) for run in runs)


def _without_asides(segments: Sequence[Segment]) -> Iterator[Segment]:
    for n, segment in enumerate(segments):
        before = segments[n - 1].speaker if n else None
        after = segments[n + 1].speaker if n + 1 < len(segments) else None
        short = len(segment.text.split()) <= ASIDE_WORDS and segment.end_s - segment.start_s <= ASIDE_S
        if not (short and before == after != segment.speaker):
            yield segment


def _runs(segments: Sequence[Segment], pause_s: float) -> list[list[Segment]]:
    numbers = []
    number = 0
    for n, segment in enumerate(segments):
        before = segments[n - 1] if n else segment
        number += before.speaker != segment.speaker or segment.start_s - before.end_s >= pause_s
        numbers.append(number)
    return [[s for s, _ in run] for _, run in groupby(zip(segments, numbers, strict=True), key=lambda pair: pair[1])]
