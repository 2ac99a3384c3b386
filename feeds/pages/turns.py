"""The words of an episode as a page shows them: chapters of turns, and when each word is said, in one letter a word."""

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby, pairwise

from pipeline.models import Chapter, Segment
from pipeline.telling import Script

# A turn becomes a new paragraph after such a pause, or after a sentence once it is this long.
_NEW_AFTER_PAUSE_S, _NEW_AFTER_LETTERS = 2.5, 480
# A chapter may begin a little after the sentence it is made for.
_CHAPTER_SLACK_S = 0.75

# Word starts travel as steps of a tenth of a second, one letter each; the last letter means "that many, and the next letter's too".
STEP_S = 0.1
LETTERS = "".join(chr(c) for c in range(35, 127) if chr(c) not in "\\<&'\"")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A paragraph of one voice; `start_s` in tenths, never late, so that a link opens before its first word."""

    speaker: str | None
    start_s: float
    end_s: float
    text: str
    # the seconds at which the space-separated parts of `text` begin; empty: not known
    starts_s: tuple[float, ...]
    # the same voice goes on: its name need not be said again
    goes_on: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A chapter with its turns; a page without chapters has one part without a chapter."""

    chapter: Chapter | None
    number: int
    turns: tuple[Turn, ...]


def parts(script: Script) -> tuple[Part, ...]:
    """Every segment of the script, once, under the chapter in which it begins."""
    starts = [c.start_s - _CHAPTER_SLACK_S for c in script.chapters]
    segments = [s for s in script.segments if s.text.strip()]
    by_chapter = {n: list(group) for n, group in groupby(segments, key=lambda s: bisect_right(starts, s.start_s))}
    before = [Part(chapter=None, number=0, turns=turns(by_chapter[0]))] if 0 in by_chapter else []
    return (*before, *(Part(chapter=c, number=n, turns=turns(by_chapter.get(n, []))) for n, c in enumerate(script.chapters, 1)))


def turns(segments: Sequence[Segment]) -> tuple[Turn, ...]:
    """Neighbouring segments of one voice, joined into paragraphs that can be read."""
    groups = list(_paragraphs(segments))
    speakers = [group[0].speaker for group in groups]
    return tuple(_turn(g, goes_on=n > 0 and speakers[n] == speakers[n - 1]) for n, g in enumerate(groups))


def _paragraphs(segments: Iterable[Segment]) -> Iterator[list[Segment]]:
    group: list[Segment] = []
    for segment in segments:
        if group and _breaks(group, segment):
            yield group
            group = []
        group.append(segment)
    if group:
        yield group


def _breaks(group: Sequence[Segment], following: Segment) -> bool:
    last = group[-1]
    if following.speaker != last.speaker or following.start_s - last.end_s > _NEW_AFTER_PAUSE_S:
        return True
    return sum(len(s.text) for s in group) > _NEW_AFTER_LETTERS and last.text.rstrip().endswith((".", "?", "!", "…", "。"))


def _turn(group: Sequence[Segment], *, goes_on: bool) -> Turn:
    known = all(s.words for s in group)
    return Turn(
        speaker=group[0].speaker,
        start_s=math.floor(group[0].start_s * 10 + 1e-6) / 10,
        end_s=group[-1].end_s,
        text=" ".join(" ".join(s.text.split()) for s in group),
        starts_s=tuple(at for s in group for at in word_starts_s(s)) if known else (),
        goes_on=goes_on,
    )


def word_starts_s(segment: Segment) -> tuple[float, ...]:
    """When each space-separated part of the segment's text begins; an edited text by the word at the same share of its letters."""
    spelled = [max(len(w.text.strip()), 1) for w in segment.words]
    shown = [len(part) for part in segment.text.split()]
    if len(spelled) == len(shown):
        return tuple(w.start_s for w in segment.words)
    ends = list(accumulate(spelled))
    scale = ends[-1] / sum(shown)
    places = accumulate(shown[:-1], initial=0)
    return tuple(segment.words[min(bisect_right(ends, p * scale), len(ends) - 1)].start_s for p in places)


def written_starts(turn: Turn) -> str:
    """The turn's word starts, counted from its own start, as letters: what player.js reads back."""
    steps = [max(0, round((at - turn.start_s) / STEP_S)) for at in turn.starts_s]
    rising = list(accumulate(steps, max, initial=0))
    return "".join(_letters(later - earlier) for earlier, later in pairwise(rising))


def _letters(steps: int) -> str:
    full = len(LETTERS) - 1
    return LETTERS[-1] * (steps // full) + LETTERS[steps % full]
