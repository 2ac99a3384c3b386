"""Loudness by ITU-R BS.1770-5 and EBU R128: K-weighting, powers of 100 ms, gated loudness, true peak."""

from math import pi, tan

import numpy as np
from numpy.typing import NDArray

from pipeline.spectra import Sound, Spectra, Spectrum, filtered, response

RATE_HZ = 48_000
# A hundred milliseconds: the step in which loudness is counted.
FRAME = RATE_HZ // 10
# Twenty milliseconds: the step in which sample peaks are kept.
PEAK = RATE_HZ // 50
ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0
# Power of digital silence, where a logarithm needs one.
NOTHING = 1e-12

# The response of the K-weighting has fallen by 124 dB after so many samples.
TAPS = 2304

Powers = NDArray[np.float64]
Section = tuple[list[float], list[float]]


def k_weighting(rate_hz: int) -> tuple[Section, Section]:
    """The two second-order sections (b, a) of BS.1770's K-weighting at any rate."""
    k, q, v = tan(pi * 1681.974450955533 / rate_hz), 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    u, n = v**0.4996667741545416, 1 + k / q + k * k
    shelf = (
        [(v + u * k / q + k * k) / n, 2 * (k * k - v) / n, (v - u * k / q + k * k) / n],
        [1, 2 * (k * k - 1) / n, (1 - k / q + k * k) / n],
    )
    k, q = tan(pi * 38.13547087602444 / rate_hz), 0.5003270373238773
    n = 1 + k / q + k * k
    return shelf, ([1.0, -2.0, 1.0], [1, 2 * (k * k - 1) / n, (1 - k / q + k * k) / n])


def _impulse_response(taps: int) -> Powers:
    response = [1.0, *[0.0] * (taps - 1)]
    for b, a in k_weighting(RATE_HZ):
        x1 = x2 = y1 = y2 = 0.0
        for n, x in enumerate(response):
            y = b[0] * x + b[1] * x1 + b[2] * x2 - a[1] * y1 - a[2] * y2
            x1, x2, y1, y2 = x, x1, y, y1
            response[n] = y
    return np.array(response)


_K = response(_impulse_response(TAPS))


def weighted(spectra: Spectrum, length: int) -> Sound:
    """The K-weighted sound of `length` samples."""
    return filtered(spectra, _K, length)


def frame_powers(sound: Sound) -> Powers:
    """Mean square of every 100 ms of (channels, samples), added over channels; a last part frame counts as a whole one."""
    framed = _framed(sound, FRAME)
    return np.asarray(np.einsum("cfs,cfs->f", framed, framed) / FRAME, np.float64)


def frame_peaks(sound: Sound) -> Sound:
    """Largest sample of every 20 ms over all channels."""
    framed = _framed(sound, PEAK)
    return np.asarray(np.maximum(framed.max((0, 2)), -framed.min((0, 2))), np.float32)


def _framed(sound: Sound, frame: int) -> Sound:
    missing = -sound.shape[1] % frame
    return (np.pad(sound, ((0, 0), (0, missing))) if missing else sound).reshape(len(sound), -1, frame)


def lufs(power: Powers) -> Powers:
    """Loudness of K-weighted mean squares."""
    return np.asarray(-0.691 + 10 * np.log10(np.maximum(power, NOTHING)))


def integrated(powers: Powers) -> float | None:
    """Gated loudness of 100 ms powers: blocks of 400 ms every 100 ms, gates at -70 LUFS and 10 LU below; None is silence."""
    if len(powers) < 4:
        powers = np.pad(powers, (0, 4 - len(powers)))
    blocks = np.convolve(powers, np.ones(4) / 4, "valid")
    blocks = blocks[lufs(blocks) > ABSOLUTE_GATE_LUFS]
    if not len(blocks):
        return None
    gate = float(lufs(blocks.mean())) + RELATIVE_GATE_LU
    return float(lufs(blocks[lufs(blocks) > gate].mean()))


class Meter:
    """Integrated loudness and true peak of sound that comes in blocks."""

    def __init__(self, channels: int) -> None:
        self.spectra = [Spectra() for _ in range(channels)]
        self.powers: list[Powers] = []
        self.peak = TruePeak(channels)
        self.samples = 0

    def __call__(self, block: Sound) -> None:
        """Count a block of (channels, samples); all but the last are whole frames long."""
        heard = np.stack([weighted(spectra(channel), block.shape[1]) for spectra, channel in zip(self.spectra, block, strict=True)])
        self.powers.append(frame_powers(heard))
        self.peak(block)
        self.samples += block.shape[1]

    def integrated_lufs(self) -> float | None:
        return integrated(np.concatenate(self.powers)) if self.powers else None


# ---- true peak

_N = np.arange(-24, 25)
_FIR = np.sinc(_N / 4) * np.hamming(49)
_PHASES = np.pad(_FIR * 4 / _FIR.sum(), (0, 3)).reshape(13, 4).T.astype(np.float32)
# Values at both ends of an oversampled piece that do not count: its cut edge overshoots.
EDGE = 16
# Pieces in which true peak is looked for, 10 ms.
PIECE = RATE_HZ // 100


def oversampled(sound: Sound) -> Sound:
    """|sound| at four times the rate, the largest of the four phases a sample (BS.1770-5, annex 2)."""
    padded = np.pad(sound, 12)
    phases = [np.abs(np.convolve(padded, phase)[18 : 18 + len(sound)]) for phase in _PHASES]
    return np.asarray(np.maximum(np.max(phases, axis=0), np.abs(sound)), np.float32)


class TruePeak:
    """The largest true peak of sound in blocks; only pieces whose samples come near the largest so far are oversampled."""

    NEAR = 0.75

    def __init__(self, channels: int) -> None:
        self.largest = 0.0
        self.history = np.zeros((channels, EDGE), np.float32)

    def __call__(self, block: Sound) -> None:
        """Look at a block; its last few milliseconds wait for what follows them."""
        sound = np.concatenate([self.history, block], 1)
        count = max(sound.shape[1] - 2 * EDGE, 0) // PIECE
        self.history = sound[:, count * PIECE :].copy()
        if count:
            for channel in sound:
                self._look(channel[: count * PIECE + 2 * EDGE])

    def _look(self, channel: Sound) -> None:
        inner = channel[EDGE:-EDGE].reshape(-1, PIECE)
        loud = np.maximum(inner.max(1), -inner.min(1))
        self.largest = max(self.largest, float(loud.max()))
        hot = (loud > self.NEAR * self.largest) & (loud > 0)
        if hot.any():
            pieces = np.lib.stride_tricks.sliding_window_view(channel, PIECE + 2 * EDGE)[::PIECE][hot]
            peaks = oversampled(pieces.reshape(-1)).reshape(pieces.shape)
            self.largest = max(self.largest, float(peaks[:, EDGE:-EDGE].max()))

    def dbtp(self) -> float | None:
        """The true peak of all that was heard; None where that was silence."""
        self(np.zeros((len(self.history), PIECE + EDGE), np.float32))
        return 20 * float(np.log10(self.largest)) if self.largest > 1e-6 else None
