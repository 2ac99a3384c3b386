"""Speech in slices: short enough that a lost one costs little, cut in pauses, known by their own sound.

The slice is the unit of memory, progress and resuming: a whole hour in one piece takes the recogniser 3.7 GB, slices of five
minutes 0.7 GB (measured with faster-whisper 1.2).
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.child import Report
from pipeline.engines import RATE_HZ
from pipeline.models import MadeFile
from pipeline.voices import FRAME_S, Span, levels_of, not_silent, own_voices, samples_of, spans_of, voiced

MOST_SPEECH_S = 300.0
MOST_CLOCK_S = 900.0
LOOK_BACK_S = 60.0
LEAST_PAUSE_S = 0.15
# Fewer seconds of a voice say too little about its language, and none at all are worth a recogniser's guesses.
LANGUAGE_SPEECH_S = 30.0
LEAST_TRACK_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A part of one track; outside its spans it is silent. `sha256` is of the samples that are left."""

    track: int
    spans: tuple[Span, ...]
    sha256: str
    # The slice whose sound decides which language this one speaks; often itself.
    language_from: str = ""

    @property
    def start_s(self) -> float:
        return self.spans[0].start_s

    @property
    def end_s(self) -> float:
        return self.spans[-1].end_s

    @property
    def speech_s(self) -> float:
        return sum(span.length_s for span in self.spans)


def survey(speech: tuple[MadeFile, ...], separate: bool, report: Report) -> tuple[Slice, ...]:
    """Every slice with speech, the most talkative track first. For a child process: it reads all samples.

    Where voices have tracks of their own, what is not theirs is silenced; a mix, or a voice alone, is heard but for its silence.
    """
    levels = []
    for n, file in enumerate(speech):
        levels.append(levels_of(file.path))
        report((n + 1) / len(speech) / 2)
    talks = [voiced(track) for track in levels]
    heard = own_voices(levels) if separate and len(levels) > 1 else [not_silent(track) for track in levels]
    tracks = []
    for n, (file, talk, hear) in enumerate(zip(speech, talks, heard, strict=True)):
        spans = spans_of(hear) if hear.sum() * FRAME_S >= LEAST_TRACK_S else ()
        pauses = gaps_of(spans_of(talk, pad_s=0.0, join_s=LEAST_PAUSE_S))
        tracks.append([_slice(n, file.path, part) for part in plan_slices(spans, pauses)])
        report(0.5 + (n + 1) / len(speech) / 2)
    return _with_languages([track for track in tracks if track])


def gaps_of(spans: Sequence[Span]) -> tuple[Span, ...]:
    """The pauses between spans."""
    return tuple(Span(start_s=a.end_s, end_s=b.start_s) for a, b in pairwise(spans))


def plan_slices(spans: Sequence[Span], pauses: Sequence[Span]) -> tuple[tuple[Span, ...], ...]:
    """The spans in groups of at most five minutes of speech, parted in the longest pause of a group's last minute."""
    groups = []
    rest = list(spans)
    while rest:
        cut_s = _cut_s(rest, pauses)
        groups.append(tuple(_until(rest, cut_s)))
        rest = list(_from(rest, cut_s))
    return tuple(groups)


def _cut_s(rest: Sequence[Span], pauses: Sequence[Span]) -> float:
    """Where the first group of the rest ends."""
    limit_s = min(_clock_s(rest, MOST_SPEECH_S), rest[0].start_s + MOST_CLOCK_S)
    if limit_s >= rest[-1].end_s:
        return rest[-1].end_s
    earliest_s = min(_clock_s(rest, MOST_SPEECH_S - LOOK_BACK_S), limit_s - LOOK_BACK_S)
    middles = [(p.length_s, (p.start_s + p.end_s) / 2) for p in pauses]
    fitting = [(length, middle) for length, middle in middles if earliest_s < middle <= limit_s]
    return round(max(fitting, key=lambda f: (f[0], -f[1]))[1], 3) if fitting else limit_s


def _clock_s(spans: Sequence[Span], speech_s: float) -> float:
    """When that much speech has been heard."""
    for span in spans:
        if speech_s <= span.length_s:
            return span.start_s + speech_s
        speech_s -= span.length_s
    return spans[-1].end_s


def _until(spans: Sequence[Span], cut_s: float) -> Iterator[Span]:
    return (Span(start_s=s.start_s, end_s=min(s.end_s, cut_s)) for s in spans if s.start_s < cut_s)


def _from(spans: Sequence[Span], cut_s: float) -> Iterator[Span]:
    return (Span(start_s=max(s.start_s, cut_s), end_s=s.end_s) for s in spans if s.end_s > cut_s)


def sound_of(path: Path, spans: Sequence[Span]) -> npt.NDArray[np.int16]:
    """The samples from the first span's start to the last one's end, silent between spans."""
    start_s = spans[0].start_s
    samples = samples_of(path, start_s, spans[-1].end_s).copy()
    for gap in gaps_of(spans):
        samples[round((gap.start_s - start_s) * RATE_HZ) : round((gap.end_s - start_s) * RATE_HZ)] = 0
    return samples


def _slice(track: int, path: Path, spans: tuple[Span, ...]) -> Slice:
    return Slice(track=track, spans=spans, sha256=hashlib.sha256(sound_of(path, spans).tobytes()).hexdigest())


def _with_languages(tracks: Sequence[Sequence[Slice]]) -> tuple[Slice, ...]:
    """The tracks in order of how much they say; who says little speaks the language of who says most."""
    talkative = sorted(tracks, key=lambda track: -sum(s.speech_s for s in track))
    out: list[Slice] = []
    for track in talkative:
        decides = track if sum(s.speech_s for s in track) >= LANGUAGE_SPEECH_S else talkative[0]
        out.extend(replace(s, language_from=decides[0].sha256) for s in track)
    return tuple(out)
