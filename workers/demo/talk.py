"""Reads `talk.txt`: who says what in the sample room, how long after the one before, and what happens in between."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_TURN = re.compile(r"(?P<who>[a-z]+)(?: \((?P<gap>[+-][\d.]+)\))?: (?P<text>.+)")
_EVENT = re.compile(r"\* (?P<gap>[+-][\d.]+) (?P<type>[a-z_]+)(?P<rest>( \| [a-z]+: [^|]+)*)")
_SENTENCE_ENDS = re.compile(r"(?<=[.!?])\s+")
# Turns that name no gap: the pause moves about between these, never twice the same.
_PAUSE_S, _PAUSE_SPAN_S, _STRIDE = 0.3, 0.4, 0.618


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """`gap_s` after whatever was said last has ended; negative talks into it."""

    who: str
    gap_s: float
    text: str

    @property
    def sentences(self) -> tuple[str, ...]:
        return tuple(_SENTENCE_ENDS.split(self.text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """An event of `room.json`, `gap_s` after whatever was said last has ended."""

    type: str
    gap_s: float
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """What the turns from here on are about."""

    title: str


Line = Turn | Happening | Topic


def read(path: Path) -> tuple[Line, ...]:
    """The talk in its order; any other line is a ValueError that names it."""
    return tuple(_lines(path.read_text()))


def _lines(text: str) -> Iterator[Line]:
    turns = 0
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        if event := _EVENT.fullmatch(line):
            yield Happening(type=event["type"], gap_s=float(event["gap"]), values=tuple(_values(event["rest"])))
        elif line.startswith("= "):
            yield Topic(title=line.removeprefix("= "))
        elif turn := _TURN.fullmatch(line):
            turns += 1
            gap_s = float(turn["gap"]) if turn["gap"] else _PAUSE_S + _PAUSE_SPAN_S * (turns * _STRIDE % 1)
            yield Turn(who=turn["who"], gap_s=gap_s, text=turn["text"])
        else:
            raise ValueError(f"line {number} of the talk is neither a turn, an event nor a topic: {line}")


def _values(rest: str) -> Iterator[tuple[str, str]]:
    for pair in rest.split(" | ")[1:]:
        key, _, value = pair.partition(": ")
        yield key, value.strip()
