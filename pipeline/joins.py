"""What is heard of a room, joined where cuts were: sample-exact on the episode's clock."""

from collections.abc import Iterable, Iterator

import numpy as np

from pipeline.clock import TimeMap
from pipeline.decode import RATE_HZ
from pipeline.models import Timeline
from pipeline.spectra import Sound

# A cut fades out and in, in its own kept seconds: nothing of what was cut is heard.
FADE = RATE_HZ // 100


def kept_samples(timeline: Timeline) -> list[tuple[int, int]]:
    """First sample and end of every stretch that is heard."""
    kept = TimeMap(timeline.length_s, timeline.cuts).kept
    return [(round(start_s * RATE_HZ), round(end_s * RATE_HZ)) for start_s, end_s in kept]


def without_cuts(timeline: Timeline, blocks: Iterable[tuple[int, Sound]]) -> Iterator[Sound]:
    """What is heard of the blocks, faded where a cut begins and ends."""
    kept = kept_samples(timeline)
    for first, sound in blocks:
        for start, end in kept:
            begin, stop = max(start, first), min(end, first + sound.shape[1])
            if begin < stop:
                heard = sound[:, begin - first : stop - first].copy()
                _fade(heard, begin - start, end - begin)
                yield heard


def _fade(heard: Sound, since: int, until: int) -> None:
    """Fade what lies within FADE of the stretch's ends, which are `since` samples before and `until` after its first sample."""
    if since < FADE or until - heard.shape[1] < FADE:
        at = np.arange(heard.shape[1], dtype=np.float32)
        heard *= np.clip(np.minimum(at + since, until - 1 - at) / FADE, 0, 1)
