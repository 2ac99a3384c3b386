"""One decode of every track measures what trimming, levelling and the recogniser need to know.

The arrays lie in one .npz, laid out as `Measures` says. Tracks that are single voices are measured each by itself, those of a long
room by several processes side by side; the files of a mix are summed first. Memory stays flat.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from math import isnan
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pipeline.child import Children, Report, quiet
from pipeline.decode import keep_memory
from pipeline.ears import Audible, Row, Speech
from pipeline.journal import place
from pipeline.kept import Kept
from pipeline.loudness import FRAME, integrated, loudness_range, lufs
from pipeline.measuring import Blocks, Follow, each, together
from pipeline.models import Condition, Heard, Loss, MadeFile, Timeline, Track
from pipeline.sounding import sounding
from pipeline.spectra import RATE_HZ
from pipeline.tracks import LONG, Decoding, Went

VERSION = 5
FRAME_S = FRAME / RATE_HZ

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
    folder, shares = place(scratch, listen, timeline), _shares(timeline)
    with ThreadPoolExecutor(len(shares)) as pool:
        parts = pool.map(lambda share: children.run(heard_part, timeline, share, folder, scratch, report=report), shares)
        return _together(timeline, folder, list(parts))


def measures(heard: Heard) -> Measures:
    """The arrays that `listen` left behind."""
    return Measures.read(heard.measures.path)


def _shares(timeline: Timeline) -> list[list[int]]:
    """Which tracks are heard by which process; the files of a mix, and those of a short room, by one."""
    tracks = range(len(timeline.tracks))
    apart = timeline.separate and timeline.length_s * RATE_HZ >= LONG
    count = min(os.cpu_count() or 1, len(tracks)) if apart else 1
    return [list(tracks[n::count]) for n in range(count)]


# ---- in the child


def heard_part(timeline: Timeline, share: list[int], folder: Path, scratch: Path, report: Report) -> Part:
    """Those tracks, each by itself, or all files of a mix together. What hums is measured again without its hum."""
    keep_memory()
    tracks, total = [timeline.tracks[n] for n in share], round(timeline.length_s * RATE_HZ)
    speech = [Speech(folder / f"speech-{n}.wav") for n in share]
    decoding = Decoding(tracks, timeline.channels, total)
    blocks = Kept(scratch, tracks, timeline.channels, total).keeping(decoding.here() if timeline.separate else decoding)

    def follow(heard: Sequence[Audible | None], first: int, length: int) -> None:
        for file, one in zip(speech, heard, strict=True):
            file.write(one, length)
        report((first + length) / total)

    rows = _rows(timeline, blocks, len(tracks), total, follow)
    conditions = tuple(_condition(row, clipped) for row, clipped in zip(rows, _clipped(rows, decoding.went), strict=True))
    rows = _without_hum(timeline, tracks, rows, conditions, scratch)
    peaks = [row.true_peak.dbtp() for row in rows]
    return Part(
        measures=Measures.of(rows).write(folder / f"measures-{share[0]}.npz"), conditions=conditions, went=decoding.went,
        speech=tuple(file.finish(total) for file in speech), channels=len(rows[0].weighting),
        true_peak_dbtp=max((peak for peak in peaks if peak is not None), default=None),
    )  # fmt: skip


def _rows(timeline: Timeline, blocks: Blocks, count: int, total: int, follow: Follow) -> list[Row]:
    if timeline.separate:
        return each(blocks, count, total, follow)
    return [together(blocks, count, total, follow, channels=timeline.channels)]


def _without_hum(
    timeline: Timeline, tracks: Sequence[Track], rows: Sequence[Row], conditions: Sequence[Condition], scratch: Path
) -> list[Row]:
    """The rows as they will be rendered: where there was hum, measured once more."""
    if tracks[0].untouched:
        return list(rows)
    found = conditions if timeline.separate else tuple(conditions) * len(tracks)
    humming = [replace(track, hum_lines_hz=one.hum_lines_hz) for track, one in zip(tracks, found, strict=True) if one.hum_hz]
    total = round(timeline.length_s * RATE_HZ)
    again = _rows(timeline, sounding(humming, timeline.channels, total, scratch), len(humming), total, _unheeded) if humming else []
    left = iter(again)
    return [next(left) if one.hum_hz else row for row, one in zip(rows, conditions, strict=True)]


def _unheeded(_heard: Sequence[Audible | None], _first: int, _length: int) -> None:
    """Nobody follows."""


def _clipped(rows: Sequence[Row], went: Sequence[Went]) -> list[int]:
    """Clipped moments by row: of each track, or of all files of a mix."""
    return [one.clipped for one in went] if len(rows) == len(went) else [sum(one.clipped for one in went)]


def _condition(row: Row, clipped: int) -> Condition:
    levels = lufs(row.power.astype(np.float64))
    there = levels[levels > DIGITAL_SILENCE_LUFS]
    hum = row.hum.found()
    return Condition(
        noise_lufs=round(float(np.quantile(there, QUIET_SHARE)), 1) if len(there) else None,
        hum_hz=hum.mains_hz if hum else None, hum_db=round(hum.above_db, 1) if hum else 0.0,
        hum_lines_hz=hum.lines_hz if hum else (), clipped=clipped,
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
