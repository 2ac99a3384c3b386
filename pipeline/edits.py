"""What a creator decided about the sound, kept apart from what the machine found: it survives whatever is made again.

Seconds are those of `Sound.cuts`: the timeline's second 0.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Seconds from … to."""

    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute:
    """Seconds in which one voice is not heard; None: nobody is, as in a file of everybody, whomever a mute of it names."""

    participant: str | None
    start_s: float = 0.0
    # None: to the end
    end_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edits:
    """A creator's edit list of the sound."""

    cuts: tuple[Stretch, ...] = ()
    # what shall be heard though the machine would cut it
    kept: tuple[Stretch, ...] = ()
    mutes: tuple[Mute, ...] = ()
