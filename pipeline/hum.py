"""Mains hum, found where a track is quietest: its lines stand out of what lies round them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.spectra import FFT, RATE_HZ, Spectrum

MAINS_HZ = (50.0, 60.0)
# Overtones that are looked at; a line counts when it stands so far above its neighbours.
LINES, STANDS_OUT_DB, LINES_NEEDED = 5, 10.0, 2
# A line below this is heard by nobody, however quiet the rest.
FAINTEST_DBFS, NOTHING = -80.0, 1e-20
# Spectra up to this frequency are summed apart for every class of loudness, so that the quietest can be found in the end.
TOP_HZ, CLASS_DB, LOWEST_DB, CLASSES = 400.0, 3.0, -130.0, 45
BIN_HZ = RATE_HZ / FFT
BINS = round(TOP_HZ / BIN_HZ)
# The quietest share of a track, and how many spectra it must be.
QUIETEST_SHARE, FEWEST = 0.05, 16
# How far a mains may be off; a musical note near it is further.
MAINS_OFF = 0.005
# Bins either side of a line that are the line's own, and where its neighbours end.
OWN, AROUND = 2, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A frequency that stands so far above its neighbours."""

    hz: float
    above_db: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Hum:
    """A mains and those of its overtones that are heard."""

    mains_hz: float
    lines: tuple[Line, ...]

    @property
    def lines_hz(self) -> tuple[float, ...]:
        """From low to high."""
        return tuple(line.hz for line in self.lines)

    @property
    def above_db(self) -> float:
        """The mean of all lines."""
        return sum(line.above_db for line in self.lines) / len(self.lines)


class HumFinder:
    """Hears spectra go by; then says whether there is hum."""

    def __init__(self) -> None:
        self.sums = np.zeros((CLASSES, BINS))
        self.counts = np.zeros(CLASSES, np.int64)

    def __call__(self, power: NDArray[np.float32]) -> None:
        """Count power spectra (n, bins), digital silence left out."""
        total = power.sum(1)
        heard = total > 0
        classes = ((10 * np.log10(total[heard]) - LOWEST_DB) / CLASS_DB).astype(int).clip(0, CLASSES - 1)
        np.add.at(self.sums, classes, power[heard, :BINS])
        np.add.at(self.counts, classes, 1)

    def found(self) -> Hum | None:
        """None: there is no hum."""
        enough = max(FEWEST, QUIETEST_SHARE * self.counts.sum())
        quiet = int(np.searchsorted(np.cumsum(self.counts), enough)) + 1
        spectrum = self.sums[:quiet].sum(0) / max(self.counts[:quiet].sum(), 1)
        if not spectrum.any():
            return None
        hums = [Hum(mains_hz=mains_hz, lines=tuple(_standing_out(spectrum, mains_hz))) for mains_hz in MAINS_HZ]
        likeliest = max(hums, key=lambda hum: len(hum.lines))
        return likeliest if len(likeliest.lines) >= LINES_NEEDED else None


def mains_of(lines_hz: Sequence[float]) -> float:
    """Which mains has these lines."""
    return next(hz for hz in MAINS_HZ if all(line_hz % hz == 0 for line_hz in lines_hz))


def _standing_out(spectrum: NDArray[np.float64], mains_hz: float) -> Iterator[Line]:
    """Each line that stands out and could be heard."""
    for n in range(1, LINES + 1):
        centre = round(n * mains_hz / BIN_HZ)
        own = float(spectrum[centre - OWN : centre + OWN + 1].max())
        sides = np.concatenate([spectrum[centre - AROUND : centre - OWN], spectrum[centre + OWN + 1 : centre + AROUND + 1]])
        above_db = 10 * float(np.log10(max(own, NOTHING) / max(float(np.median(sides)), NOTHING)))
        is_mains = abs(_frequency_hz(spectrum, centre) - n * mains_hz) < MAINS_OFF * n * mains_hz + BIN_HZ / 10
        if is_mains and above_db > STANDS_OUT_DB and own > 10 ** (FAINTEST_DBFS / 10):
            yield Line(hz=n * mains_hz, above_db=above_db)


def _frequency_hz(spectrum: NDArray[np.float64], near: int) -> float:
    """Where a line near that bin stands, told between bins: those beside its own share it as sinc does."""
    at = near - 1 + int(np.argmax(spectrum[near - 1 : near + 2]))
    below, own, above = np.sqrt(spectrum[at - 1 : at + 2])
    side = 1 if above > below else -1
    beside = max(below, above)
    return float((at + side * beside / max(own + beside, NOTHING)) * BIN_HZ)


def power_spectra(spectra: Spectrum) -> NDArray[np.float32]:
    """Mean square by bin of (n, FFT / 2 + 1) spectra."""
    return np.asarray((np.square(spectra.real) + np.square(spectra.imag)) * np.float32(2 / FFT**2), np.float32)
