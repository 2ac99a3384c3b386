"""Every rendition is decoded again and believed only then; one that is off is corrected and made again, alone."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from os import cpu_count
from pathlib import Path

from pipeline.child import Children, Report, quiet
from pipeline.decode import RATE_HZ, in_blocks, keep_memory
from pipeline.encode import encode
from pipeline.errors import Broken
from pipeline.level import LOUDEST_DBTP, Levels
from pipeline.loudness import Meter
from pipeline.models import MadeFile, Rendition, Timeline
from pipeline.plan import EncodePlan

VERSION = 2
MOST_LU_OFF = 0.2
# A ceiling is lowered by the excess and this: encoders do not overshoot the same twice.
SAFETY_DB = 0.3
TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What a listener's player will hear."""

    samples: int
    integrated_lufs: float | None
    true_peak_dbtp: float | None
    loudness_range_lu: float | None = None


def verify(
    timeline: Timeline, levels: Levels, plan: EncodePlan, made: tuple[Rendition, ...], *,
    children: Children, scratch: Path, report: Report = quiet, ffmpeg: str = "",
) -> tuple[Rendition, ...]:  # fmt: skip
    """The renditions with loudness, true peak and length as decoded; one that is off is corrected and made again.

    Broken when a rendition stays wrong.
    """
    again = partial(encode, timeline, levels, children=children, scratch=scratch, ffmpeg=ffmpeg)
    checked: list[Rendition] = []
    # One more than there are processors: three files on two of them end together.
    with ThreadPoolExecutor((cpu_count() or 1) + 1) as pool:
        for rendition in pool.map(lambda one: _settled(one, levels, plan, children, again), made):
            checked.append(rendition)
            report(len(checked) / len(made))
    return tuple(checked)


def _settled(
    rendition: Rendition, levels: Levels, plan: EncodePlan, children: Children, again: Callable[[EncodePlan], tuple[Rendition, ...]]
) -> Rendition:
    """The rendition with what was measured, after as many corrections as it needs."""
    plan = replace(plan, formats=(rendition.format,))
    for _ in range(TRIES):
        decoded = children.run(heard_again, rendition.file, rendition.channels)
        _demand_length(rendition, decoded)
        trim_db, ceiling_db = needed(decoded, levels.expected_lufs)
        if not trim_db and not ceiling_db:
            return _with(rendition, decoded)
        plan = replace(plan, trim_db=plan.trim_db + trim_db, ceiling_db=plan.ceiling_db + ceiling_db)
        (rendition,) = again(plan)
    found = f"{decoded.integrated_lufs} LUFS, true peak {decoded.true_peak_dbtp} dBTP"
    wanted = (
        f"{levels.expected_lufs:.1f} LUFS and at most {LOUDEST_DBTP} dBTP"
        if levels.expected_lufs
        else f"at most {LOUDEST_DBTP} dBTP"
    )
    raise Broken(f"{rendition.format} stays wrong after {TRIES} tries: {found}; wanted {wanted}", code="rendition_wrong")


def needed(decoded: Decoded, expected_lufs: float | None) -> tuple[float, float]:
    """The trim and the change of ceiling that would set a rendition right; both 0: it is right."""
    off_lu = 0.0 if decoded.integrated_lufs is None or expected_lufs is None else expected_lufs - decoded.integrated_lufs
    trim_db = off_lu if abs(off_lu) > MOST_LU_OFF else 0.0
    if decoded.true_peak_dbtp is None:
        return trim_db, 0.0
    excess_db = decoded.true_peak_dbtp + max(trim_db, 0.0) - LOUDEST_DBTP
    return trim_db, -(excess_db + SAFETY_DB) if excess_db > 0 else 0.0


def _with(rendition: Rendition, decoded: Decoded) -> Rendition:
    return replace(
        rendition, integrated_lufs=decoded.integrated_lufs, true_peak_dbtp=decoded.true_peak_dbtp,
        loudness_range_lu=decoded.loudness_range_lu,
    )  # fmt: skip


def _demand_length(rendition: Rendition, decoded: Decoded) -> None:
    encoded = round(rendition.duration_s * RATE_HZ)
    if decoded.samples != encoded:
        raise Broken(
            f"{rendition.format} decodes to {decoded.samples:,} samples where {encoded:,} were encoded", code="rendition_wrong"
        )


def heard_again(file: MadeFile, channels: int, report: Report) -> Decoded:
    """The rendition, decoded and measured; works in the child."""
    keep_memory()
    meter = Meter(channels)
    for sound in in_blocks(file.path, channels):
        meter(sound)
        report(0.0)
    peak = meter.peak.dbtp()
    loudness = meter.integrated_lufs()
    return Decoded(
        samples=meter.samples, integrated_lufs=None if loudness is None else round(loudness, 2),
        true_peak_dbtp=None if peak is None else round(peak, 2), loudness_range_lu=meter.loudness_range_lu(),
    )  # fmt: skip
