"""What a microphone makes of a voice, and a recorder of the microphone: loudness, room tone, hum, clipping, Opus."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from pipeline.child import Report
from pipeline.loudness import FRAME, Meter
from workers.demo.voices import RATE_HZ, Sound

FULL = 0.98  # beyond this an overdriven microphone clips
HUM_DBFS = -50.0
TONE_HZ, TONE_S = 300.0, 50
# how long before and after its speaker's words a microphone lets the tone of its room through
OPENS_S, HOLDS_S = 0.3, 0.8
BITRATE_BPS = 24_000
Spans = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Microphone:
    """How loud its speaker arrives, how loud the room around it, and what is wrong with it."""

    lufs: float
    tone_dbfs: float = -68.0
    clips: bool = False
    hum_hz: float | None = None


def heard(voice: Sound, microphone: Microphone, spans_s: Spans, seed: int) -> Sound:
    """The voice as it comes out of that microphone, with the tone of its room where it is open; the seed makes that noise."""
    sound = levelled(voice, microphone.lufs)
    if microphone.clips:
        for _ in range(3):  # what clipping takes away is turned up again
            sound = levelled(np.clip(sound, -FULL, FULL), microphone.lufs)
    sound = sound + _open(spans_s, len(sound)) * _tone(microphone.tone_dbfs, len(sound), seed)
    if microphone.hum_hz:
        sound = sound + _hum(microphone.hum_hz, len(sound))
    return np.clip(sound, -FULL, FULL)


def _open(spans_s: Spans, length: int) -> Sound:
    """1 where the microphone's noise gate is open, 0 where it is shut: as the browser's does when nobody speaks into it."""
    gate = np.zeros(length)
    for start_s, end_s in spans_s:
        gate[max(0, round((start_s - OPENS_S) * RATE_HZ)) : round((end_s + HOLDS_S) * RATE_HZ)] = 1
    return gate


def _tone(dbfs: float, length: int, seed: int) -> Sound:
    """A room at rest: noise that falls by 12 dB an octave above TONE_HZ."""
    count = TONE_S * RATE_HZ
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(0, 1, count))
    noise = np.fft.irfft(spectrum / (1 + (np.fft.rfftfreq(count, 1 / RATE_HZ) / TONE_HZ) ** 2), count)
    return np.resize(noise * _gain(dbfs) / np.sqrt(np.mean(noise**2)), length)


def _hum(hz: float, length: int) -> Sound:
    turn = 2 * np.pi * hz * np.arange(length) / RATE_HZ
    return np.asarray(_gain(HUM_DBFS) * (np.sin(turn) + 0.5 * np.sin(2 * turn) + 0.3 * np.sin(3 * turn)))


def levelled(sound: Sound, target_lufs: float) -> Sound:
    """The same sound at that loudness."""
    return sound * _gain(target_lufs - loudness_lufs(sound))


def loudness_lufs(sound: Sound) -> float:
    """Integrated loudness of a sound that is not silence."""
    meter = Meter(1)
    for first in range(0, len(sound), 100 * FRAME):
        meter(sound[None, first : first + 100 * FRAME].astype(np.float32))
    measured = meter.integrated_lufs()
    assert measured is not None
    return measured


def _gain(db: float) -> float:
    return float(10 ** (db / 20))


def encode_opus(wav: Path, ogg: Path, report: Report) -> int:
    """Bytes of the Ogg Opus file it writes as a recorder would: packets of 60 ms, next to nothing where all is silent."""
    with av.open(wav) as source, av.open(ogg, "w", format="ogg", options={"fflags": "+bitexact"}) as target:
        stream = target.add_stream("libopus", rate=RATE_HZ, options={"frame_duration": "60"}, layout="mono")
        stream.bit_rate = BITRATE_BPS
        stream.codec_context.flags |= av.codec.context.Flags.bitexact
        for frame in source.decode(audio=0):
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    report(1.0)
    return ogg.stat().st_size
