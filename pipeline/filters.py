"""What is taken out of a track before anything is decided: rumble always, mains hum where there is any, noise on request."""

from collections.abc import Iterable, Iterator

import numpy as np

from pipeline.biquads import Biquads, Section, high_pass, notch
from pipeline.denoise import denoised
from pipeline.models import Track
from pipeline.spectra import Sound

# No voice is lower, and what is comes from tables, wind and breath.
RUMBLE_HZ = 75.0
# Mains hum and the overtones that are heard; wide enough for a mains that drifts and for a recorder's clock.
HUM_LINES, HUM_WIDTH_HZ = 5, 6.0


# A block of a track, None being silence, and how many samples it stands for.
Block = tuple[Sound | None, int]


def filtered(track: Track, channels: int, blocks: Iterable[Block]) -> Iterator[Sound | None]:
    """The blocks of a track, filtered; None stays silence."""
    passed = _passed(track, channels, blocks)
    if not track.denoise:
        return (sound for sound, _ in passed)
    return denoised(_empty(channels, length) if sound is None else sound for sound, length in passed)


def _passed(track: Track, channels: int, blocks: Iterable[Block]) -> Iterator[Block]:
    filters = [Biquads(_sections(track)) for _ in range(channels)]
    for block, length in blocks:
        if block is None and all(one.resting for one in filters):
            yield None, length
            continue
        sound = _empty(channels, length) if block is None else block
        yield np.stack([one(channel) for one, channel in zip(filters, sound, strict=True)]), length


def _empty(channels: int, length: int) -> Sound:
    return np.zeros((channels, length), np.float32)


def _sections(track: Track) -> tuple[Section, ...]:
    lines = range(1, HUM_LINES + 1) if track.hum_hz else ()
    return (high_pass(RUMBLE_HZ), *(notch(n * (track.hum_hz or 0.0), HUM_WIDTH_HZ) for n in lines))
