"""One decode of every track measures what trimming, levelling and the recogniser need to know.

The arrays lie in one .npz: `power` (rows, frames) float32, `peak` (rows, 5 · frames) float32. A row is a track of the timeline
where tracks are single voices, else the one row is the mix. All tracks are decoded side by side, block by block: memory stays flat.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from pipeline.child import Children, Report, quiet
from pipeline.decode import BLOCK, keep_memory
from pipeline.journal import place
from pipeline.loudness import FRAME, PEAK, TruePeak, frame_peaks, frame_powers, integrated, weighted
from pipeline.models import Heard, Loss, MadeFile, Timeline, Track
from pipeline.spectra import Sound, Spectra, decimated, response
from pipeline.tracks import Decoding, Row, Went
from pipeline.wav import HEADER_BYTES, header
from pipeline.weighting import RATE_HZ, Weighting

VERSION = 2
FRAME_S = FRAME / RATE_HZ

# Two channels are worth keeping where their difference is more than this against their sum.
STEREO_DB = -35.0
# Seconds a decode may fall short of what the packets said before we speak of loss.
SLACK_S, SLACK_SHARE = 0.5, 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """One row a track where tracks are single voices, else one row for the mix; second 0 is the timeline's."""

    # K-weighted mean square of every 100 ms
    power: NDArray[np.float32]
    # largest sample of every 20 ms
    peak: NDArray[np.float32]


def listen(timeline: Timeline, *, children: Children, scratch: Path, report: Report = quiet) -> Heard:
    """Loudness, peaks and 16 kHz speech of every track, each decoded once."""
    return children.run(heard_in, timeline, place(scratch, listen, timeline), report=report)


def measures(heard: Heard) -> Measures:
    """The arrays that `listen` left behind."""
    with np.load(heard.measures.path, allow_pickle=False) as arrays:
        return Measures(power=arrays["power"], peak=arrays["peak"])


def heard_in(timeline: Timeline, folder: Path, report: Report) -> Heard:
    """What `listen` returns; works in the child."""
    keep_memory()
    ears = _Ears(timeline, folder)
    decoding = Decoding(timeline.tracks, ears.channels, ears.total)
    for first, row in decoding:
        ears.hear(first, row)
        report(min(first + BLOCK, ears.total) / ears.total)
    return ears.heard(folder, decoding.went)


class _Ears:
    """Everything that listens while the blocks go by."""

    def __init__(self, timeline: Timeline, folder: Path) -> None:
        self.timeline = timeline
        self.total = round(timeline.length_s * RATE_HZ)
        self.channels = 1 if timeline.separate else min(2, max(track.channels for track in timeline.tracks))
        self.tracks = [_TrackEar(self.channels, folder / f"speech-{n}.wav") for n, _ in enumerate(timeline.tracks)]
        frames = -(-self.total // FRAME)
        self.rows = [_Row(frames, 1) for _ in timeline.tracks] if timeline.separate else []
        self.mono, self.stereo = _Row(frames, 1), _Row(frames, 2)
        self.sides = np.zeros(2)

    def hear(self, first: int, row: Row) -> None:
        length = min(BLOCK, self.total - first)
        sound = np.zeros((self.channels, length), np.float32)
        heard = np.zeros((self.channels, length), np.float32)
        for n, (ear, block) in enumerate(zip(self.tracks, row, strict=True)):
            both = ear.hear(block, length)
            if both is None:
                continue
            if self.rows:
                self.rows[n].note(first, *both)
            sound += both[0]
            heard += both[1]
        self._note(first, sound, heard)

    def _note(self, first: int, sound: Sound, heard: Sound) -> None:
        middle = _middle(sound)
        self.mono.note(first, middle, _middle(heard))
        self.mono.true_peak(middle)
        if self.channels == 2:
            self.stereo.note(first, sound, heard)
            self.stereo.true_peak(sound)
            self.sides += [np.square(sound[0] + sound[1]).mean(), np.square(sound[0] - sound[1]).mean()]

    def heard(self, folder: Path, went: Sequence[Went]) -> Heard:
        middle, side = self.sides
        stereo = self.channels == 2 and side > middle * 10 ** (STEREO_DB / 10)
        mixed = self.stereo if stereo else self.mono
        rows = self.rows or [mixed]
        np.savez(folder / "measures.npz", power=np.stack([r.power for r in rows]), peak=np.stack([r.peak for r in rows]))
        return Heard(
            measures=MadeFile.of(folder / "measures.npz"),
            speech=tuple(ear.speech.finish(self.total) for ear in self.tracks),
            channels=2 if stereo else 1,
            decoded_s=max(track.start_offset_s + one.heard_s for track, one in zip(self.timeline.tracks, went, strict=True)),
            integrated_lufs=integrated(mixed.power.astype(np.float64)),
            true_peak_dbtp=mixed.true_peak.dbtp(),
            losses=tuple(losses(self.timeline, went)),
        )


def _middle(sound: Sound) -> Sound:
    """All channels as one."""
    return sound if len(sound) == 1 else sound.mean(0, keepdims=True)


class _Row:
    """What is kept of one signal: powers and peaks frame by frame."""

    def __init__(self, frames: int, channels: int) -> None:
        self.power = np.zeros(frames, np.float32)
        self.peak = np.zeros(frames * (FRAME // PEAK), np.float32)
        self.true_peak = TruePeak(channels)

    def note(self, first: int, sound: Sound, heard: Sound) -> None:
        power, peak = frame_powers(heard), frame_peaks(sound)
        self.power[first // FRAME : first // FRAME + len(power)] = power
        self.peak[first // PEAK : first // PEAK + len(peak)] = peak


class _TrackEar:
    """One track: what its blocks sound like to a meter, and to the recogniser."""

    def __init__(self, channels: int, speech: Path) -> None:
        self.weighting = [Weighting() for _ in range(channels)]
        self.spectra = Spectra()
        self.speech = _Speech(speech)

    def hear(self, block: Sound | None, length: int) -> tuple[Sound, Sound] | None:
        """The block and its K-weighted twin; None is silence."""
        if block is None and self.spectra.resting:
            self.speech.silence(length)
            return None
        sound = np.zeros((len(self.weighting), length), np.float32) if block is None else block
        self.speech.write(self.spectra(_middle(sound)[0]), length)
        return sound, weighted(self.weighting, sound)


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


# ---- 16 kHz for the recogniser

SPEECH_HZ = 16_000
FACTOR = RATE_HZ // SPEECH_HZ
# Taps either side of the low-pass: a multiple of FACTOR, so that its delay is whole samples at both rates.
HALF = 510
_LOW_PASS_HZ = 7800
_N = np.arange(-HALF, HALF + 1)
_NARROW = response(2 * _LOW_PASS_HZ / RATE_HZ * np.sinc(2 * _LOW_PASS_HZ / RATE_HZ * _N) * np.hamming(2 * HALF + 1))


class _Speech:
    """A 16 kHz mono s16 WAV from the timeline's second 0; silence is a hole in the file, which takes no room on the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file: IO[bytes] = path.open("wb")
        # The filter answers late: so much of its first answer is thrown away.
        self.at = -(HALF // FACTOR)

    def write(self, spectra: NDArray[np.complex64], length: int) -> None:
        narrow = decimated(spectra, _NARROW, FACTOR)
        samples = np.clip(np.rint(narrow * 32767), -32768, 32767).astype("<i2")
        late = max(-self.at, 0)
        self._seek(max(self.at, 0))
        self.file.write(samples[late:].tobytes())
        self.at += length // FACTOR

    def silence(self, length: int) -> None:
        self.at += length // FACTOR

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
