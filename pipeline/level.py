"""The decision how loud everybody is: gains for every voice and passage, so that voices meet and the whole is on target.

The gains lie in one .npz, float32: `gain_db` (rows of `Measures`, frames of 100 ms), and of the show's music `bed_db` (frames of
what is heard of the room) and `music_db` (one for all of it). Nothing here touches sound.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.clock import TimeMap
from pipeline.gains import FRAME_S, LEAST_DB, MOST_DB, Style, gated, ridden, voice_level
from pipeline.journal import place
from pipeline.listen import Measures, measures
from pipeline.loudness import FRAME, PEAK, Powers, integrated, lufs
from pipeline.models import SILENT_DBFS, Activity, Heard, MadeFile, Participant, Timeline, VoiceLevel
from pipeline.mutes import silenced
from pipeline.plan import LevelPlan, Mode
from pipeline.score import accompanied_powers, bed_gains
from pipeline.speaking import Levels as Decibels
from pipeline.speaking import Mask, rows_of, speaking, voices_of
from pipeline.spectra import RATE_HZ

VERSION = 3

STYLES: dict[Mode, Style] = {
    "even": Style(share=1.0),
    "natural": Style(share=0.6, gate_db=-12.0),
    "broadcast": Style(share=1.0, alike_lu=1.0, near_s=20.0),
    "original": Style(share=0.0, gate_db=0.0),
}
# By channels: equally loud on two loudspeakers.
USUAL_LUFS = {1: -19.0, 2: -16.0}
# Lossy encoders overshoot by up to 1.6 dB at speech bit rates, by more when the limiter works hard.
CEILING_DBTP, LOUD_CEILING_DBTP = -3.0, -4.0
# No listener gets a higher one.
LOUDEST_DBTP = -1.0
# A room without speech is brought to the target as a whole, unless it is this quiet.
QUIET_LUFS = -50.0
CLOSE_ENOUGH_LU, ROUNDS = 0.02, 10
STRIP_BINS = 1088
# A limiter's gain is held for so many peaks of 20 ms; a frame has PEAKS of them.
HELD, PEAKS = 4, FRAME // PEAK
AT_ONCE = 36_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Gains in `curves`, and what comes of them."""

    curves: MadeFile
    channels: int
    target_lufs: float
    ceiling_dbtp: float
    # what the renditions will measure; the target, but for rooms too quiet or too short to reach it; None: silence
    expected_lufs: float | None
    voices: tuple[VoiceLevel, ...]
    activity: Activity
    # all that is done to the sound, where it is no more than that and no peak comes too high: a player could do it
    only_gain_db: float | None = None


def level(timeline: Timeline, heard: Heard, plan: LevelPlan = LevelPlan(), *, scratch: Path) -> Levels:
    """Gains that bring every voice to the target; silence is never raised."""
    target = target_of(heard.channels, plan)
    ceiling = CEILING_DBTP if target <= USUAL_LUFS[heard.channels] else LOUD_CEILING_DBTP
    whole = measures(heard)
    measured = silenced(timeline, whole)
    powers = voices_of(timeline, measured.power)
    # Told from the whole: what other microphones hear of a muted voice is no speech of theirs.
    speech = speaking(timeline, voices_of(timeline, whole.power)) & (powers > 0)
    forecast = _Forecast(timeline, measured, ceiling, bed_gains(timeline, speech))
    gain_db = _by_row(timeline, _decided(timeline, powers, speech, target, STYLES[plan.mode]))
    gain_db += _missing(forecast, gain_db, target, spoken=bool(speech.any()))
    # With the show's music the whole is another: both are moved alike, so that one stays as loud against the other.
    music_db = _reached(lambda added: forecast.integrated(gain_db + added, added), target) if timeline.music.is_heard else 0.0
    gain_db += music_db
    path = place(scratch, level, timeline, heard, plan) / "gains.npz"
    single = np.float32
    np.savez(path, gain_db=gain_db.astype(single), bed_db=forecast.bed_db.astype(single), music_db=single(music_db))
    after = voices_of(timeline, forecast.powers(gain_db).astype(np.float32))
    return Levels(
        curves=MadeFile.of(path), channels=heard.channels, target_lufs=target, ceiling_dbtp=ceiling,
        expected_lufs=forecast.integrated(gain_db, music_db), voices=_voices(timeline, powers, after, speech),
        activity=_activity(timeline, after, speech, forecast.kept),
        only_gain_db=_only_gain_db(timeline, heard, plan, forecast.integrated(gain_db, music_db)),
    )  # fmt: skip


def target_of(channels: int, plan: LevelPlan) -> float:
    """How loud an episode in so many channels shall be, in LUFS."""
    return USUAL_LUFS[channels] if plan.target_lufs is None else plan.target_lufs


def _decided(timeline: Timeline, powers: Powers, speech: Mask, target: float, style: Style) -> Decibels:
    if timeline.separate:
        return gated(powers, speech, target, style)
    return ridden(powers[0], speech[0], target, style)[None]


def _only_gain_db(timeline: Timeline, heard: Heard, plan: LevelPlan, expected: float | None) -> float | None:
    """The gain that makes one whole file as loud as expected, where nothing else shall be done to it."""
    file, *more = timeline.tracks
    changed = timeline.cuts or timeline.mutes or timeline.music.is_heard or timeline.losses or heard.losses
    is_whole = file.start_offset_s == 0 and abs(heard.decoded_s - timeline.length_s) * RATE_HZ < 0.5
    if plan.mode != "original" or more or changed or not (file.untouched and is_whole):
        return None
    if expected is None or heard.integrated_lufs is None or heard.true_peak_dbtp is None:
        return None
    gain_db = expected - heard.integrated_lufs
    return gain_db if heard.true_peak_dbtp + gain_db <= LOUDEST_DBTP else None


