"""Filters as impulse responses laid over blocks by FFT (overlap-save): numpy alone, the same numbers whatever the block length."""

import numpy as np
from numpy.typing import NDArray

# A response may have FFT - HOP + 1 samples; the FFT of 2^11 · 9 was the fastest per sample, and a third of it is another rate.
HOP = 15_000
FFT = 18_432

RATE_HZ = 48_000

Sound = NDArray[np.float32]
Spectrum = NDArray[np.complex64]


class Spectra:
    """Blocks of one channel as overlapping spectra, from which filters read their answers."""

    def __init__(self) -> None:
        self.history = np.zeros(FFT - HOP, np.float32)

    @property
    def resting(self) -> bool:
        """Whether silence would be answered with silence."""
        return not self.history.any()

    def __call__(self, block: Sound) -> Spectrum:
        """One spectrum for each HOP of the block; the last is filled up with silence."""
        count = -(-len(block) // HOP)
        padded = np.concatenate([self.history, block, np.zeros(count * HOP - len(block), np.float32)])
        self.history = padded[len(block) : len(block) + FFT - HOP].copy()
        windows = np.lib.stride_tricks.sliding_window_view(padded, FFT)[::HOP][:count]
        # Laid out one behind another first: on overlapping views the transform takes twice as long.
        return _single(np.fft.rfft(np.ascontiguousarray(windows)))


def response(taps: NDArray[np.float64]) -> Spectrum:
    """The spectrum of an impulse response of at most FFT - HOP + 1 samples."""
    return _single(np.fft.rfft(taps, FFT))


def _single(spectrum: "NDArray[np.complexfloating]") -> Spectrum:
    return np.asarray(spectrum, np.complex64)


def decimated(spectra: Spectrum, by: Spectrum, factor: int) -> Sound:
    """The sound as the filter answers, at a rate that is `factor` times lower; it must leave nothing above half of that rate."""
    keep = FFT // factor // 2 + 1
    narrow = np.fft.irfft(spectra[:, :keep] * by[:keep], FFT // factor)
    return np.asarray(narrow[:, (FFT - HOP) // factor :].reshape(-1) / np.float32(factor), np.float32)
