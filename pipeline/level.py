"""The decision how loud everybody is: gains for every voice and passage, so that voices meet and the whole is on target.

The gains lie in one .npz, float32: `gain_db` (rows of `Measures`, frames of 100 ms), and of the show's music `bed_db` (frames of
what is heard of the room) and `music_db` (one for all of it). Nothing here touches sound.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.clock import TimeMap
from pipeline.forecast import Forecast
from pipeline.gains import FRAME_S, LEAST_DB, MOST_DB, Gated, Ridden, Style, voice_level
from pipeline.journal import place
from pipeline.kinds import other_sound
from pipeline.listen import Measures, measures
from pipeline.loudness import Powers, lufs
from pipeline.models import SILENT_DBFS, Activity, Heard, MadeFile, Participant, Timeline, VoiceLevel
from pipeline.mutes import silenced
from pipeline.plan import LevelPlan, Mode
from pipeline.score import bed_gains
from pipeline.speaking import Levels as Decibels
from pipeline.speaking import Mask, rows_of, speaking, voices_of
from pipeline.spectra import RATE_HZ

VERSION = 6

STYLES: dict[Mode, Style] = {
    # All voices equally loud, each with the dynamics it has.
    "even": Style(share=1.0),
    # Loud and quiet voices stay that, by two fifths of what they were apart; who does not speak is turned down less.
    "natural": Style(share=0.6, gate_db=-12.0),
    # As even, and within each voice the loud and the quiet passages too.
    "broadcast": Style(share=1.0, within=0.5, alike_lu=1.0, near_s=20.0),
    # One gain for all that is heard: nothing is told apart and no gate closes.
    "original": Style(share=0.0, gate_db=0.0, beside_db=0.0),
}
# By channels: equally loud on two loudspeakers.
USUAL_LUFS = {1: -19.0, 2: -16.0}
# Lossy encoders overshoot by up to 1.6 dB at speech bit rates, by more when the limiter works hard.
CEILING_DBTP, LOUD_CEILING_DBTP = -3.0, -4.0
# No listener gets a higher one.
LOUDEST_DBTP = -1.0
# A room without speech is brought to the target as a whole, unless it is this quiet.
QUIET_LUFS = -50.0
CLOSE_ENOUGH_LU, ROUNDS = 0.02, 20
# In its first rounds a voice is given back what the limiter takes from it.
GIVING_BACK, PUSH = 3, 1.4
STRIP_BINS = 1088


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Gains in `curves`, and what comes of them."""

    curves: MadeFile
    channels: int
    target_lufs: float
    ceiling_dbtp: float
    # what the renditions will measure: the target, but for rooms too quiet or too short to reach it, and for music that would
    # lose its dynamics on the way; None: silence
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
    other = _other(timeline, measured, powers, speech)
    forecast = Forecast(timeline, measured, kept_frames(timeline, powers.shape[1]), ceiling)
    gain_db = _settled(timeline, _decision(timeline, powers, speech, other, STYLES[plan.mode]), forecast, target)
    bed_db = bed_gains(timeline, speech | other)
    # With the show's music the whole is another: both are moved alike, so that one stays as loud against the other.
    music_db = _moved(forecast, gain_db, bed_db, target) if timeline.music.is_heard else 0.0
    gain_db += music_db
    single = np.float32
    path = place(scratch, level, timeline, heard, plan) / "gains.npz"
    np.savez(path, gain_db=gain_db.astype(single), bed_db=bed_db.astype(single), music_db=single(music_db))
    rows = forecast.powers(gain_db)
    after = voices_of(timeline, rows.astype(single))
    expected = forecast.episode_lufs(rows, bed_db, music_db)
    return Levels(
        curves=MadeFile.of(path), channels=heard.channels, target_lufs=target, ceiling_dbtp=ceiling,
        expected_lufs=expected, voices=_voices(timeline, heard, (powers, after), speech & ~other),
        activity=_activity(timeline, after, speech if timeline.separate else speech | other, forecast.kept),
        only_gain_db=_only_gain_db(timeline, heard, plan, expected),
    )  # fmt: skip


def target_of(channels: int, plan: LevelPlan) -> float:
    """How loud an episode in so many channels shall be, in LUFS."""
    return USUAL_LUFS[channels] if plan.target_lufs is None else plan.target_lufs


