"""The show's music laid before, under and behind what is heard of the room, block by block, to the sample."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from pipeline.curve import STEP, curve
from pipeline.decode import shared_blocks
from pipeline.filters import empty
from pipeline.level import Levels
from pipeline.models import Piece, Timeline
from pipeline.score import episode_samples, room_samples
from pipeline.spectra import RATE_HZ, Sound

# Adds its sound to a block of the episode that begins at that sample.
Layer = Callable[[Sound, int], None]


def accompanied(timeline: Timeline, levels: Levels, room: Iterable[Sound]) -> Iterator[Sound]:
    """The episode: what is heard of the room, with the show's music."""
    layers = list(_layers(timeline, levels))
    before, after = (silence(levels.channels, round(seconds * RATE_HZ)) for seconds in (timeline.intro_s, timeline.outro_s))
    at = 0
    for block in chain(before, room, after):
        heard = block.copy() if layers else block
        for lay in layers:
            lay(heard, at)
        at += block.shape[1]
        yield heard


def silence(channels: int, samples: int) -> Iterator[Sound]:
    """So many samples, in blocks."""
    return (empty(channels, length) for _, length in shared_blocks(samples))


def _layers(timeline: Timeline, levels: Levels) -> Iterator[Layer]:
    music, begins = timeline.music, round(timeline.intro_s * RATE_HZ)
    with np.load(levels.curves.path, allow_pickle=False) as arrays:
        bed_db, music_db = arrays["bed_db"], arrays["music_db"]
    if music.bed:
        yield _under(_sound(music.bed, levels.channels), bed_db + music_db, begins, begins + room_samples(timeline))
    gain = np.float32(10 ** (music_db / 20))
    if music.intro:
        yield _once(_sound(music.intro, levels.channels), gain, 0)
    if music.outro:
        yield _once(_sound(music.outro, levels.channels), gain, episode_samples(timeline) - music.outro.samples)


def _sound(piece: Piece, channels: int) -> Sound:
    """Its samples, read as they are needed."""
    return np.memmap(piece.file.path, np.float32, "r").reshape(-1, channels).T


def _once(sound: Sound, gain: np.float32, first: int) -> Layer:
    def lay(block: Sound, at: int) -> None:
        begin, stop = max(first, at), min(first + sound.shape[1], at + block.shape[1])
        if begin < stop:
            block[:, begin - at : stop - at] += gain * sound[:, begin - first : stop - first]

    return lay


def _under(loop: Sound, gain_db: NDArray[np.float32], first: int, end: int) -> Layer:
    def lay(block: Sound, at: int) -> None:
        begin, stop = max(first, at), min(end, at + block.shape[1])
        if begin < stop:
            sound = loop[:, np.arange(begin - first, stop - first) % loop.shape[1]]
            block[:, begin - at : stop - at] += sound * _factors(gain_db, begin - first, stop - begin)

    return lay


def _factors(gain_db: NDArray[np.float32], first: int, length: int) -> Sound:
    """Those samples' factors, the same wherever a block begins."""
    early = first % STEP
    return curve(gain_db, first - early, early + length)[early:]
