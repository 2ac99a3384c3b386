"""One decode of every track measures what trimming, levelling and the recogniser need to know.

The arrays lie in one .npz, laid out as `Measures` says. Tracks that are single voices are measured each by itself, those of a long
room by several processes side by side; the files of a mix are summed first. Memory stays flat.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce
from math import isnan
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pipeline.child import Children, Report, quiet
from pipeline.decode import BLOCK, keep_memory
from pipeline.ears import Ear, Row, middle
from pipeline.filters import empty
from pipeline.journal import place
from pipeline.kept import Kept
from pipeline.loudness import FRAME, integrated, loudness_range, lufs
from pipeline.models import Condition, Heard, Loss, MadeFile, Timeline, Track
from pipeline.spectra import RATE_HZ, Sound
from pipeline.tracks import LONG, Decoding, Went

VERSION = 3
FRAME_S = FRAME / RATE_HZ

# Two channels are worth keeping where their difference is more than this against their sum.
STEREO_DB = -35.0
# Seconds a decode may fall short of what the packets said before we speak of loss.
SLACK_S, SLACK_SHARE = 0.5, 0.005
# What a track is like when it is quiet: this share of its frames, digital silence (muted, not there yet) left out.
QUIET_SHARE, DIGITAL_SILENCE_LUFS = 0.1, -98.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """One row a track where tracks are single voices, else one row for the mix; second 0 is the timeline's."""

    # K-weighted mean square of every 100 ms
    power: NDArray[np.float32]
    # largest sample of every 20 ms
    peak: NDArray[np.float32]
    # mean square in the third-octave bands `ears.BANDS_HZ`, of every 312.5 ms: (rows, spectra, bands)
    bands: NDArray[np.float32]

    @classmethod
    def of(cls, rows: Sequence["Row | Measures"]) -> Self:
        """Rows, one above another."""
        power, peak, bands = (np.stack([getattr(row, name) for row in rows]) for name in ("power", "peak", "bands"))
        return cls(power=power, peak=peak, bands=bands)

    @classmethod
    def read(cls, path: Path) -> Self:
        """What `write` left there."""
        with np.load(path, allow_pickle=False) as arrays:
            return cls(power=arrays["power"], peak=arrays["peak"], bands=arrays["bands"])

    def write(self, path: Path) -> MadeFile:
        """The arrays as a file."""
        np.savez(path, power=self.power, peak=self.peak, bands=self.bands)
        return MadeFile.of(path)

    def row(self, n: int) -> "Measures":
        """One row alone, without its axis."""
        return Measures(power=self.power[n], peak=self.peak[n], bands=self.bands[n])


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one process heard: of some tracks, or of a mix."""

    measures: MadeFile
    speech: tuple[MadeFile, ...]
    went: tuple[Went, ...]
    conditions: tuple[Condition, ...]
    channels: int
    true_peak_dbtp: float | None


def listen(timeline: Timeline, *, children: Children, scratch: Path, report: Report = quiet) -> Heard:
    """Loudness, peaks, bands and 16 kHz speech of every track, each decoded once; what was decoded is kept if there is room."""
    folder = place(scratch, listen, timeline)
    if not timeline.separate:
        return _together(timeline, folder, [children.run(heard_mix, timeline, folder, scratch, report=report)])
    shares = _shares(timeline)
    with ThreadPoolExecutor(len(shares)) as pool:
        parts = pool.map(lambda share: children.run(heard_tracks, timeline, share, folder, scratch, report=report), shares)
        return _together(timeline, folder, list(parts))


def measures(heard: Heard) -> Measures:
    """The arrays that `listen` left behind."""
    return Measures.read(heard.measures.path)


def _shares(timeline: Timeline) -> list[list[int]]:
    """Which tracks are heard by which process."""
    tracks = range(len(timeline.tracks))
    count = min(os.cpu_count() or 1, len(tracks)) if timeline.length_s * RATE_HZ >= LONG else 1
    return [list(tracks[n::count]) for n in range(count)]


# ---- in the child


def heard_tracks(timeline: Timeline, share: list[int], folder: Path, scratch: Path, report: Report) -> Part:
    """Those tracks, each by itself."""
    keep_memory()
    total = round(timeline.length_s * RATE_HZ)
    ears, rows = [Ear(folder / f"speech-{n}.wav") for n in share], [Row(total, 1) for _ in share]
    tracks = [timeline.tracks[n] for n in share]
    decoding = Decoding(tracks, 1, total)
    for first, blocks in Kept(scratch, tracks, 1, total).keeping(decoding.here()):
        length = min(BLOCK, total - first)
        for ear, row, block in zip(ears, rows, blocks, strict=True):
            spectra = ear.hear(block, length)
            if spectra is not None:
                row.hear(first, empty(1, length) if block is None else block, spectra)
        report(min(first + BLOCK, total) / total)
    return _part(folder / f"measures-{share[0]}.npz", rows, ears, decoding.went, total)


def heard_mix(timeline: Timeline, folder: Path, scratch: Path, report: Report) -> Part:
    """All files of a mix together; as two channels where left and right truly differ."""
    keep_memory()
    total, channels = round(timeline.length_s * RATE_HZ), timeline.channels
    ears = [Ear(folder / f"speech-{n}.wav") for n, _ in enumerate(timeline.tracks)]
    rows, sides = [Row(total, n) for n in range(1, channels + 1)], np.zeros(2)
    decoding = Decoding(timeline.tracks, channels, total)
    for first, blocks in Kept(scratch, timeline.tracks, channels, total).keeping(decoding):
        length = min(BLOCK, total - first)
        heard = [ear.hear(block, length) for ear, block in zip(ears, blocks, strict=True)]
        sounding = [
            (empty(channels, length) if block is None else block, one)
            for block, one in zip(blocks, heard, strict=True)
            if one is not None
        ]
        if sounding:
            sound, spectra = (reduce(np.add, each) for each in zip(*sounding, strict=True))
            for row, heard_as in zip(rows, (middle(sound), sound), strict=False):
                row.hear(first, heard_as, spectra)
            sides += _sides(sound)
        report(min(first + BLOCK, total) / total)
    row = rows[-1] if channels == 2 and sides[1] > sides[0] * 10 ** (STEREO_DB / 10) else rows[0]
    return _part(folder / "measures-0.npz", [row], ears, decoding.went, total)


def _sides(sound: Sound) -> NDArray[np.float64]:
    """Power of what two channels have in common, and of what they have not."""
    return np.array([np.square(sound[0] + sound[-1]).mean(), np.square(sound[0] - sound[-1]).mean()])


def _part(path: Path, rows: Sequence[Row], ears: Sequence[Ear], went: Sequence[Went], total: int) -> Part:
    peaks = [row.true_peak.dbtp() for row in rows]
    return Part(
        measures=Measures.of(rows).write(path), speech=tuple(ear.speech.finish(total) for ear in ears), went=tuple(went),
        conditions=tuple(_condition(row, clipped) for row, clipped in zip(rows, _clipped(rows, went), strict=True)),
        channels=len(rows[0].weighting), true_peak_dbtp=max((peak for peak in peaks if peak is not None), default=None),
    )  # fmt: skip


def _clipped(rows: Sequence[Row], went: Sequence[Went]) -> list[int]:
    """Clipped moments by row: of each track, or of all files of a mix."""
    return [one.clipped for one in went] if len(rows) == len(went) else [sum(one.clipped for one in went)]


def _condition(row: Row, clipped: int) -> Condition:
    levels = lufs(row.power.astype(np.float64))
    there = levels[levels > DIGITAL_SILENCE_LUFS]
    hum_hz, hum_db = row.hum.found() or (None, 0.0)
    return Condition(
        noise_lufs=round(float(np.quantile(there, QUIET_SHARE)), 1) if len(there) else None,
        hum_hz=hum_hz, hum_db=round(hum_db, 1), clipped=clipped,
    )  # fmt: skip


# ---- all parts as one


def _together(timeline: Timeline, folder: Path, parts: Sequence[Part]) -> Heard:
    order = [(n % len(parts), n // len(parts)) for n, _ in enumerate(timeline.tracks)]
    rows = order if timeline.separate else [(0, 0)]
    heard = [Measures.read(part.measures.path) for part in parts]
    whole = Measures.of([heard[part].row(n) for part, n in rows])
    for part in parts:
        part.measures.path.unlink()
    went = [parts[part].went[n] for part, n in order]
    # What single tracks make together is not known before it is mixed: powers of voices add up, peaks hardly ever meet.
    powers = whole.power.sum(0, dtype=np.float64)
    return Heard(
        measures=whole.write(folder / "measures.npz"), speech=tuple(parts[part].speech[n] for part, n in order),
        channels=parts[0].channels, decoded_s=max(_ends_s(track, one) for track, one in zip(timeline.tracks, went, strict=True)),
        integrated_lufs=integrated(powers), loudness_range_lu=loudness_range(powers),
        true_peak_dbtp=max((part.true_peak_dbtp for part in parts if part.true_peak_dbtp is not None), default=None),
        losses=tuple(losses(timeline, went)), conditions=tuple(parts[part].conditions[n] for part, n in rows),
    )  # fmt: skip


def _ends_s(track: Track, went: Went) -> float:
    return track.start_offset_s + went.heard_s


def losses(timeline: Timeline, went: Sequence[Went]) -> Iterator[Loss]:
    """What the files should have held and did not; a single voice may leave out its silence, unless the file is damaged."""
    for track, one in zip(timeline.tracks, went, strict=True):
        start_s, single = track.start_offset_s, timeline.separate
        if one.gap_s > SLACK_S and (one.damage or not single):
            at_s = None if isnan(one.first_gap_s) else start_s + one.first_gap_s
            why = "part of the file is damaged" if one.damage else "nothing was recorded"
            yield Loss(at_s=at_s, lost_s=round(one.gap_s, 3), why=f"{_name(track)}: {why}, silence stands in its place")
        missing_s = track.duration_s - one.heard_s
        if missing_s > max(SLACK_S, SLACK_SHARE * track.duration_s):
            why = f"{_name(track)}: the end of the file could not be decoded"
            yield Loss(at_s=start_s + one.heard_s, lost_s=round(missing_s, 3), why=why)


def _name(track: Track) -> str:
    return track.participant or track.file.path.name
