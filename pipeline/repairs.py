"""What was put right in a room's sound, and what could not be, as its creator is told. Pure; names are data and stay text."""

from collections.abc import Iterator

from pipeline.hum import mains_of
from pipeline.models import Heard, Loss, Repair, Timeline, Track
from pipeline.text import clean_line

# Moments of 20 ms: what is cut off at full scale more rarely nobody hears.
OFTEN_CLIPPED = 25


def repairs_of(timeline: Timeline) -> tuple[Repair, ...]:
    """What was taken out of each track, each once however many files a voice has."""
    found = (Repair(participant=track.participant, why=why) for track in timeline.tracks for why in _taken_out(timeline, track))
    return tuple(dict.fromkeys(found))


def overdriven(timeline: Timeline, heard: Heard) -> Iterator[Loss]:
    """What is cut off at full scale, which nothing brings back; no second of it is missing."""
    for track, condition in zip(timeline.tracks, heard.conditions, strict=False):
        if condition.clipped >= OFTEN_CLIPPED:
            whose = _whose(timeline, track) or "the recording"
            why = f"{whose} was recorded too loud: it is cut off at full scale {condition.clipped} times, and stays so"
            yield Loss(at_s=None, lost_s=0.0, why=why)


def _taken_out(timeline: Timeline, track: Track) -> Iterator[str]:
    whose = _whose(timeline, track)
    if track.hum_lines_hz:
        yield f"mains hum of {mains_of(track.hum_lines_hz):.0f} Hz was taken out" + (f" of {whose}" if whose else "")
    if track.denoise:
        yield "steady noise was lowered" + (f" in {whose}" if whose else "")


def _whose(timeline: Timeline, track: Track) -> str:
    """`Laura's track`; empty for a file of everybody."""
    names = {voice.identity: voice.name for voice in timeline.voices}
    name = clean_line(names.get(track.participant or "") or track.participant or "")
    return f"{name}'s track" if timeline.separate and name else ""
