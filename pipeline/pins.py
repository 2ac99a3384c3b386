"""Topics pinned and moments marked in the room: the surest sign of a new chapter, though hosts do it a little early or late."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pipeline.models import RoomEvent
from pipeline.talk import Turn

MARKS = ("topic_pinned", "marker")
EARLY_S = 15.0
LATE_S = 45.0
# A pin replaced sooner was a slip.
SLIP_S = 15.0
# A first pin this early opens the episode.
OPENING_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A topic somebody pinned, or a moment somebody marked; `turn` is the turn it was meant for, where one is near enough."""

    at_s: float
    title: str
    url: str = ""
    image: str = ""
    turn: int | None = None


def pins_of(
    events: Sequence[RoomEvent], episode_s: Callable[[float], float], length_s: float, duration_s: float
) -> tuple[Pin, ...]:
    """The pinned topics in episode seconds and in order, without slips and repetitions."""
    out: list[Pin] = []
    for event in sorted(events, key=lambda e: e.t_s):
        if event.type not in MARKS or not event.title or event.t_s >= length_s:
            continue
        pin = Pin(at_s=episode_s(event.t_s), title=event.title, url=event.url, image=event.image)
        if out and out[-1].title == pin.title:
            out[-1] = replace(out[-1], url=out[-1].url or pin.url, image=out[-1].image or pin.image)
            continue
        if out and pin.at_s - out[-1].at_s < SLIP_S:
            out.pop()
        if pin.at_s <= duration_s - SLIP_S:
            out.append(pin)
    return tuple(out)


def placed(pins: Sequence[Pin], turns: Sequence[Turn], likely: Sequence[float]) -> tuple[Pin, ...]:
    """Each pin at the likeliest turn from 45 s before it to 15 s after it; one without any stays where it is."""
    out: list[Pin] = []
    for pin in pins:
        after = out[-1].at_s if out else -1.0
        near = [n for n, t in enumerate(turns) if max(pin.at_s - LATE_S, after + SLIP_S) <= t.start_s <= pin.at_s + EARLY_S]
        turn = max(near, key=lambda n: (round(likely[n], 6), -n), default=None)
        at_s = pin.at_s if turn is None else turns[turn].start_s
        out.append(replace(pin, at_s=at_s, turn=turn))
    return tuple(out)
