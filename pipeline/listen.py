"""One decode of every track measures what trimming, levelling and the recogniser need to know.

The arrays lie in one .npz: `power` (rows, frames) float32, `peak` (rows, 5 · frames) float32. A row is a track of the timeline
where tracks are single voices, else the one row is the mix. All tracks are decoded side by side, block by block: memory stays flat.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from pipeline.child import Children, Report, quiet
from pipeline.decode import Blocks, complaints, keep_memory, shared_blocks
from pipeline.journal import place
from pipeline.loudness import FRAME, PEAK, TruePeak, frame_peaks, frame_powers, integrated, weighted
from pipeline.models import Heard, Loss, MadeFile, Timeline, Track
from pipeline.spectra import Sound, Spectra, decimated, response
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
    with complaints() as said:
        ears = _Ears(timeline, folder, said)
        for first, length in shared_blocks(ears.total):
            ears.hear(first, length)
            report((first + length) / ears.total)
    return ears.heard(folder)


class _Ears:
    """Everything that listens while the blocks go by."""

    def __init__(self, timeline: Timeline, folder: Path, said: list[tuple[int, str, str]]) -> None:
        self.timeline = timeline
        self.total = round(timeline.length_s * RATE_HZ)
        self.channels = 1 if timeline.separate else min(2, max(track.channels for track in timeline.tracks))
        self.tracks = [
            _TrackEar(track, self.channels, self.total, folder / f"speech-{n}.wav", said) for n, track in enumerate(timeline.tracks)
        ]
        frames = -(-self.total // FRAME)
        self.rows = [_Row(frames, 1) for _ in timeline.tracks] if timeline.separate else []
        self.mono, self.stereo = _Row(frames, 1), _Row(frames, 2)
        self.sides = np.zeros(2)

    def hear(self, first: int, length: int) -> None:
        sound = np.zeros((self.channels, length), np.float32)
        heard = np.zeros((self.channels, length), np.float32)
        for n, ear in enumerate(self.tracks):
            block = ear.next(length)
            if block is None:
                continue
            if self.rows:
                self.rows[n].note(first, *block)
            sound += block[0]
            heard += block[1]
        self._note(first, sound, heard)

    def _note(self, first: int, sound: Sound, heard: Sound) -> None:
        middle = _middle(sound)
        self.mono.note(first, middle, _middle(heard))
        self.mono.true_peak(middle)
        if self.channels == 2:
            self.stereo.note(first, sound, heard)
            self.stereo.true_peak(sound)
            self.sides += [np.square(sound[0] + sound[1]).mean(), np.square(sound[0] - sound[1]).mean()]

    def heard(self, folder: Path) -> Heard:
        middle, side = self.sides
        stereo = self.channels == 2 and side > middle * 10 ** (STEREO_DB / 10)
        mixed = self.stereo if stereo else self.mono
        rows = self.rows or [mixed]
        np.savez(folder / "measures.npz", power=np.stack([r.power for r in rows]), peak=np.stack([r.peak for r in rows]))
        return Heard(
            measures=MadeFile.of(folder / "measures.npz"),
            speech=tuple(ear.speech.finish(self.total) for ear in self.tracks),
            channels=2 if stereo else 1,
            decoded_s=max(ear.track.start_offset_s + ear.blocks.heard_s for ear in self.tracks),
            integrated_lufs=integrated(mixed.power.astype(np.float64)),
            true_peak_dbtp=mixed.true_peak.dbtp(),
            losses=tuple(loss for ear in self.tracks for loss in ear.losses(single=self.timeline.separate)),
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
    """One track: its blocks, what they sound like to a meter, and to the recogniser."""

    def __init__(self, track: Track, channels: int, total: int, speech: Path, said: list[tuple[int, str, str]]) -> None:
        self.track = track
        self.blocks = Blocks(track, channels, total, said)
        self.pending = iter(self.blocks)
        self.weighting = [Weighting() for _ in range(channels)]
        self.spectra = Spectra()
        self.speech = _Speech(speech)

    def next(self, length: int) -> tuple[Sound, Sound] | None:
        """The next block and its K-weighted twin; None is silence."""
        block = next(self.pending)
        if block is None and self.spectra.resting:
            self.speech.silence(length)
            return None
        sound = np.zeros((len(self.weighting), length), np.float32) if block is None else block
        self.speech.write(self.spectra(_middle(sound)[0]), length)
        return sound, weighted(self.weighting, sound)

    def losses(self, *, single: bool) -> Sequence[Loss]:
        """What the file should have held and did not; a single voice may leave out its silence, unless the file is damaged."""
        start, frames = self.track.start_offset_s, self.blocks.frames
        out = []
        if frames.gap_s > SLACK_S and (frames.damage or not single):
            at = None if frames.first_gap_s is None else start + frames.first_gap_s
            why = "part of the file is damaged" if frames.damage else "nothing was recorded"
            out.append(Loss(at_s=at, lost_s=round(frames.gap_s, 3), why=f"{_name(self.track)}: {why}, silence stands in its place"))
        missing = self.track.duration_s - self.blocks.heard_s
        if missing > max(SLACK_S, SLACK_SHARE * self.track.duration_s):
            why = f"{_name(self.track)}: the end of the file could not be decoded"
            out.append(Loss(at_s=start + self.blocks.heard_s, lost_s=round(missing, 3), why=why))
        return out


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
