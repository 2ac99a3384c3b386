"""Loudness by ITU-R BS.1770-5 and EBU R128: powers of 100 ms, gated loudness, true peak."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.spectra import RATE_HZ, Sound
from pipeline.weighting import Weighting

# A hundred milliseconds: the step in which loudness is counted.
FRAME = RATE_HZ // 10
# Twenty milliseconds: the step in which sample peaks are kept.
PEAK = RATE_HZ // 50
ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0
# Power of digital silence, where a logarithm needs one.
NOTHING = 1e-12

Powers = NDArray[np.float64]


def weighted(weighting: Sequence[Weighting], sound: Sound) -> Sound:
    """The sound of some channels, each through its own weighting."""
    return np.stack([one(channel) for one, channel in zip(weighting, sound, strict=True)])


def frame_powers(sound: Sound) -> Powers:
    """Mean square of every 100 ms of (channels, samples), added over channels; a last part frame counts as a whole one."""
    framed = _framed(sound, FRAME)
    return np.asarray(sum(np.einsum("fs,fs->f", channel, channel) for channel in framed) / FRAME, np.float64)


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


# EBU Tech 3342: blocks of 3 s, a relative gate, and the range from the 10th to the 95th percentile.
RANGE_FRAMES, RANGE_GATE_LU, RANGE_SHARES = 30, -20.0, (0.10, 0.95)


def loudness_range(powers: Powers) -> float | None:
    """Loudness range of 100 ms powers, in LU (EBU Tech 3342); None where nothing passes the gates."""
    if len(powers) < RANGE_FRAMES:
        return None
    blocks = np.convolve(powers, np.ones(RANGE_FRAMES) / RANGE_FRAMES, "valid")
    blocks = blocks[lufs(blocks) >= ABSOLUTE_GATE_LUFS]
    if not len(blocks):
        return None
    levels = lufs(blocks)
    low, high = np.quantile(levels[levels >= float(lufs(blocks.mean())) + RANGE_GATE_LU], RANGE_SHARES)
    return round(float(high - low), 2)


class Meter:
    """Integrated loudness and true peak of sound that comes in blocks."""

    def __init__(self, channels: int) -> None:
        self.weighting = [Weighting() for _ in range(channels)]
        self.powers: list[Powers] = []
        self.peak = TruePeak(channels)
        self.samples = 0

    def __call__(self, block: Sound) -> None:
        """Count a block of (channels, samples); all but the last are whole frames long."""
        self.powers.append(frame_powers(weighted(self.weighting, block)))
        self.peak(block)
        self.samples += block.shape[1]

    def integrated_lufs(self) -> float | None:
        return integrated(np.concatenate(self.powers)) if self.powers else None

    def loudness_range_lu(self) -> float | None:
        return loudness_range(np.concatenate(self.powers)) if self.powers else None


# ---- true peak

_N = np.arange(-24, 25)
_FIR = np.sinc(_N / 4) * np.hamming(49)
_PHASES = np.pad(_FIR * 4 / _FIR.sum(), (0, 3)).reshape(13, 4).T
# Samples either side of a piece that its true peaks depend on.
EDGE = 12
# Pieces in which true peak is looked for, 10 ms.
PIECE = RATE_HZ // 100
# What one product of matrices works out: so many samples at four times the rate.
_STEP = 32
_SPAN = _STEP + 2 * EDGE


def _interpolator() -> Sound:
    """From the samples round a step to what lies between them: all four phases, one behind another."""
    taps = np.zeros((_SPAN, 4, _STEP))
    for phase, late in np.ndindex(4, _STEP):
        taps[late + 6 : late + 19, phase, late] = _PHASES[phase][::-1]
    return np.asarray(taps.reshape(_SPAN, 4 * _STEP), np.float32)


_BETWEEN = _interpolator()


def true_peaks(channel: Sound, pieces: NDArray[np.intp]) -> Sound:
    """|sound| of those pieces of a channel at four times the rate, the largest of four values a sample (BS.1770-5, annex 2).

    The channel begins EDGE samples before its first piece and ends as many after the last.
    """
    seen = np.lib.stride_tricks.sliding_window_view(channel, PIECE + 2 * EDGE)[::PIECE][pieces]
    steps = np.lib.stride_tricks.sliding_window_view(seen, _SPAN, 1)[:, ::_STEP].reshape(-1, _SPAN)
    between = steps @ _BETWEEN
    np.abs(between, out=between)
    peaks = between.reshape(-1, 4, _STEP).max(1).reshape(len(seen), PIECE)
    return np.asarray(np.maximum(peaks, np.abs(seen[:, EDGE:-EDGE])), np.float32)


class TruePeak:
    """The largest true peak of sound in blocks; only pieces whose samples come near the largest so far are looked at closely."""

    # Between two samples there may be so much more than they show: a tone at a quarter of the rate has 3 dB.
    NEAR = 0.7
    # The loudest pieces of a block first: most others need not be looked at then.
    FIRST = 4

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
        if len(loud) > self.FIRST:
            self._measure(channel, loud, np.argpartition(loud, -self.FIRST)[-self.FIRST :])
        self._measure(channel, loud, np.arange(len(loud)))

    def _measure(self, channel: Sound, loud: Sound, pieces: NDArray[np.intp]) -> None:
        hot = pieces[loud[pieces] > max(self.NEAR * self.largest, 1e-9)]
        if len(hot):
            self.largest = max(self.largest, float(true_peaks(channel, hot).max()))

    def dbtp(self) -> float | None:
        """The true peak of all that was heard; None where that was silence."""
        self(np.zeros((len(self.history), PIECE + EDGE), np.float32))
        return 20 * float(np.log10(self.largest)) if self.largest > 1e-6 else None
