"""Each voice of a room as a file of its own, for whoever mixes it anew: levelled, gated and cut as it is heard in the episode.

Only voices that were recorded on tracks of their own can be had so. They lie on the episode's clock, as long as it is, and silent
where the show's music plays alone.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from pipeline import ffmpeg as tool
from pipeline.accompany import silence
from pipeline.child import Children, Report, quiet
from pipeline.curve import curve
from pipeline.decode import keep_memory, shared_blocks
from pipeline.errors import Broken
from pipeline.formats import Output, named
from pipeline.joins import without_cuts
from pipeline.journal import place
from pipeline.level import LOUDEST_DBTP, Levels, level
from pipeline.limiter import Limiter
from pipeline.models import Heard, MadeFile, Participant, Timeline
from pipeline.mutes import unmuted
from pipeline.plan import LevelPlan
from pipeline.press import writer
from pipeline.score import episode_samples
from pipeline.sounding import sounding
from pipeline.speaking import rows_of
from pipeline.spectra import RATE_HZ, Sound
from pipeline.verify import heard_again

FORMAT = named("flac")


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """Somebody's voice alone; `number` is its place among the room's voices, from 1."""

    number: int
    participant: Participant
    file: MadeFile


def apart(
    timeline: Timeline, heard: Heard, plan: LevelPlan = LevelPlan(), *, children: Children, scratch: Path, report: Report = quiet
) -> tuple[Voice, ...]:
    """The voices that are heard, each in its file, decoded again; none of a room in one file. Broken when one came out wrong."""
    people = _heard(timeline)
    if not people:
        return ()
    folder = place(scratch, apart, timeline, heard, plan)
    levels = level(timeline, heard, plan, scratch=scratch)
    work = Work(numbers=tuple(people), folder=folder, scratch=scratch, binary=tool.find())
    files = children.run(parted, timeline, levels, work, report=report)
    for file in files:
        _demand(children, file, timeline)
    return tuple(Voice(number=n + 1, participant=people[n], file=file) for n, file in zip(people, files, strict=True))


def _heard(timeline: Timeline) -> dict[int, Participant]:
    """Who is not muted from start to end, by place."""
    length_s = timeline.length_s
    whole = {m.participant for m in timeline.mutes if m.start_s <= 0 and (m.end_s is None or m.end_s >= length_s)}
    everybody = () if None in whole or not timeline.separate else timeline.voices
    return {n: person for n, person in enumerate(everybody) if person.identity not in whole}


def _demand(children: Children, file: MadeFile, timeline: Timeline) -> None:
    decoded = children.run(heard_again, file, 1)
    expected = episode_samples(timeline)
    if decoded.samples != expected or (decoded.true_peak_dbtp or LOUDEST_DBTP) > LOUDEST_DBTP:
        found = f"{decoded.samples:,} samples, true peak {decoded.true_peak_dbtp} dBTP"
        raise Broken(f"{file.path.name} came out wrong: {found}; wanted {expected:,}, {LOUDEST_DBTP} dBTP", code="voice_wrong")


# ---- in the child


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Which voices are written where."""

    numbers: tuple[int, ...]
    folder: Path
    scratch: Path
    binary: str


def parted(timeline: Timeline, levels: Levels, work: Work, report: Report) -> tuple[MadeFile, ...]:
    """The files of those voices, written side by side."""
    keep_memory()
    outputs = [Output(path=work.folder / f"voice-{n + 1}{FORMAT.SUFFIX}", recipe=FORMAT.recipe(1, "fast")) for n in work.numbers]
    with ExitStack() as files:
        writers = [files.enter_context(writer(output, 1, work.binary, apart=False)) for output in outputs]
        pens = [_Pen(write, levels.ceiling_dbtp) for write in writers]
        for block in _episode(timeline, without_cuts(timeline, _rows(timeline, levels, work, report)), len(pens)):
            for pen, sound in zip(pens, block, strict=True):
                pen(sound[None])
        for pen in pens:
            pen.finish()
    return tuple(MadeFile.of(output.path) for output in outputs)


class _Pen:
    """Writes one voice, under the ceiling."""

    def __init__(self, write: Callable[[bytes], None], ceiling_dbtp: float) -> None:
        self.write, self.limiter = write, Limiter(1, ceiling_dbtp)

    def __call__(self, sound: Sound) -> None:
        self._put(self.limiter(sound))

    def finish(self) -> None:
        """The end, which was still waiting."""
        self._put(self.limiter.rest())

    def _put(self, sound: Sound) -> None:
        if sound.size:
            self.write(sound.tobytes())


def _episode(timeline: Timeline, room: Iterable[Sound], voices: int) -> Iterator[Sound]:
    before, after = (silence(voices, round(seconds * RATE_HZ)) for seconds in (timeline.intro_s, timeline.outro_s))
    return chain(before, room, after)


def _rows(timeline: Timeline, levels: Levels, work: Work, report: Report) -> Iterator[tuple[int, Sound]]:
    """Blocks of the room with a voice a row, each with its first sample."""
    with np.load(levels.curves.path, allow_pickle=False) as arrays:
        gain_db = arrays["gain_db"]
    tracks = [rows_of(timeline, timeline.voices[n].identity) for n in work.numbers]
    total = round(timeline.length_s * RATE_HZ)
    lengths = (length for _, length in shared_blocks(total))
    for (first, row), length in zip(sounding(timeline.tracks, 1, total, work.scratch), lengths, strict=True):
        voices = np.zeros((len(tracks), length), np.float32)
        for voice, own in zip(voices, tracks, strict=True):
            for n in own:
                block = row[n]
                if block is not None:
                    voice += unmuted(timeline, n, first, block)[0] * curve(gain_db[n], first, length)
        report(first / total)
        yield first, voices
