"""A change that somebody wants of an episode, as people write it, laid over the edits that are there. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

from feeds.catalogue import Episode
from feeds.script import clock_of
from pipeline import editing
from pipeline.clock import written
from pipeline.cuts import united
from pipeline.edits import Edits, Mute, Stretch
from pipeline.errors import Refused
from pipeline.models import Sound
from pipeline.text import clean_line

EVERYBODY = "everybody"
# What is left of an episode must be worth hearing.
SHORTEST_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundChange:
    """What shall become of the sound: times and stretches as `12:30` and `12:30-13:05`, a voice by identity or name."""

    # everything that was changed before is forgotten first
    reset: bool = False
    keep: Sequence[str] = ()
    cut: Sequence[str] = ()
    start: str = ""
    end: str = ""
    unmute: Sequence[str] = ()
    mute: Sequence[str] = ()
    # times are those of the episode as it plays now, not of the recording
    as_heard: bool = False


def edited(episode: Episode, change: SoundChange) -> Edits:
    """The episode's edit list with the change laid over it. Errors: `Refused` for times and voices that it does not have."""
    edits = Edits() if change.reset else episode.edits
    if not (change.keep or change.cut or change.start or change.end or change.unmute or change.mute):
        return edits
    if episode.sound is None:
        raise Refused(f"{episode.title} cannot be heard yet, so nothing of it can be cut; see: aircheck runs", code="not_ready")
    edits = _trimmed(_cut(edits, episode, change), episode, episode.sound, change)
    changed = _muted(edits, episode, episode.sound, change)
    _must_leave_something(changed, episode.sound)
    return changed


# ---- times


def _cut(edits: Edits, episode: Episode, change: SoundChange) -> Edits:
    kept = reduce(editing.keep, (_stretch(episode, one, change) for one in change.keep), edits)
    return reduce(editing.cut, (_stretch(episode, one, change) for one in change.cut), kept)


def _trimmed(edits: Edits, episode: Episode, sound: Sound, change: SoundChange) -> Edits:
    cut_now = [Stretch(start_s=one.start_s, end_s=one.end_s) for one in sound.cuts]
    if change.start:
        edits = editing.begin_at(edits, _second(episode, editing.seconds_of(change.start), change), cut_now)
    if change.end:
        edits = editing.end_at(edits, _second(episode, editing.seconds_of(change.end), change), cut_now, sound.source_s)
    return edits


def _stretch(episode: Episode, said: str, change: SoundChange) -> Stretch:
    asked = editing.stretch_of(said)
    return Stretch(start_s=_second(episode, asked.start_s, change), end_s=_second(episode, asked.end_s, change))


def _second(episode: Episode, at_s: float, change: SoundChange) -> float:
    """That second of the recording, in whole milliseconds."""
    clock = clock_of(episode)
    length_s = clock.duration_s if change.as_heard else clock.length_s
    # who reads a length that was cut down to the second, or takes the next whole one, means the end
    if at_s > length_s + 1.0:
        what = "the episode lasts" if change.as_heard else "the recording lasts"
        raise Refused(f"{written(at_s)} is too late: {what} {written(length_s)}", code="bad_time")
    return round(min(clock.room_s(at_s) if change.as_heard else at_s, clock.length_s), 3)


def _must_leave_something(edits: Edits, sound: Sound) -> None:
    gone_s = sum(end_s - start_s for start_s, end_s in united((one.start_s, one.end_s) for one in edits.cuts))
    if sound.source_s - gone_s < SHORTEST_S:
        raise Refused("nothing would be left to hear; cut less, or take the cuts back: --reset", code="nothing_left")


# ---- voices


def _muted(edits: Edits, episode: Episode, sound: Sound, change: SoundChange) -> Edits:
    for said in change.unmute:
        edits = reduce(editing.unmute, _voices(sound, episode, said, edits), edits)
    return reduce(editing.mute, (mute for said in change.mute for mute in _mutes(sound, episode, said, change)), edits)


def _mutes(sound: Sound, episode: Episode, said: str, change: SoundChange) -> Iterable[Mute]:
    """`VOICE` or `VOICE@12:30-13:05` as mutes; one voice cannot be taken out of a file of everybody, only its time."""
    who, when = _who_and_when(said)
    whole = not when
    if whole and (who.casefold() == EVERYBODY or not _is_separate(sound)):
        raise Refused(
            f"say when: --mute '{who}@12:30-13:05'"
            + ("" if _is_separate(sound) else "; this room was recorded as one file, so that everybody is silent meanwhile"),
            code="bad_mute",
        )
    stretch = Stretch(start_s=0.0, end_s=0.0) if whole else _stretch(episode, when, change)
    for participant in _voices(sound, episode, who):
        yield Mute(participant=participant, start_s=stretch.start_s, end_s=None if whole else stretch.end_s)


def _who_and_when(said: str) -> tuple[str, str]:
    """An identity may hold an @ of its own: only what follows the last one, and is a stretch, says when."""
    who, _, when = said.rpartition("@")
    try:
        editing.stretch_of(when)
    except Refused:
        return said, ""
    return (who, when) if who else (said, "")


def _voices(sound: Sound, episode: Episode, said: str, edits: Edits | None = None) -> tuple[str | None, ...]:
    """Whom that name means, None for all of a file of everybody. Errors: `Refused` where it means nobody, or several."""
    people = {person.identity: person.name for person in episode.people}
    names = {voice.participant: people.get(voice.participant, voice.name) for voice in sound.voices if voice.participant} or people
    everybody = tuple(names) if _is_separate(sound) else (None,)
    if said.casefold() == EVERYBODY and said not in names:
        return everybody
    known = {*names, *(mute.participant for mute in (edits.mutes if edits else ()) if mute.participant)}
    found = [said] if said in known else [who for who, name in names.items() if name.casefold() == said.strip().casefold()]
    if len(found) > 1:
        raise Refused(f"{len(found)} voices are called {said!r}; name one by its identity: {', '.join(found)}", code="bad_voice")
    if not found:
        told = ", ".join(clean_line(f"{name} ({who})", 80) for who, name in names.items())
        raise Refused(f"there is no voice {clean_line(said, 80)!r}; there are: {told or EVERYBODY}", code="unknown_voice")
    return tuple(found) if _is_separate(sound) else (None,)


def _is_separate(sound: Sound) -> bool:
    return any(voice.participant for voice in sound.voices)
