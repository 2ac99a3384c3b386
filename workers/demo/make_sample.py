"""Makes the sample room in `sample/` from `talk.txt`: voices by flite and sox, a recording as a platform would leave it behind.

`python -m workers.demo.make_sample [DIR]` writes room.json, a track a speaker, and truth.json with every word and its seconds.
The same builds of flite, sox and PyAV give the same bytes.
"""

import argparse
import json
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.child import Children
from pipeline.models import MadeFile, Role, Word
from workers.demo import talk
from workers.demo.microphone import Microphone, encode_opus, heard, loudness_lufs
from workers.demo.voices import RATE_HZ, Sound, Voice, save, speak

HERE = Path(__file__).parent
STARTED_AT = datetime(2026, 11, 19, 22, 0, tzinfo=UTC)
SEED = 20261119
Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """Somebody with a track."""

    identity: str
    name: str
    role: Role
    title: str
    organisation: str
    voice: Voice
    microphone: Microphone


CAST = (
    Speaker(
        identity="laura", name="Laura Lindqvist", role="host", title="Radio host", organisation="The Night Shift",
        voice=Voice(name="slt", stretch=1.2, cents=-150), microphone=Microphone(lufs=-18, tone_dbfs=-60),
    ),
    Speaker(
        identity="daniel", name="Daniel Reyes", role="cohost", title="Sleeping car attendant", organisation="",
        voice=Voice(name="rms", stretch=1.12), microphone=Microphone(lufs=-33),
    ),
    Speaker(
        identity="gordon", name="Gordon Muir", role="speaker", title="Baker", organisation="Muir and Daughter",
        voice=Voice(name="awb", stretch=1.18), microphone=Microphone(lufs=-14, clips=True),
    ),
    Speaker(
        identity="victor", name="Victor Hale", role="listener", title="Lighthouse keeper, retired", organisation="",
        voice=Voice(name="kal16", stretch=1.2), microphone=Microphone(lufs=-25, hum_hz=50),
    ),
)  # fmt: skip
LISTENERS = {"june": "June", "sam": "Sam"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A turn as it was spoken, in room seconds."""

    who: str
    start_s: float
    text: str
    sound: Sound
    words: tuple[Word, ...]

    @property
    def end_s(self) -> float:
        return self.words[-1].end_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """The whole talk on the room's clock."""

    said: tuple[Said, ...]
    events: tuple[Json, ...]
    topics: tuple[tuple[float, str], ...]

    @property
    def length_s(self) -> float:
        return float(self.events[-1]["t"])

    @property
    def first_word_s(self) -> float:
        return self.said[0].start_s

    @property
    def last_word_s(self) -> float:
        return max(turn.end_s for turn in self.said)

    def presence(self, identity: str) -> tuple[float, float]:
        """From when to when that speaker has a track."""
        own = {e["type"]: float(e["t"]) for e in self.events if e.get("participant") == identity}
        return own["track_published"], own.get("track_unpublished", self.length_s)


# ---- the talk, spoken


def perform(lines: Iterable[talk.Line], scratch: Path) -> Take:
    """Every turn spoken and placed; a topic begins where its first turn does."""
    voices = {speaker.identity: speaker.voice for speaker in CAST}
    said: list[Said] = []
    events: list[Json] = []
    topics: list[tuple[float, str]] = []
    opening: str | None = None
    ended_s = 0.0
    for line in lines:
        if isinstance(line, talk.Topic):
            opening = line.title
        elif isinstance(line, talk.Happening):
            events.append({"t": round(ended_s + line.gap_s, 3), "type": line.type, **dict(line.values)})
        else:
            turn = _spoken(line, round(ended_s + line.gap_s, 3), voices[line.who], scratch)
            said.append(turn)
            ended_s = max(ended_s, turn.end_s)
            if opening:
                topics.append((turn.start_s, opening))
                opening = None
    return Take(said=tuple(said), events=tuple(sorted(events, key=lambda e: e["t"])), topics=tuple(topics))


def _spoken(turn: talk.Turn, start_s: float, voice: Voice, scratch: Path) -> Said:
    sound, words = speak(voice, turn.sentences, scratch)
    placed = (Word(text=w.text, start_s=round(start_s + w.start_s, 3), end_s=round(start_s + w.end_s, 3)) for w in words)
    return Said(who=turn.who, start_s=start_s, text=turn.text, sound=sound, words=tuple(placed))


# ---- tracks


def track_of(speaker: Speaker, take: Take) -> Sound:
    """That speaker's microphone while it was on, with its level and its fault."""
    voice = np.zeros(round(take.length_s * RATE_HZ))
    for turn in take.said:
        if turn.who == speaker.identity:
            first = round(turn.start_s * RATE_HZ)
            voice[first : first + len(turn.sound)] += turn.sound
    sound = heard(voice, speaker.microphone, _open_spans_s(speaker, take), SEED + CAST.index(speaker))
    joined_s, left_s = take.presence(speaker.identity)
    return sound[round(joined_s * RATE_HZ) : round(left_s * RATE_HZ)]


def _open_spans_s(speaker: Speaker, take: Take) -> list[tuple[float, float]]:
    """Where that speaker's microphone is open; the host's also before the talk and after it."""
    spans = [(turn.start_s, turn.end_s) for turn in take.said if turn.who == speaker.identity]
    return [(0, take.first_word_s), *spans, (take.last_word_s, take.length_s)] if speaker.role == "host" else spans


# ---- room.json and truth.json


def manifest(take: Take, files: list[Json]) -> Json:
    """`room.json`, schema room-recording/1."""
    return {
        "schema": "room-recording/1", "recording_id": "REC_night-shift-12", "complete": True,
        "source": {"engine": "sample", "version": "1", "session_id": "RM_night-shift-12"},
        "room": {
            "sid": "RM_night-shift-12", "name": "night-shift", "title": "Night trains, fresh bread and a lighthouse",
            "description": "A night train, a bakery and an island in the sea: three people who are awake while everybody else is"
            " asleep, and one question from a nurse who would like to sleep by day.",
            "language": "en", "topics": ["work", "night", "travel"], "started_at": _at(0), "ended_at": _at(take.length_s),
            "show": "night-shift", "access": "public", "price": None, "explicit": False, "distribution": "auto",
            "exclusive_until": None, "retention_days": None,
        },
        "consent": {"notice_shown": True, "policy": "notice"},
        "participants": list(_participants(take)), "files": files, "events": list(take.events),
        "stats": {"peak_listeners": 41, "unique_listeners": 57},
    }  # fmt: skip


def _participants(take: Take) -> Iterator[Json]:
    for speaker in CAST:
        yield {**_person(take, speaker.identity, speaker.name, speaker.role), "recording_consent": True,
               "title": speaker.title, "organisation": speaker.organisation}  # fmt: skip
    for identity, name in LISTENERS.items():
        yield {**_person(take, identity, name, "listener"), "recording_consent": None}


def _person(take: Take, identity: str, name: str, role: Role) -> Json:
    own = [e for e in take.events if e.get("participant") == identity]
    came = {e["type"]: e["t"] for e in own}
    # the role they had last: who was brought on the stage is a speaker
    role = next((e["role"] for e in reversed(own) if e["type"] == "role_changed"), role)
    return {"identity": identity, "name": name, "role": role, "kind": "standard", "joined_at": came["participant_joined"],
            "left_at": came.get("participant_left"), "url": "", "image": ""}  # fmt: skip


def _file(number: int, speaker: Speaker, track: MadeFile, presence: tuple[float, float]) -> Json:
    joined_s, left_s = presence
    return {
        "path": f"tracks/{track.path.name}", "kind": "track", "participant": speaker.identity, "track_id": f"TR_{number}",
        "start_offset": joined_s, "duration": round(left_s - joined_s, 3), "size": track.size_bytes, "sha256": track.sha256,
        "mime_type": "audio/ogg", "part": 1, "clock_ppm": None, "finalized": True,
    }  # fmt: skip


def truth(take: Take, levels: dict[str, float]) -> Json:
    """What a perfect listener would know of the room."""
    pinned = {e["title"]: e["url"] for e in take.events if e["type"] == "topic_pinned"}
    return {
        "length_s": take.length_s,
        "first_word_s": take.first_word_s,
        "last_word_s": take.last_word_s,
        "speakers": {
            s.identity: {"name": s.name, "lufs": levels[s.identity], "present_s": take.presence(s.identity)} for s in CAST
        },
        "topics": [{"start_s": start_s, "title": title, "url": pinned.get(title)} for start_s, title in take.topics],
        "overlaps": list(_overlaps(take.said)),
        "turns": [
            {"speaker": t.who, "start_s": t.start_s, "end_s": t.end_s, "text": t.text,
             "words": [[w.text, w.start_s, w.end_s] for w in t.words]} for t in take.said
        ],
    }  # fmt: skip


def _overlaps(said: tuple[Said, ...]) -> Iterator[Json]:
    for one, other in combinations(said, 2):
        start_s, end_s = max(one.start_s, other.start_s), min(one.end_s, other.end_s)
        if start_s < end_s:
            yield {"start_s": start_s, "end_s": end_s, "speakers": [one.who, other.who]}


def _at(second: float) -> str:
    return (STARTED_AT + timedelta(seconds=second)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# ---- all of it


def make(folder: Path) -> Take:
    """The sample room, written into the folder."""
    (folder / "tracks").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        take = perform(talk.read(HERE / "talk.txt"), scratch)
        levels, files = {}, []
        for number, speaker in enumerate(CAST, 1):
            sound = track_of(speaker, take)
            levels[speaker.identity] = round(loudness_lufs(sound), 2)
            path = folder / "tracks" / f"{number}-{speaker.identity}.ogg"
            Children().run(encode_opus, save(scratch / "track.wav", sound), path)
            files.append(_file(number, speaker, MadeFile.of(path), take.presence(speaker.identity)))
    _write(folder / "room.json", manifest(take, files))
    _write(folder / "truth.json", truth(take, levels))
    return take


def _write(path: Path, value: Json) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=HERE / "sample", metavar="DIR")
    folder: Path = parser.parse_args().folder
    take = make(folder)
    size_kib = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1024
    print(
        f"{folder}: {take.length_s:.1f} s, {len(take.said)} turns, {sum(len(t.words) for t in take.said)} words, {size_kib:.0f} KiB"
    )


if __name__ == "__main__":
    main()
