"""The tracks of a room as they will be heard: filtered, and without the hum that was found on them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.decode import shared_blocks
from pipeline.filters import hum_filter
from pipeline.kept import Kept
from pipeline.models import Track
from pipeline.spectra import Sound
from pipeline.tracks import Decoding


def sounding(tracks: Sequence[Track], channels: int, total: int, scratch: Path) -> Iterator[tuple[int, list[Sound | None]]]:
    """Rows of blocks of (channels, samples), None being silence, with the sample each begins at; kept, or decoded once more."""
    kept = Kept(scratch, tracks, channels, total)
    hums = [hum_filter(track, channels) for track in tracks]
    rows = kept if kept.is_whole else Decoding(tracks, channels, total)
    for (first, row), (_, length) in zip(rows, shared_blocks(total), strict=True):
        yield first, [hum(block, length) for hum, block in zip(hums, row, strict=True)]
