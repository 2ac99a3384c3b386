"""Chapters: pinned topics first, then where a conversation turns to something new. Pure: the same room gives the same chapters."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from pipeline.clock import TimeMap
from pipeline.cues import host_of
from pipeline.foreign import segments_of_json
from pipeline.models import Chapter, Participant, Recording, RoomEvent, Segment, Timeline, Transcript
from pipeline.pins import OPENING_S, Pin, pins_of, placed
from pipeline.plan import ChapterPlan
from pipeline.talk import Turn, turns_of
from pipeline.titles import titles_of
from pipeline.topics import Search, conversation, openings
from pipeline.unsaid import said

SHORTEST_S = 60.0
FEWEST = 3
MOST = 20
MOST_IN_LONG = 30
LONG_S = 2 * 3600.0
# A chapter begins this long before its first word, in the pause.
BREATH_S = 0.15
OPENING_TITLE = "Intro"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Where a chapter begins, in episode seconds, and the turn it begins with; named by a pin, or not yet."""

    at_s: float
    turn: int | None = None
    pin: Pin | None = None
    worth: float = 0.0


def chapters_of(recording: Recording, timeline: Timeline, transcript: Transcript, plan: ChapterPlan) -> tuple[Chapter, ...]:
    """Chapters of a room on its timeline's clock; none is named after what is muted."""
    events = tuple(replace(event, t_s=event.t_s - timeline.starts_at_s) for event in recording.events)
    told = said(transcript, timeline.mutes)
    return chapter(told, participants=recording.participants, events=events, time_map=TimeMap.of(timeline), plan=plan)


def chapter(
    transcript: Transcript, *,
    participants: tuple[Participant, ...], events: tuple[RoomEvent, ...], time_map: TimeMap, plan: ChapterPlan,
) -> tuple[Chapter, ...]:  # fmt: skip
    """Chapters in room seconds, the first at the episode's first second; empty when there is too little to go by.

    Pinned topics always give chapters; a draft and no transcript give no others, since nobody can name them.
    """
    duration_s = time_map.duration_s
    pins = pins_of(events, time_map.episode_s, time_map.length_s, duration_s)
    turns = turns_of(tuple(_heard(transcript.segments, time_map)))
    computed = transcript.quality == "full" and duration_s >= plan.min_room_s
    if not pins and not (computed and turns):
        return ()
    hosts = [p.identity for p in participants if p.role == "host"]
    marks = _marks(pins, turns, hosts, duration_s, _search(plan, duration_s) if computed else None)
    if len(marks) < FEWEST and not pins:
        return ()
    titles = _titles(marks, turns if transcript.quality == "full" else ())
    starts_s = [time_map.room_s(mark.at_s) for mark in marks]
    return tuple(
        Chapter(
            start_s=round(start_s, 3),
            end_s=round(end_s, 3),
            title=title,
            source="pinned" if mark.pin else "computed",
            url=mark.pin.url if mark.pin else "",
            image=mark.pin.image if mark.pin else "",
        )
        for mark, title, start_s, end_s in zip(marks, titles, starts_s, [*starts_s[1:], time_map.room_s(duration_s)], strict=True)
    )


def chapters_of_json(document: object, plan: ChapterPlan | None = None) -> tuple[Chapter, ...]:
    """Chapters of any podcast-namespace JSON transcript (`segments[]`: speaker, startTime, endTime, body), in its own seconds.

    Error: `Refused` when the document is no such transcript.
    """
    segments = segments_of_json(document)
    transcript = Transcript(engine="", model="", quality="full", language="", segments=segments)
    time_map = TimeMap(max(s.end_s for s in segments))
    return chapter(transcript, participants=(), events=(), time_map=time_map, plan=plan or ChapterPlan())


def _heard(segments: Iterable[Segment], time_map: TimeMap) -> Iterable[Segment]:
    """The segments in episode seconds, without those that nobody hears."""
    for segment in segments:
        start_s, end_s = time_map.episode_s(segment.start_s), time_map.episode_s(segment.end_s)
        if end_s > start_s:
            words = tuple(
                replace(w, start_s=time_map.episode_s(w.start_s), end_s=time_map.episode_s(w.end_s)) for w in segment.words
            )
            yield replace(segment, start_s=start_s, end_s=end_s, words=words)


