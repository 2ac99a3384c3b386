"""The show's own music, made ready: short pieces at the loudness they shall have, softly begun and ended.

A piece that cannot be played never stops an episode: it is left out, and that is told. The only file that imports pydub, which is
for short sound.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import av
import av.logging
import numpy as np

from pipeline.child import Children, Report, quiet
from pipeline.clock import spoken
from pipeline.decode import in_blocks
from pipeline.errors import Broken, Hindered, Refused
from pipeline.journal import place
from pipeline.loudness import Meter
from pipeline.models import Loss, MadeFile, Music, Piece
from pipeline.plan import MusicPlan
from pipeline.spectra import RATE_HZ, Sound

Part = Literal["intro", "outro", "bed"]
PARTS: tuple[Part, ...] = ("intro", "outro", "bed")

LONGEST_S: Mapping[Part, float] = {"intro": 60.0, "outro": 60.0, "bed": 180.0}
SHORTEST_S = 0.5
MOST_BYTES = 200 << 20
# Against the room's: music has no pauses, and by the same meter is heard as louder. What a bed is lowered by, the talk says.
LOUDNESS_LU: Mapping[Part, float] = {"intro": -3.0, "outro": -3.0, "bed": 0.0}
# What is quieter is no music.
QUIETEST_LUFS = -60.0
# Room and music are heard together for so long, and a bed's end with its own beginning.
LAP_S = 1.0
CLICK_MS = 10
# pydub counts in whole numbers: so many times full scale fit into them.
HEADROOM = 8


def lap(samples: int) -> int:
    """How many samples of a piece are heard together with the room."""
    return min(round(LAP_S * RATE_HZ), samples // 2)


def compose(
    plan: MusicPlan, channels: int, target_lufs: float, *, children: Children, scratch: Path, report: Report = quiet
) -> Music:
    """The pieces of the plan for an episode in so many channels that shall be so loud."""
    folder = place(scratch, compose, plan, channels, target_lufs)
    pieces: dict[Part, Piece] = {}
    losses: list[Loss] = []
    for part in PARTS:
        file: MadeFile | None = getattr(plan, part)
        if file is None:
            continue
        try:
            pieces[part] = children.run(played, file, Use(part=part, channels=channels, target_lufs=target_lufs), folder)
        except Hindered:
            raise
        except (Refused, Broken) as error:
            losses.append(Loss(at_s=None, lost_s=0.0, why=f"this episode is without the show's {part}: {error}"))
        report(PARTS.index(part) / len(PARTS))
    return Music(**pieces, losses=tuple(losses))


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What a piece is played as, in an episode of so many channels that shall be so loud."""

    part: Part
    channels: int
    target_lufs: float


# ---- in the child


def tasted(file: MadeFile, part: Part, report: Report) -> float:
    """How many seconds the file would be heard as that part of a show's music. Refused, in one line, where it is not fit for it."""
    report(0.0)
    sound = _read(file, part, 2)
    _loudness(sound, part)
    return float(sound.shape[1] / RATE_HZ)


def played(file: MadeFile, use: Use, folder: Path, report: Report) -> Piece:
    """The file as a piece of music."""
    sound = _read(file, use.part, use.channels)
    report(0.5)
    gain_db = use.target_lufs + LOUDNESS_LU[use.part] - _loudness(sound, use.part)
    shaped = _by_pydub(sound, lambda segment: _SHAPES[use.part](segment.apply_gain(gain_db), 1000 * lap(sound.shape[1]) // RATE_HZ))
    path, powers = folder / f"{use.part}.f32", folder / f"{use.part}.npy"
    np.ascontiguousarray(shaped.T).tofile(path)
    np.save(powers, np.concatenate(_meter(shaped).powers))
    return Piece(file=MadeFile.of(path), samples=shaped.shape[1], powers=MadeFile.of(powers))


def _read(file: MadeFile, part: Part, channels: int) -> Sound:
    longest_s = LONGEST_S[part]
    if not file.path.is_file():
        raise Refused("its file is not there any more; give the show another one", code="gone")
    if file.size_bytes > MOST_BYTES:
        raise Refused(f"its file has {file.size_bytes >> 20} MB; the limit is {MOST_BYTES >> 20}", code="too_large")
    av.logging.set_level(None)
    blocks: list[Sound] = []
    try:
        for block in in_blocks(file.path, channels):
            blocks.append(block)
            if sum(one.shape[1] for one in blocks) > longest_s * RATE_HZ:
                raise Refused(f"it is longer than {spoken(longest_s)}, which is the limit", code="too_long")
    except av.FFmpegError as error:
        raise Refused(f"it cannot be read: {error.strerror or error}", code="unreadable") from error
    sound = np.concatenate(blocks, 1) if blocks else np.zeros((channels, 0), np.float32)
    if sound.shape[1] < SHORTEST_S * RATE_HZ:
        raise Refused(f"it holds {sound.shape[1] / RATE_HZ:.1f} s of sound; {SHORTEST_S} s are the least", code="too_short")
    return np.nan_to_num(sound, posinf=0.0, neginf=0.0)


def _loudness(sound: Sound, part: Part) -> float:
    found = _meter(sound).integrated_lufs()
    if found is None or found < QUIETEST_LUFS:
        raise Refused(f"nothing can be heard in it, so it is no {part}", code="silent")
    return found


def _meter(sound: Sound) -> Meter:
    meter = Meter(len(sound))
    meter(sound)
    return meter


# ---- shapes, in pydub's words: segments of sound, milliseconds


def _opening(segment: Any, lap_ms: int) -> Any:
    return segment.fade_in(CLICK_MS).fade_out(lap_ms)


def _closing(segment: Any, lap_ms: int) -> Any:
    return segment.fade_in(lap_ms).fade_out(CLICK_MS)


def _loop(segment: Any, lap_ms: int) -> Any:
    """From behind its beginning to its end, which becomes that beginning: played again and again it has no seam."""
    return segment[lap_ms:].append(segment[:lap_ms], crossfade=lap_ms)


_SHAPES: Mapping[Part, Callable[[Any, int], Any]] = {"intro": _opening, "outro": _closing, "bed": _loop}


def _by_pydub(sound: Sound, shape: Callable[[Any], Any]) -> Sound:
    """The sound after pydub has shaped it."""
    with warnings.catch_warnings():
        # It looks for an ffmpeg of its own, and works with what Python 3.11 and 3.12 say will leave them.
        warnings.simplefilter("ignore")
        from pydub import AudioSegment
    scale = np.float64(2**31 / HEADROOM)
    whole = np.clip(np.rint(sound.T * scale), -(2**31), 2**31 - 1).astype(np.int32)
    segment = AudioSegment(data=whole.tobytes(), sample_width=4, frame_rate=RATE_HZ, channels=len(sound))
    shaped = np.frombuffer(shape(segment).raw_data, np.int32).reshape(-1, len(sound))
    return np.ascontiguousarray((shaped / scale).astype(np.float32).T)
