"""What is kept of sound that goes by: powers and peaks for the meter, band powers, hum, and 16 kHz for the recogniser."""

from pathlib import Path
from typing import IO

import numpy as np

from pipeline.filters import empty
from pipeline.hum import HumFinder, power_spectra
from pipeline.loudness import FRAME, PEAK, TruePeak, frame_peaks, frame_powers, weighted
from pipeline.models import MadeFile
from pipeline.spectra import FFT, HOP, RATE_HZ, Sound, Spectra, Spectrum, decimated, response
from pipeline.wav import HEADER_BYTES, header
from pipeline.weighting import Weighting

# Third-octave bands, 50 Hz to 16 kHz (IEC 61260-1, base ten): their edges as bins of a spectrum.
BANDS_HZ = 1000 * 10 ** (np.arange(-13, 13) / 10)
_EDGES = np.rint(np.append(BANDS_HZ * 10**-0.05, BANDS_HZ[-1] * 10**0.05) * FFT / RATE_HZ).astype(int)


# Sound of (channels, samples), and its spectra of all channels as one.
Audible = tuple[Sound, Spectrum]


class Row:
    """What is kept of one signal: powers and peaks frame by frame, bands spectrum by spectrum, and the largest true peak."""

    def __init__(self, total: int, channels: int) -> None:
        frames = -(-total // FRAME)
        self.weighting = [Weighting() for _ in range(channels)]
        self.power = np.zeros(frames, np.float32)
        self.peak = np.zeros(frames * (FRAME // PEAK), np.float32)
        self.bands = np.zeros((-(-total // HOP), len(BANDS_HZ)), np.float32)
        self.true_peak = TruePeak(channels)
        self.hum = HumFinder()

    def hear(self, first: int, heard: Audible) -> None:
        """Note a block of sound."""
        sound, spectra = heard
        power, peak = frame_powers(weighted(self.weighting, sound)), frame_peaks(sound)
        self.power[first // FRAME : first // FRAME + len(power)] = power
        self.peak[first // PEAK : first // PEAK + len(peak)] = peak
        self.true_peak(sound)
        bins = power_spectra(spectra)
        self.hum(bins)
        self.bands[first // HOP : first // HOP + len(bins)] = np.add.reduceat(bins, _EDGES, axis=1)[:, :-1]


# ---- 16 kHz for the recogniser

SPEECH_HZ = 16_000
FACTOR = RATE_HZ // SPEECH_HZ
# Taps either side of the low-pass: a multiple of FACTOR, so that its delay is whole samples at both rates.
HALF = 510
_LOW_PASS_HZ = 7800
_N = np.arange(-HALF, HALF + 1)
_NARROW = response(2 * _LOW_PASS_HZ / RATE_HZ * np.sinc(2 * _LOW_PASS_HZ / RATE_HZ * _N) * np.hamming(2 * HALF + 1))


class Ear:
    """One track, block by block."""

    def __init__(self, channels: int) -> None:
        self.channels = channels
        self.spectra = Spectra()

    def hear(self, block: Sound | None, length: int) -> Audible | None:
        """What is heard of a block; None where it is silence and nothing rings on."""
        if block is None and self.spectra.resting:
            return None
        sound = empty(self.channels, length) if block is None else block
        return sound, self.spectra(middle(sound)[0])


def middle(sound: Sound) -> Sound:
    """All channels as one."""
    return sound if len(sound) == 1 else sound.mean(0, keepdims=True)


class Speech:
    """A 16 kHz mono s16 WAV from the timeline's second 0; silence is a hole in the file, which takes no room on the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file: IO[bytes] = path.open("wb")
        # The filter answers late: so much of its first answer is thrown away.
        self.at = -(HALF // FACTOR)

    def write(self, heard: Audible | None, length: int) -> None:
        """Write down so many samples at 48 kHz."""
        if heard is not None:
            self._write(heard[1])
        self.at += length // FACTOR

    def _write(self, spectra: Spectrum) -> None:
        narrow = decimated(spectra, _NARROW, FACTOR)
        samples = np.clip(np.rint(narrow * 32767), -32768, 32767).astype("<i2")
        late = max(-self.at, 0)
        self._seek(max(self.at, 0))
        self.file.write(samples[late:].tobytes())

    def finish(self, total: int) -> MadeFile:
        """The file, whole: `total` samples at 48 kHz long."""
        size = -(-total // FACTOR) * 2
        self.file.truncate(HEADER_BYTES + size)
        self.file.seek(0)
        self.file.write(header(size, "s16", rate_hz=SPEECH_HZ, channels=1))
        self.file.close()
        return MadeFile.of(self.path)

    def _seek(self, sample: int) -> None:
        self.file.seek(HEADER_BYTES + 2 * sample)