# ---- where


def _marks(
    pins: Sequence[Pin], turns: tuple[Turn, ...], hosts: Sequence[str], duration_s: float, search: Search | None
) -> tuple[Mark, ...]:
    """Where chapters begin: at the pins, and with a `search` also where the talk turns."""
    if not turns:
        return _ruled([Mark(at_s=pin.at_s, pin=pin) for pin in pins], duration_s)
    talk = conversation(turns, host_of(turns, hosts))
    pinned = placed(pins, turns, talk.logits.tolist())
    begins_s = _beginnings(turns)
    marks = [Mark(at_s=pin.at_s if pin.turn is None else begins_s[pin.turn], turn=pin.turn, pin=pin) for pin in pinned]
    if search:
        taken = {pin.turn for pin in pinned if pin.turn is not None}
        marks += [
            Mark(at_s=begins_s[n], turn=n, worth=float(talk.logits[n]))
            for n in openings(talk, duration_s, taken, search)
            if n not in taken
        ]
    return _ruled(marks, duration_s)


def _search(plan: ChapterPlan, duration_s: float) -> Search:
    """Chapters of the length that is wanted, longer where they would become too many."""
    return Search(target_s=max(plan.target_s, duration_s / _most(duration_s)), shortest_s=SHORTEST_S)


def _most(duration_s: float) -> int:
    return MOST_IN_LONG if duration_s > LONG_S else MOST


def _beginnings(turns: Sequence[Turn]) -> list[float]:
    """Where a chapter that opens with each turn begins: just before its first word, but after every word before it."""
    ended_s = [0.0, *accumulate((max(s.end_s for s in turn.sentences) for turn in turns), max)]
    return [max(min(end_s, turn.start_s), turn.start_s - BREATH_S) for turn, end_s in zip(turns, ended_s, strict=False)]


def _ruled(marks: Iterable[Mark], duration_s: float) -> tuple[Mark, ...]:
    """The marks as a listener expects them: one at the very beginning, none too close to another or to the end, not too many."""
    ordered = _opened(sorted(marks, key=lambda m: (m.at_s, m.pin is None)))
    kept: list[Mark] = ordered[:1]
    for mark, following in pairwise([*ordered[1:], Mark(at_s=duration_s)]):
        fits = mark.at_s - kept[-1].at_s >= SHORTEST_S and following.at_s - mark.at_s >= (SHORTEST_S if following.pin else 0)
        if mark.pin or (fits and duration_s - mark.at_s >= SHORTEST_S):
            kept.append(mark)
    surplus = sorted((m for m in kept[1:] if not m.pin), key=lambda m: (m.worth, m.at_s))[: max(0, len(kept) - _most(duration_s))]
    return tuple(mark for mark in kept if mark not in surplus)


def _opened(ordered: Sequence[Mark]) -> list[Mark]:
    """The same marks, the first at second 0: the first pin's where that comes early enough."""
    early = [m for m in ordered if m.pin and m.at_s < OPENING_S]
    later = [m for m in ordered if m.at_s > 0 and m not in early[:1] and (m.pin or m.at_s >= SHORTEST_S)]
    first = replace(early[0], at_s=0.0) if early else Mark(at_s=0.0, turn=0)
    return [first, *later]


# ---- what they are called


def _titles(marks: Sequence[Mark], turns: tuple[Turn, ...]) -> list[str]:
    """The pins' own titles; the others from their words, or where those may not be trusted a neutral one."""
    if not turns:
        return [mark.pin.title if mark.pin else OPENING_TITLE for mark in marks]
    firsts = [mark.turn if mark.turn is not None else _turn_at(turns, mark.at_s) for mark in marks]
    taken = [mark.pin.title for mark in marks if mark.pin]
    named = titles_of([turns[a:b] or turns[a : a + 1] for a, b in pairwise([*firsts, len(turns)])], taken)
    return [mark.pin.title if mark.pin else name or f"Part {n}" for n, (mark, name) in enumerate(zip(marks, named, strict=True), 1)]


def _turn_at(turns: Sequence[Turn], at_s: float) -> int:
    return max(0, bisect_right([t.start_s for t in turns], at_s) - 1)
