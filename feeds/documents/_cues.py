"""Segments broken into what a screen shows at once, and gathered into what one voice says at a stretch."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from pipeline.models import Segment
from pipeline.pieces import Piece, pieces_of
from pipeline.telling import Script
from pipeline.text import clean_line

LINES = 2
LONGEST_MS = 7_000
LONGEST_S = LONGEST_MS / 1000
# A silence inside a sentence that is long enough to take the line away.
PAUSE_S = 1.5
# From this share of a line on, the end of a sentence ends the cue.
FULL_ENOUGH = 0.75
SENTENCE_ENDS = (".", "?", "!", "…", "。", "？", "！")
MONOLOGUE_LETTERS = 700
BREATH_S = 2.5
LONGEST_SEGMENT = 100_000
LONGEST_NAME = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """What is shown at once."""

    start_ms: int
    end_ms: int
    speaker: str | None
    text: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Monologue:
    """What one voice says until another speaks, it pauses, or a paragraph is full."""

    start_s: float
    end_s: float
    speaker: str | None
    text: str


# ---- text that is safe to lay out


def tidied(script: Script) -> tuple[Segment, ...]:
    """The segments by their start, inside the episode, with clean text; those with nothing to show are gone."""
    segments = (_tidy(segment, script.duration_s) for segment in script.segments)
    return tuple(sorted((s for s in segments if s.text), key=lambda s: (s.start_s, s.end_s)))


def _tidy(segment: Segment, duration_s: float) -> Segment:
    start_s = min(max(segment.start_s, 0.0), duration_s)
    return Segment(
        speaker=clean_line(segment.speaker or "", LONGEST_NAME) or None, start_s=start_s,
        end_s=min(max(segment.end_s, start_s), duration_s), text=clean_line(segment.text, LONGEST_SEGMENT), words=segment.words,
    )  # fmt: skip


# ---- cues


def overlapping_cues(script: Script, width: int) -> tuple[Cue, ...]:
    """Cues at their true times: who talks across another is shown beside them."""
    segments = tidied(script)
    cues = [cue for s in segments for cue in spread(_cues(s.speaker, pieces_of(s), width), _ms(s.start_s), _ms(s.end_s), 200)]
    return tuple(sorted(cues, key=lambda cue: (cue.start_ms, cue.end_ms)))


def successive_cues(script: Script, width: int, shortest_ms: int) -> tuple[Cue, ...]:
    """Cues one after another, a new one with the speaker's name whenever the speaker changes."""
    turns = _turns(tidied(script))
    before = [None, *(speaker for speaker, _ in turns)]
    cues = [
        cue for (speaker, pieces), last in zip(turns, before, strict=False)
        for cue in _cues(speaker, pieces, width, prefix="" if speaker in (None, last) else f"{_short(speaker, width)}: ")
    ]  # fmt: skip
    return spread(cues, 0, _ms(script.duration_s), shortest_ms)


def _turns(segments: Sequence[Segment]) -> list[tuple[str | None, list[Piece]]]:
    """Who speaks what, by its start: where another voice comes in, what one voice says becomes two turns."""
    voices = {s.speaker for s in segments}
    others = {voice: [s.start_s for s in segments if s.speaker != voice] for voice in voices}
    turns = [(s.speaker, pieces) for s in segments for pieces in _split_at(others[s.speaker], pieces_of(s))]
    return sorted(turns, key=lambda turn: turn[1][0].start_s)


def _split_at(moments_s: Sequence[float], pieces: Sequence[Piece]) -> list[list[Piece]]:
    return [list(run) for _, run in groupby(pieces, key=lambda piece: bisect_right(moments_s, piece.start_s))]