def _by_row(timeline: Timeline, gain_db: Decibels) -> Decibels:
    """Gains by voice handed to each of the voice's tracks."""
    if not timeline.separate:
        return gain_db
    rows = np.zeros((len(timeline.tracks), gain_db.shape[1]))
    for gain, person in zip(gain_db, timeline.voices, strict=True):
        rows[rows_of(timeline, person.identity)] = gain
    return rows


def _missing(forecast: "_Forecast", gain_db: Decibels, target: float, *, spoken: bool) -> float:
    """What every gain still lacks for the room to be on target; 0 for a room in which there is nothing to raise."""
    room = forecast.room(gain_db)
    if room is None or (not spoken and room < QUIET_LUFS):
        return 0.0
    return _reached(lambda added: forecast.room(gain_db + added), target)


def _reached(forecast: Callable[[float], float | None], target: float) -> float:
    """How many dB more bring what is forecast to the target."""
    added = 0.0
    for _ in range(ROUNDS):
        expected = forecast(added)
        if expected is None:
            return 0.0
        step = target - expected
        added = min(max(added + step, LEAST_DB), MOST_DB)
        if abs(step) < CLOSE_ENOUGH_LU:
            break
    return added


class _Forecast:
    """What gains and limiter will make of the room, told from powers and peaks."""

    def __init__(self, timeline: Timeline, measured: Measures, ceiling_dbtp: float, bed_db: Decibels) -> None:
        self.timeline, self.measured, self.bed_db = timeline, measured, bed_db
        self.ceiling = 10 ** (ceiling_dbtp / 20)
        self.kept = kept_frames(timeline, measured.power.shape[1])

    def room(self, gain_db: Decibels) -> float | None:
        """Loudness of the room, cuts left out."""
        return integrated(self._heard(gain_db))

    def integrated(self, gain_db: Decibels, music_db: float) -> float | None:
        """Loudness of the episode: of the room with the show's music."""
        return integrated(accompanied_powers(self.timeline, self._heard(gain_db), self.bed_db, music_db))

    def _heard(self, gain_db: Decibels) -> Powers:
        return np.asarray(self.powers(gain_db).sum(0)[self.kept])

    def powers(self, gain_db: Decibels) -> Powers:
        """Powers by row after gains and limiter; an hour at a time, so that memory stays flat."""
        starts = range(0, gain_db.shape[1], AT_ONCE)
        return np.concatenate([self._powers(gain_db, start) for start in starts], 1)

    def _powers(self, gain_db: Decibels, start: int) -> Powers:
        # A frame earlier, since what is held may have begun there.
        early = min(start, 1)
        gain = gain_db[:, start - early : start + AT_ONCE]
        peak = self.measured.peak[:, (start - early) * PEAKS : (start + AT_ONCE) * PEAKS]
        together = np.sqrt(((np.repeat(10 ** (gain / 20), PEAKS, 1) * peak) ** 2).sum(0))
        down = np.minimum(1.0, self.ceiling / np.maximum(together, 1e-9))
        held = np.lib.stride_tricks.sliding_window_view(np.pad(down, (HELD - 1, 0), "edge"), HELD).min(1)
        power = self.measured.power[:, start - early : start + AT_ONCE]
        return np.asarray(power * 10 ** (gain / 10) * np.square(held).reshape(-1, PEAKS).mean(1))[:, early:]


def kept_frames(timeline: Timeline, frames: int) -> Mask:
    """Frames of which the episode holds more than half."""
    kept = np.zeros(frames, bool)
    for start_s, end_s in TimeMap.of(timeline).kept:
        kept[round(start_s / FRAME_S) : round(end_s / FRAME_S)] = True
    return kept


# ---- what is told about it


def _who(timeline: Timeline) -> tuple[Participant | None, ...]:
    return timeline.voices if timeline.separate else (None,)


def _voices(timeline: Timeline, before: Powers, after: Powers, speech: Mask) -> tuple[VoiceLevel, ...]:
    return tuple(
        VoiceLevel(
            participant=person.identity if person else None, name=person.name or person.identity if person else "",
            role=person.role if person else "speaker", speech_s=round(float(mask.sum()) * FRAME_S, 1),
            before_lufs=_rounded(voice_level(was, mask)), after_lufs=_rounded(voice_level(becomes, mask)),
        )
        for person, was, becomes, mask in zip(_who(timeline), before, after, speech, strict=True)
    )  # fmt: skip


def _rounded(level: float | None) -> float | None:
    return None if level is None else round(level, 2)


def _activity(timeline: Timeline, after: Powers, speech: Mask, kept: Mask) -> Activity:
    """How loud each voice is in every bin of the episode; nobody is while the show's own music plays."""
    music = (round(timeline.intro_s / FRAME_S), round(timeline.outro_s / FRAME_S))
    width = max(-(-(int(kept.sum()) + sum(music)) // STRIP_BINS), 1)
    voices = [
        (person.identity if person else "", _bins(np.pad(np.where(mask, powers, 0.0)[kept], music), width))
        for person, powers, mask in zip(_who(timeline), after, speech, strict=True)
    ]
    return Activity(bin_s=round(width * FRAME_S, 1), voices=tuple(voices))


def _bins(powers: NDArray[np.float64], width: int) -> tuple[int, ...]:
    bins = np.pad(powers, (0, -len(powers) % width)).reshape(-1, width).mean(1)
    loud = np.maximum(np.rint(lufs(bins)), SILENT_DBFS + 1).astype(int)
    return tuple(int(db) for db in np.where(bins > 0, loud, SILENT_DBFS))
