"""What may happen between a host and a service, and by which chance: a table, and a seeded die for each connection or request."""

import random
from dataclasses import dataclass
from typing import Literal

Way = Literal["up", "down"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """Fair by default. Shares are 0 … 1 of the connections (plain TCP) or of the requests (HTTP)."""

    # before anything is answered
    latency_s: float = 0.0
    # closed without a word
    refused: float = 0.0
    # answered with 500 or 503; HTTP only
    errors: float = 0.0
    # broken off in the middle: what the client sends, and what it is sent
    cut_up: float = 0.0
    cut_down: float = 0.0
    # so many bytes of a body pass before it is cut; of shorter ones half
    cut_after_bytes: int = 4096
    # one byte changed on the way
    wrong_up: float = 0.0
    wrong_down: float = 0.0
    # as fast as this; None is as fast as it goes
    bytes_a_second: int | None = None


FAIR = Weather()
# The storm of docs/reliability.md: every fifth request fails, everything is late, one body in twenty is broken off.
ROUGH = Weather(latency_s=1.0, errors=0.2, cut_up=0.05, cut_down=0.05)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What happens to one connection or request."""

    refused: bool
    # the status that is answered instead; 0 is none
    error: int
    # which ways are broken off, and where one byte is changed
    cut: frozenset[Way]
    wrong: frozenset[Way]

    @property
    def name(self) -> str:
        """For counting: the first thing that goes wrong."""
        if self.refused:
            return "refused"
        if self.error:
            return "error"
        return "cut" if self.cut else "wrong" if self.wrong else "fair"


def fate_of(weather: Weather, die: random.Random) -> Fate:
    """What the die says; it is thrown equally often in any weather, so that the same seed tells the same story."""
    refused, error, which, *throws = (die.random() for _ in range(7))
    shares: tuple[tuple[Way, float, float], ...] = (
        ("up", weather.cut_up, weather.wrong_up), ("down", weather.cut_down, weather.wrong_down)
    )  # fmt: skip
    return Fate(
        refused=refused < weather.refused,
        error=(500 if which < 0.5 else 503) if error < weather.errors else 0,
        cut=frozenset(way for (way, cut, _), thrown in zip(shares, throws[:2], strict=True) if thrown < cut),
        wrong=frozenset(way for (way, _, wrong), thrown in zip(shares, throws[2:], strict=True) if thrown < wrong),
    )