def spread(cues: Sequence[Cue], first_ms: int, last_ms: int, shortest_ms: int) -> tuple[Cue, ...]:
    """The same cues one after another between two moments, none shorter than asked unless there are too many for that."""
    if not cues:
        return ()
    last_ms = max(last_ms, first_ms + len(cues))
    least = max(1, min(shortest_ms, (last_ms - first_ms) // len(cues)))
    starts: list[int] = []
    for cue in cues:
        starts.append(max(cue.start_ms, starts[-1] + least if starts else first_ms))
    limit = last_ms
    for n in reversed(range(len(starts))):
        limit = starts[n] = min(starts[n], limit - least)
    return tuple(
        replace(cue, start_ms=start, end_ms=min(max(cue.end_ms, start + least), after, start + LONGEST_MS))
        for cue, start, after in zip(cues, starts, [*starts[1:], last_ms], strict=True)
    )


def _cues(speaker: str | None, pieces: Sequence[Piece], width: int, prefix: str = "") -> list[Cue]:
    fitting = [part for piece in pieces for part in _chopped(piece, width)]
    if prefix:
        fitting.insert(0, Piece(text=prefix, start_s=fitting[0].start_s, end_s=fitting[0].start_s))
    return [_cue(lines, speaker) for lines in _laid_out(fitting, width)]


def _cue(lines: list[list[Piece]], speaker: str | None) -> Cue:
    written = ["".join(piece.text for piece in line) for line in lines]
    return Cue(
        start_ms=_ms(lines[0][0].start_s), end_ms=_ms(lines[-1][-1].end_s), speaker=speaker,
        text="".join(written).strip(), lines=tuple(line.strip() for line in written),
    )  # fmt: skip


def _laid_out(pieces: Sequence[Piece], width: int) -> Iterator[list[list[Piece]]]:
    """Pieces on lines, lines on cues."""
    cue: list[list[Piece]] = [[]]
    for piece in pieces:
        if cue[0] and _breaks(cue, piece, width):
            yield cue
            cue = [[]]
        if cue[-1] and _letters([*cue[-1], piece]) > width:
            if len(cue) == LINES:
                yield cue
                cue = [[]]
            else:
                cue.append([])
        cue[-1].append(piece)
    if cue[0]:
        yield cue


def _breaks(cue: list[list[Piece]], piece: Piece, width: int) -> bool:
    first, last = cue[0][0], cue[-1][-1]
    if piece.end_s - first.start_s > LONGEST_S or piece.start_s - last.end_s > PAUSE_S:
        return True
    sentence = last.text.rstrip().endswith(SENTENCE_ENDS)
    return sentence and sum(_letters(line) for line in cue) >= FULL_ENOUGH * width


def _letters(line: Sequence[Piece]) -> int:
    return len("".join(piece.text for piece in line).strip())


def _chopped(piece: Piece, width: int) -> Iterator[Piece]:
    """The piece, or parts that fit on a line each when it is longer than one."""
    if len(piece.text.strip()) <= width:
        yield piece
        return
    share_s = (piece.end_s - piece.start_s) / len(piece.text)
    for at in range(0, len(piece.text), width):
        text = piece.text[at : at + width]
        yield Piece(text=text, start_s=piece.start_s + at * share_s, end_s=piece.start_s + (at + len(text)) * share_s)


def _short(speaker: str | None, width: int) -> str:
    return clean_line(speaker or "", width - 4)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


# ---- monologues


def monologues(script: Script) -> tuple[Monologue, ...]:
    """The script in paragraphs, each of one voice."""
    return tuple(
        Monologue(start_s=run[0].start_s, end_s=run[-1].end_s, speaker=run[0].speaker, text=" ".join(s.text for s in run))
        for run in _runs(tidied(script))
    )


def _runs(segments: Sequence[Segment]) -> Iterator[list[Segment]]:
    run: list[Segment] = []
    for segment in segments:
        if run and _new_paragraph(run, segment):
            yield run
            run = []
        run.append(segment)
    if run:
        yield run


def _new_paragraph(run: Sequence[Segment], segment: Segment) -> bool:
    if segment.speaker != run[-1].speaker or segment.start_s - run[-1].end_s > BREATH_S:
        return True
    return sum(len(s.text) for s in run) > MONOLOGUE_LETTERS and run[-1].text.endswith(SENTENCE_ENDS)


def draft_notice(script: Script) -> str:
    """What readers of a draft must know, in one line; empty for a full transcript."""
    if script.quality != "draft":
        return ""
    return f"Draft transcript, made by {clean_line(script.engine)} and checked by nobody: expect wrong words."
