"""What is taken out of a track: rumble always and noise on request, before anything is decided; mains hum where it was found."""

from collections.abc import Iterable, Iterator

import numpy as np

from pipeline.biquads import Biquads, Section, high_pass, notch
from pipeline.denoise import denoised
from pipeline.models import Track
from pipeline.spectra import Sound

# No voice is lower, and what is comes from tables, wind and breath. What has two channels may be music, which has basses.
RUMBLE_HZ, STEREO_RUMBLE_HZ = 75.0, 40.0
# Wide enough for a mains that drifts and for a recorder's clock; three times that took up to .07 of a voice's STOI (ours).
HUM_WIDTH_HZ = 2.0


# A block of a track, None being silence, and how many samples it stands for.
Block = tuple[Sound | None, int]


class Filter:
    """Sections one behind another on every channel; without any, sound passes as it is."""

    def __init__(self, sections: tuple[Section, ...], channels: int) -> None:
        self.channels = [Biquads(sections) for _ in range(channels)] if sections else []

    def __call__(self, block: Sound | None, length: int) -> Sound | None:
        """The block, filtered; None where it was silence and nothing rings on."""
        if not self.channels or (block is None and all(one.resting for one in self.channels)):
            return block
        sound = empty(len(self.channels), length) if block is None else block
        return np.stack([one(channel) for one, channel in zip(self.channels, sound, strict=True)])


def empty(channels: int, length: int) -> Sound:
    """Silence as samples."""
    return np.zeros((channels, length), np.float32)


def filtered(track: Track, channels: int, blocks: Iterable[Block]) -> Iterator[Sound | None]:
    """The blocks of a track, filtered; None stays silence."""
    passed = _passed(channels, blocks, untouched=track.untouched)
    if not track.denoise:
        return (sound for sound, _ in passed)
    return denoised(empty(channels, length) if sound is None else sound for sound, length in passed)


def _passed(channels: int, blocks: Iterable[Block], *, untouched: bool) -> Iterator[Block]:
    rumble = Filter(() if untouched else (high_pass(RUMBLE_HZ if channels == 1 else STEREO_RUMBLE_HZ),), channels)
    return ((rumble(block, length), length) for block, length in blocks)


def hum_filter(track: Track, channels: int) -> Filter:
    """What takes the track's hum out, where it has any."""
    return Filter(tuple(notch(line_hz, HUM_WIDTH_HZ) for line_hz in track.hum_lines_hz), channels)
