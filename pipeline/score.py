"""Where the show's music stands against the room, and how loud a bed is under it. Pure.

    intro ······┐ its last second and the room's first are heard together
    bed         └───── low while anybody speaks, a little higher in long pauses ─────┐
    outro                                                                            └······

The room begins `intro_s` into the episode; what is heard of it runs from there without a break.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipeline.gains import FRAME_S
from pipeline.joins import kept_samples
from pipeline.loudness import FRAME, Powers
from pipeline.models import Music, Piece, Timeline
from pipeline.music import lap
from pipeline.speaking import Mask, stretches, widened
from pipeline.spectra import RATE_HZ

Decibels = NDArray[np.float64]

# Of a bed against the loudness the episode shall have: nobody listens to words through more than that.
UNDER_SPEECH_DB, IN_PAUSES_DB = -18.0, -12.0
LONG_PAUSE_FRAMES = 20
# From one to the other in half a second, before the first word and after the last.
RAMP_FRAMES = 5
FADE_FRAMES, NOTHING_DB = 20, -60.0


def framed(timeline: Timeline, music: Music) -> Timeline:
    """The timeline between the show's music."""
    losses = (*timeline.losses, *music.losses)
    return replace(timeline, music=music, intro_s=_alone_s(music.intro), outro_s=_alone_s(music.outro), losses=losses)


def _alone_s(piece: Piece | None) -> float:
    """How long a piece is heard without the room."""
    return 0.0 if piece is None else (piece.samples - lap(piece.samples)) / RATE_HZ


def room_samples(timeline: Timeline) -> int:
    """How many samples are heard of the room."""
    return sum(end - start for start, end in kept_samples(timeline))


def episode_samples(timeline: Timeline) -> int:
    """How many samples the episode has, with its music."""
    return round(timeline.intro_s * RATE_HZ) + room_samples(timeline) + round(timeline.outro_s * RATE_HZ)


def bed_gains(timeline: Timeline, sounding: Mask) -> Decibels:
    """The bed's gain for every 100 ms of what is heard of the room; `sounding` tells frames with anything to listen to."""
    if timeline.music.bed is None:
        return np.zeros(0)
    busy = np.asarray(sounding.any(0))[np.minimum(_room_frames(timeline), sounding.shape[1] - 1)]
    for start, end in stretches(~busy):
        if end - start < LONG_PAUSE_FRAMES:
            busy[start:end] = True
    wanted = np.where(widened(busy, RAMP_FRAMES), UNDER_SPEECH_DB, IN_PAUSES_DB)
    padded = np.pad(wanted, (RAMP_FRAMES // 2, RAMP_FRAMES - 1 - RAMP_FRAMES // 2), "edge")
    smooth = np.convolve(padded, np.ones(RAMP_FRAMES) / RAMP_FRAMES, "valid")
    return np.asarray(smooth + _fades(len(wanted)))


def _room_frames(timeline: Timeline) -> NDArray[np.intp]:
    """Which frame of the room is heard in every frame of what is heard of it."""
    kept = np.array(kept_samples(timeline), np.intp).reshape(-1, 2)
    begins = np.cumsum(kept[:, 1] - kept[:, 0]) - (kept[:, 1] - kept[:, 0])
    at = np.arange(0, room_samples(timeline), FRAME)
    n = np.searchsorted(begins, at, "right") - 1
    return np.asarray((kept[n, 0] + at - begins[n]) // FRAME)


def _fades(frames: int) -> Decibels:
    """From nothing at the beginning, to nothing at the end."""
    share = np.minimum(np.arange(frames), np.arange(frames)[::-1]) / FADE_FRAMES
    return np.asarray(20 * np.log10(np.clip(share, 10 ** (NOTHING_DB / 20), 1.0)))


def accompanied_powers(timeline: Timeline, room: Powers, bed_db: Decibels, music_db: float) -> Powers:
    """The powers of the episode's 100 ms frames: of what is heard of the room, and of the music with so many dB more."""
    music, before = timeline.music, round(timeline.intro_s / FRAME_S)
    powers = np.pad(np.zeros_like(room), (before, round(timeline.outro_s / FRAME_S)))
    if music.bed:
        frames = min(len(room), len(bed_db))
        powers[before : before + frames] += np.resize(_powers(music.bed), frames) * 10 ** (bed_db[:frames] / 10)
    if music.intro:
        intro = _powers(music.intro)[: len(powers)]
        powers[: len(intro)] += intro
    if music.outro:
        outro = _powers(music.outro)[-len(powers) :]
        powers[len(powers) - len(outro) :] += outro
    powers *= 10 ** (music_db / 10)
    powers[before : before + len(room)] += room
    return powers


def _powers(piece: Piece) -> Powers:
    return np.asarray(np.load(piece.powers.path, allow_pickle=False), np.float64)
