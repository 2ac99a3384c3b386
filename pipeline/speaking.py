"""Who speaks when, told from loudness alone (100 ms frames), with thresholds that follow each room.

A mix is split into speech and the rest; on separate tracks each voice is told from the others' bleed by who is louder against
their own usual level.
"""

import numpy as np
from numpy.typing import NDArray

from pipeline.loudness import Powers, lufs
from pipeline.models import Timeline

Levels = NDArray[np.float64]
Mask = NDArray[np.bool_]

# Below this nothing is speech, however quiet the room.
LEAST_LUFS = -58.0
# Speech stands so far above the floor, or at least so near the loudest moments around it; what is far below a loud moment just
# before or after it is that moment's reverberation.
ABOVE_FLOOR_DB, BELOW_TOP_DB = 9.0, 12.0
REVERB_BELOW_DB = 22.0
# Speech rises and falls; steady noise does not, however loud.
LIVELY_DB = 6.0
# What comes this near to the loudest speech is sound worth hearing, be it speech or not.
WORTH_HEARING_DB = 20.0
FLOOR_FRAMES, FLOOR_SHARE, TOP_FRAMES, REVERB_FRAMES = 81, 0.08, 31, 9
JOINED_FRAMES, SHORTEST_FRAMES = 2, 3
# A voice's own frames, against its reference and against the other voices (measured with bleed 22 dB down).
OWN_RANGE_DB, DOMINANCE_DB, ABOVE_TRACK_FLOOR_DB = 20.0, 8.0, 10.0
# A microphone whose owner says nothing hears the others, quieter or less clearly than their own do, nearly all the time that it
# hears anything.
ECHO_BELOW_DB, ECHO_SHARE, ECHO_VARIES_DB = 6.0, 0.85, 2.0
# Frames that a sliding window looks at at once, so that memory stays flat.
CHUNK = 20_000


def voices_of(timeline: Timeline, rows: NDArray[np.float32]) -> Powers:
    """Powers by voice: the rows of one person's tracks added up; a mix is one voice."""
    if not timeline.separate:
        return np.asarray(rows, np.float64)
    return np.stack([rows[rows_of(timeline, person.identity)].sum(0, dtype=np.float64) for person in timeline.voices])


def rows_of(timeline: Timeline, identity: str) -> list[int]:
    """Which rows of the measures are this person's."""
    return [n for n, track in enumerate(timeline.tracks) if track.participant == identity]


def speaking(timeline: Timeline, powers: Powers) -> Mask:
    """Frames in which each voice speaks."""
    masks = _own(lufs(powers)) if timeline.separate else _speech(lufs(powers[0]))[None]
    return np.stack([tidied(mask, JOINED_FRAMES, SHORTEST_FRAMES) for mask in masks])


def worth_hearing(powers: Powers, speech: Mask) -> Mask:
    """Frames of the whole room with speech, or with anything about as loud, such as music before the first word."""
    total, anyone = lufs(powers.sum(0)), np.asarray(speech.any(0))
    if not anyone.any():
        return anyone
    loud = float(np.percentile(total[anyone], 95))
    return tidied(anyone | (total > loud - WORTH_HEARING_DB), JOINED_FRAMES, SHORTEST_FRAMES)


def stretches(mask: Mask) -> NDArray[np.intp]:
    """First frame and end of every unbroken stretch, as rows."""
    return np.flatnonzero(np.diff(np.concatenate([[0], mask.view(np.int8), [0]]))).reshape(-1, 2)


def widened(mask: Mask, frames: int) -> Mask:
    """The stretches with so many frames more on either side."""
    out = mask.copy()
    for start, end in stretches(mask):
        out[max(start - frames, 0) : end + frames] = True
    return out


def running_max(values: Levels, width: int) -> Levels:
    """The largest of `width` values round every place."""
    half = width // 2
    padded = np.pad(values, half, constant_values=-np.inf)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, width).max(1))