def _other(timeline: Timeline, measured: Measures, powers: Powers, speech: Mask) -> Mask:
    """Frames in which each voice has something of its own to hear that is no speech; in a mix, in which anything is."""
    own = np.where(speech, powers, 0.0) if timeline.separate else powers
    voices = [_measures_of(timeline, measured, n) for n in range(len(powers))]
    return np.stack([other_sound(voice, p, mask) for voice, p, mask in zip(voices, own, speech, strict=True)])


def _measures_of(timeline: Timeline, measured: Measures, voice: int) -> Measures:
    """The measures of all rows of one voice as one row."""
    rows = [measured.row(n) for n in (rows_of(timeline, timeline.voices[voice].identity) if timeline.separate else [0])]
    if len(rows) == 1:
        return rows[0]
    power, bands = (np.sum([getattr(row, name) for row in rows], 0) for name in ("power", "bands"))
    return Measures(power=power, peak=np.max([row.peak for row in rows], 0), bands=bands)


def _decision(timeline: Timeline, powers: Powers, speech: Mask, other: Mask, style: Style) -> Ridden | Gated:
    if timeline.separate:
        return Gated(powers, speech, other, style)
    return Ridden(powers[0], speech[0] & ~other[0], other[0], style)


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


def _settled(timeline: Timeline, decision: Ridden | Gated, forecast: Forecast, target: float) -> Decibels:
    """Gains with which the room is on target, and each voice where it should be, behind the limiter too; nothing raises silence."""
    lost, added, spoken = np.zeros(len(decision.levels)), 0.0, not np.isnan(decision.levels).all()
    most = MOST_DB if spoken else min(MOST_DB, max(forecast.lively_db(), 0.0))
    for round_ in range(ROUNDS):
        by_voice = decision.gains(target, lost) + added
        gain_db = _by_row(timeline, by_voice)
        after = forecast.powers(gain_db)
        expected = forecast.room_lufs(after)
        if expected is None or (not spoken and expected - added < QUIET_LUFS):
            return gain_db - added
        if abs(target - expected) < CLOSE_ENOUGH_LU and round_ >= GIVING_BACK:
            break
        # Where a limiter takes half of what is added, twice as much is needed.
        added = min(max(added + (target - expected) * (1.0 if round_ < GIVING_BACK else PUSH), LEAST_DB), most)
        if round_ < GIVING_BACK:
            missing = decision.lost(voices_of(timeline, after.astype(np.float32)), by_voice)
            lost = np.clip(missing, -decision.MOST_LOST_DB, decision.MOST_LOST_DB)
    return gain_db


def _moved(forecast: Forecast, gain_db: Decibels, bed_db: Decibels, target: float) -> float:
    """How many dB more for room and music alike bring the episode to the target."""
    added = 0.0
    for _ in range(ROUNDS):
        expected = forecast.episode_lufs(forecast.powers(gain_db + added), bed_db, added)
        if expected is None:
            return 0.0
        added = min(max(added + target - expected, LEAST_DB), MOST_DB)
        if abs(target - expected) < CLOSE_ENOUGH_LU:
            break
    return added


def kept_frames(timeline: Timeline, frames: int) -> Mask:
    """Frames of which the episode holds more than half."""
    kept = np.zeros(frames, bool)
    for start_s, end_s in TimeMap.of(timeline).kept:
        kept[round(start_s / FRAME_S) : round(end_s / FRAME_S)] = True
    return kept


# ---- what is told about it


def _who(timeline: Timeline) -> tuple[Participant | None, ...]:
    return timeline.voices if timeline.separate else (None,)


def _voices(timeline: Timeline, heard: Heard, powers: tuple[Powers, Powers], speech: Mask) -> tuple[VoiceLevel, ...]:
    """Every voice before and after, with what is wrong with its first track."""
    rows = [rows_of(timeline, person.identity)[0] if person else 0 for person in _who(timeline)]
    return tuple(
        VoiceLevel(
            participant=person.identity if person else None, name=person.name or person.identity if person else "",
            role=person.role if person else "speaker", speech_s=round(float(mask.sum()) * FRAME_S, 1),
            before_lufs=_rounded(voice_level(was, mask)), after_lufs=_rounded(voice_level(becomes, mask)),
            condition=heard.conditions[row] if row < len(heard.conditions) else None,
        )
        for person, row, was, becomes, mask in zip(_who(timeline), rows, *powers, speech, strict=True)
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
