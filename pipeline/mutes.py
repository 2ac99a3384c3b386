"""Where a creator has silenced a voice: in what was measured of it, and in its sound.

A voice with a track of its own is gone, but for what the microphones of others hear of it. One voice cannot be taken out of a file
of everybody: there a mute silences all for its seconds, whomever it names (`clean` drops the name). Which seconds are whose only
the words know, so whoever offers to mute a person in such a room makes mutes of that person's turns.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipeline.cuts import united
from pipeline.listen import Measures
from pipeline.loudness import FRAME, PEAK
from pipeline.models import Timeline, Track
from pipeline.spectra import RATE_HZ, Sound

# A mute fades out and in, in its own seconds: not a sample beside it is touched.
FADE = RATE_HZ // 100


def silenced(timeline: Timeline, measured: Measures) -> Measures:
    """The measures as if nobody had spoken where they are muted; a frame that is muted in part counts as silent."""
    if not timeline.mutes:
        return measured
    power, peak = measured.power.copy(), measured.peak.copy()
    for row, track in zip(range(len(power)), timeline.tracks, strict=False):
        for start, end in _muted(timeline, track):
            power[row, start // FRAME : -(-end // FRAME)] = 0
            peak[row, start // PEAK : -(-end // PEAK)] = 0
    return replace(measured, power=power, peak=peak)


def unmuted(timeline: Timeline, track: int, first: int, block: Sound) -> Sound:
    """What is heard of a track's block that begins at the sample `first`; the block itself where all of it is."""
    heard = block
    for start, end in _muted(timeline, timeline.tracks[track]):
        begin, stop = max(start, first), min(end, first + block.shape[1])
        if begin < stop:
            heard = block.copy() if heard is block else heard
            heard[:, begin - first : stop - first] *= _fading(np.arange(begin, stop), start, end, timeline)
    return heard


def _fading(at: NDArray[np.intp], start: int, end: int, timeline: Timeline) -> Sound:
    """Factors of the samples `at` of a muted stretch; at the room's own ends there is nothing to fade from or to."""
    since = at - start if start > 0 else np.full_like(at, FADE)
    until = end - 1 - at if end < _samples(timeline.length_s) else np.full_like(at, FADE)
    return np.asarray(1 - np.minimum(np.minimum(since, until) / FADE, 1), np.float32)


def _muted(timeline: Timeline, track: Track) -> Iterator[tuple[int, int]]:
    """First sample and end of every stretch in which that track is silent."""
    spans = (
        (mute.start_s, timeline.length_s if mute.end_s is None else mute.end_s)
        for mute in timeline.mutes
        if not timeline.separate or mute.participant in (None, track.participant)
    )
    for start_s, end_s in united(spans):
        yield _samples(max(start_s, 0.0)), _samples(min(end_s, timeline.length_s))


def _samples(seconds: float) -> int:
    return round(seconds * RATE_HZ)
