"""Who is heard in an episode, in which colour and for how much of the talk. All colour belongs to people."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from feeds.catalogue import Episode
from feeds.script import named
from pipeline.models import SILENT_DBFS, Activity

# On the stage; chosen to stay apart for normal, deuteranopic and protanopic eyes, and to have 5:1 against the stage.
VOICE_COLOURS = ("#fd8e67", "#4a89f2", "#a1fafe", "#eff159", "#d4599b", "#c3bafe", "#bf7b0f", "#15e5b4")
STAGE_COLOUR = "#111118"
TEXT_ON_STAGE = "#f6f6fa"

ROLE_WORDS = {"host": "Host", "cohost": "Co-host", "moderator": "Moderator", "speaker": "Guest"}
_SMALL_NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve")


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """One colour of the strip: a person, or everybody who spoke up from the audience."""

    identities: tuple[str, ...]
    name: str
    initials: str
    role: str
    # 1 … 8, an index into VOICE_COLOURS; 0: in the room, but nobody can say which sound is theirs
    colour: int
    # of all the talk, 0 … 1; None where voices were not told apart
    share: float | None
    url: str = ""
    # what they are called in the words of the episode; listeners are never named
    names: tuple[str, ...] = ()
    audience: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    identity: str
    # empty: may not be named
    name: str = ""
    role: str = "speaker"
    url: str = ""


def voices(episode: Episode) -> tuple[Voice, ...]:
    """Everybody to show, the host first; whoever said nothing is left out where voices were told apart."""
    known = _known(episode)
    talk = _talk_s(episode.sound.activity) if episode.sound else {}
    heard = [known.get(i) or _Known(identity=i) for i, seconds in talk.items() if seconds > 0]
    if not heard:
        return tuple(_voice((known[person.identity],), colour=0, share=None) for person in named(episode))
    total = sum(talk[person.identity] for person in heard)
    return tuple(
        _voice(group, colour=n, share=sum(talk[p.identity] for p in group) / total) for n, group in enumerate(_groups(heard), 1)
    )


def colours_by_name(shown: tuple[Voice, ...]) -> Mapping[str, int]:
    """The colour of each name in the words; the first bearer of a name keeps it."""
    return {name: voice.colour for voice in reversed(shown) for name in voice.names}


def _known(episode: Episode) -> dict[str, _Known]:
    """Everybody with a role, and with a name where they may be named; the room's own list is believed before the sound's."""
    levels = episode.sound.voices if episode.sound else ()
    measured = {v.participant: _Known(identity=v.participant, name=v.name, role=v.role) for v in levels if v.participant}
    listed = {p.identity: _Known(identity=p.identity, role=p.role) for p in episode.people}
    names = {p.identity: _Known(identity=p.identity, name=p.name, role=p.role, url=web_url(p.url)) for p in named(episode)}
    return measured | listed | names


def _talk_s(activity: Activity) -> dict[str, float]:
    return {
        identity: int(np.count_nonzero(np.asarray(levels) > SILENT_DBFS)) * activity.bin_s
        for identity, levels in activity.voices
        if identity
    }


def _groups(heard: list[_Known]) -> list[tuple[_Known, ...]]:
    """One colour each, while they last; the audience shares one, and so do speakers for whom none is left."""
    speakers = [p for p in heard if p.role != "listener"]
    audience = [p for p in heard if p.role == "listener"]
    room_for = len(VOICE_COLOURS) - bool(audience)
    if len(speakers) > room_for:
        room_for = len(VOICE_COLOURS) - 1
        speakers, audience = speakers[:room_for], speakers[room_for:] + audience
    return [*((p,) for p in speakers), *([tuple(audience)] if audience else [])]


def _voice(group: tuple[_Known, ...], *, colour: int, share: float | None) -> Voice:
    listens = any(p.role == "listener" for p in group)
    return _shared(group, colour, share, listens) if listens or len(group) > 1 else _own(group[0], colour, share)


def _shared(group: tuple[_Known, ...], colour: int, share: float | None, listens: bool) -> Voice:
    return Voice(
        identities=tuple(p.identity for p in group),
        name="From the room" if listens else "Others",
        initials=str(len(group)),
        role=_voices_in_words(len(group)),
        colour=colour,
        share=share,
        names=tuple(p.name for p in group if p.name and p.role != "listener"),
        audience=listens,
    )


def _own(person: _Known, colour: int, share: float | None) -> Voice:
    return Voice(
        identities=(person.identity,),
        name=person.name or "A guest",
        initials=initials(person.name),
        role=ROLE_WORDS.get(person.role, "Guest"),
        colour=colour,
        share=share,
        url=person.url,
        names=(person.name,) if person.name else (),
    )


def _voices_in_words(n: int) -> str:
    word = _SMALL_NUMBERS[n] if n < len(_SMALL_NUMBERS) else str(n)
    return f"{word} voice" if n == 1 else f"{word} voices"


def initials(name: str) -> str:
    """One or two capitals, of the first and the last word."""
    words = [word for word in (w.strip("\"'()[]<>.,") for w in name.split()) if word]
    letters = [words[0][0], words[-1][0]] if len(words) > 1 else [w[0] for w in words]
    return "".join(letters).upper() or "?"


def web_url(url: str) -> str:
    """The address if it is one for the web, else nothing: a link from a room may carry any scheme."""
    return url if url.startswith(("https://", "http://")) else ""