def _speech(levels: Levels) -> Mask:
    top, floor = running_max(levels, TOP_FRAMES), _floor(levels)
    bar = np.maximum(LEAST_LUFS, np.minimum(floor + ABOVE_FLOOR_DB, top - BELOW_TOP_DB))
    loudest = running_max(levels, REVERB_FRAMES)
    return (levels > bar) & (levels > loudest - REVERB_BELOW_DB) & (top - floor > LIVELY_DB)


def _floor(levels: Levels) -> Levels:
    """A low percentile of the frames round each."""
    half, rank = FLOOR_FRAMES // 2, int(FLOOR_SHARE * FLOOR_FRAMES)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(levels, half, "symmetric"), FLOOR_FRAMES)
    chunks = [np.partition(windows[n : n + CHUNK], rank, axis=1)[:, rank].copy() for n in range(0, len(levels), CHUNK)]
    return np.concatenate(chunks)


def _own(levels: Levels) -> Mask:
    """Frames that belong to each voice and not to another's bleed."""
    usual = np.array([[_reference(voice)] for voice in levels])
    floor = np.array([[_track_floor(voice)] for voice in levels])
    relative = levels - usual
    near = relative >= relative.max(0) - DOMINANCE_DB
    audible = levels > np.maximum(LEAST_LUFS, np.minimum(floor + ABOVE_TRACK_FLOOR_DB, usual - BELOW_TOP_DB))
    own = np.asarray(audible & near & (relative > -OWN_RANGE_DB) & (usual - floor > LIVELY_DB))
    echoes = [_is_echo(n, own[n], levels, relative, levels - floor) for n in range(len(levels))]
    return np.asarray(own & ~np.array(echoes)[:, None])


def _is_echo(voice: int, own: Mask, levels: Levels, relative: Levels, clear: Levels) -> bool:
    """Whether all that this track hears is others: whenever it sounds, somebody speaks who is louder on a track of their own, or
    stands out more from its noise, and it rises and falls with them."""
    others = np.delete(np.arange(len(levels)), voice)
    if not own.any() or not len(others):
        return False
    loudest = others[relative[others][:, own].argmax(0)]
    frames = np.flatnonzero(own)
    below = levels[loudest, frames] - levels[voice, own]
    speaks = relative[loudest, frames] > relative[voice, own] - ECHO_BELOW_DB
    better = np.maximum(below, clear[loudest, frames] - clear[voice, frames]) > ECHO_BELOW_DB
    if float((better & speaks).mean()) < ECHO_SHARE:
        return False
    apart = [below[loudest == other] - np.median(below[loudest == other]) for other in set(loudest.tolist())]
    return float(np.median(np.abs(np.concatenate(apart)))) < ECHO_VARIES_DB


def _reference(levels: Levels) -> float:
    """How loud this voice usually is: the 95th percentile of what comes within 20 dB of its loudest second, or nearer to that than
    to the floor where there is much noise.

    Of all frames it would be the bleed's level, or the noise's, for somebody who hardly speaks.
    """
    second = np.convolve(10 ** (levels / 10), np.ones(10) / 10, "same")
    loudest = 10 * float(np.log10(max(second.max(), 1e-12)))
    range_db = min(OWN_RANGE_DB, max(loudest - _track_floor(levels), 0.0) / 2)
    near = levels[levels > loudest - range_db]
    return float(np.percentile(near, 95)) if len(near) else loudest


def _track_floor(levels: Levels) -> float:
    """What the track sounds like when its owner is silent; digital silence (muted, not there yet) does not count."""
    there = levels[levels > LEAST_LUFS - 40]
    return float(np.percentile(there, 10)) if len(there) else LEAST_LUFS


def tidied(mask: Mask, joined: int, shortest: int) -> Mask:
    """The mask with gaps shorter than `joined` filled, and then without stretches shorter than `shortest`."""
    out = mask.copy()
    for start, end in stretches(~mask):
        if end - start < joined and start > 0 and end < len(mask):
            out[start:end] = True
    for start, end in stretches(out):
        if end - start < shortest:
            out[start:end] = False
    return out
