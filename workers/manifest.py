"""`room.json`, schema room-recording/1, becomes a `Recording`: every text cleaned, every time inside the room.

Unknown keys are passed over. What can never be used is refused in words; what can be used when corrected is, with a warning.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, get_args

from pipeline.errors import Broken, Refused
from pipeline.models import Access, Distribution, FileKind, Participant, Recording, Role, RoomEvent, SourceFile
from workers.fields import Fields, read_json

Warn = Callable[[str], None]

SCHEMA = "room-recording/1"
# An event this far outside the room was measured by another clock a little off; one further out means nothing.
SLACK_S = 60.0
# What listeners write and do is nobody's business but the room's.
EVENTS = frozenset({
    "participant_joined", "participant_left", "role_changed", "track_muted", "track_unmuted", "speaker_started", "speaker_stopped",
    "topic_pinned", "topic_unpinned", "marker", "recording_started", "recording_paused", "recording_resumed", "recording_stopped",
    "network_gap",
})  # fmt: skip
# controls, backslashes and lone surrogates
_STRANGE = re.compile("[\x00-\x1f\x7f\\\\\ud800-\udfff]")


def unheard(warning: str) -> None:
    """A `Warn` for nobody."""


def parse(content: bytes | Mapping[str, Any], *, warn: Warn = unheard, address: Callable[[str], bool] | None = None) -> Recording:
    """The recording that a manifest describes.

    `address` says which paths that are whole addresses (`s3://…`, `https://…`) may be named; without it none may.
    Errors: `Refused`; `Broken` with code still_recording while the manifest says that it is not complete.
    """
    data = Fields.of(read_json(content) if isinstance(content, bytes) else content)
    _check_schema(data)
    if data.flag("complete") is False:
        raise Broken(
            "the recording is still being written (complete is false); it is taken when it is true", code="still_recording"
        )
    recording = _head(data, warn)
    files = tuple(_file(entry, address) for entry in data.sections("files"))
    if not files:
        raise Refused(f"recording {recording.recording_id} names no files", code="no_files")
    people = _with_unlisted(_people(data.sections("participants"), warn), files, warn)
    may_read = _readable(address)
    events = _events(data.sections("events"), _length_s(recording), {p.identity for p in people}, may_read, warn)
    return replace(recording, files=files, participants=people, events=events)


def _check_schema(data: Fields) -> None:
    schema = data.line("schema", required=True)
    if schema != SCHEMA:
        raise Refused(f"schema {schema!r} is not known here; this version reads {SCHEMA}", code="unknown_schema")


def _head(data: Fields, warn: Warn) -> Recording:
    source, room, consent = data.section("source"), data.section("room"), data.section("consent")
    started_at = room.time("started_at", required=True)
    assert started_at
    return Recording(
        recording_id=data.exact("recording_id"), engine=source.line("engine") or "file", session_id=room.exact("sid"),
        name=room.line("name"), started_at=started_at, ended_at=_ended_at(room, started_at, warn), title=room.line("title"),
        description=room.block("description"), language=_language(room, warn), show=room.line("show"), access=_access(room, warn),
        distribution=_distribution(room, warn), consent_policy=_policy(consent, warn),
    )  # fmt: skip


def _ended_at(room: Fields, started_at: datetime, warn: Warn) -> datetime | None:
    ended_at = room.time("ended_at")
    if ended_at and ended_at < started_at:
        warn(f"room.ended_at {ended_at.isoformat()} is before its start and not believed")
        return None
    return ended_at


def _length_s(recording: Recording) -> float | None:
    return (recording.ended_at - recording.started_at).total_seconds() if recording.ended_at else None


def _language(room: Fields, warn: Warn) -> str:
    language = room.line("language")
    if language and not re.fullmatch(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", language):
        warn(f"room.language {language[:40]!r} is no language tag; it is detected instead")
        return ""
    return language


# ---- who may hear it: what is not understood is read as the stricter thing


def _access(room: Fields, warn: Warn) -> Access | None:
    access = room.word("access", get_args(Access), otherwise="private", warn=warn)
    if room.line("price") and access in {None, "public", "unlisted"}:
        warn("the room has a price and is read as ticketed")
        return "ticketed"
    return access


def _distribution(room: Fields, warn: Warn) -> Distribution | None:
    distribution = room.word("distribution", get_args(Distribution), otherwise="review", warn=warn)
    until = room.time("exclusive_until")
    if until and distribution in {None, "auto"}:
        warn(f"the room is exclusive until {until.isoformat()} and is held back")
        return "timer"
    return distribution


def _policy(consent: Fields, warn: Warn) -> Any:
    policy = consent.word("policy", ("speakers", "notice"), otherwise="speakers", warn=warn)
    if policy != "speakers" and consent.flag("notice_shown") is False:
        warn("no notice was shown, so that each speaker's own yes is needed")
        return "speakers"
    return policy


# ---- who was there


def _people(entries: Sequence[Fields], warn: Warn) -> tuple[Participant, ...]:
    people: dict[str, Participant] = {}
    for entry in entries:
        person = _person(entry, warn)
        twin = people.get(person.identity)
        if twin:
            warn(f"participant {person.identity} is listed twice; the first counts, and a no of either")
            refused = False in {twin.recording_consent, person.recording_consent}
            person = replace(twin, recording_consent=False if refused else twin.recording_consent)
        people[person.identity] = person
    return tuple(people.values())


def _person(entry: Fields, warn: Warn) -> Participant:
    identity = entry.line("identity", required=True)
    role: Role = entry.word("role", get_args(Role), otherwise="speaker", warn=warn) or "speaker"
    joined_at_s, left_at_s = entry.number("joined_at"), entry.number("left_at")
    if joined_at_s is not None and left_at_s is not None and left_at_s < joined_at_s:
        warn(f"participant {identity} left at {left_at_s:g} s, before joining at {joined_at_s:g} s; the end is not believed")
        left_at_s = None
    heard = role != "listener"  # of those who only listened nothing is kept that tells who they are
    return Participant(
        identity=identity, name=(entry.line("name") or identity) if heard else "", role=role, kind=entry.line("kind") or "standard",
        joined_at_s=joined_at_s, left_at_s=left_at_s, recording_consent=entry.flag("recording_consent"),
        url=entry.url("url", warn) if heard else "", image=entry.url("image", warn) if heard else "",
        title=entry.line("title") if heard else "", organisation=entry.line("organisation") if heard else "",
    )  # fmt: skip


def _with_unlisted(people: tuple[Participant, ...], files: tuple[SourceFile, ...], warn: Warn) -> tuple[Participant, ...]:
    """Everybody who may be heard: with the owners of tracks that nobody listed, without silent listeners."""
    owners = dict.fromkeys(file.participant for file in files if file.participant)
    listed = {person.identity for person in people}
    unlisted = tuple(owner for owner in owners if owner not in listed)
    for owner in unlisted:
        warn(f"a track belongs to {owner}, who is not among the participants")
    heard = tuple(p for p in people if p.role != "listener" or p.identity in owners)
    return (*heard, *(Participant(identity=owner, name=owner) for owner in unlisted))


# ---- what there is to hear


def _file(entry: Fields, address: Callable[[str], bool] | None) -> SourceFile:
    path = entry.text("path")
    if not _readable(address)(path):
        advice = "name it by its path inside the folder, with / between the parts and no .."
        raise Refused(f"{entry.name}.path {path[:120]!r} may not be read; {advice}", code="bad_path")
    finalized = entry.flag("finalized") is not False
    return SourceFile(
        path=path, kind=_kind(entry), participant=entry.line("participant") or None, sha256=_sha256(entry),
        start_offset_s=entry.number("start_offset") or 0.0, duration_s=entry.number("duration") if finalized else None,
        size_bytes=entry.whole("size") if finalized else None, part=entry.whole("part") or 1,
    )  # fmt: skip


def _readable(address: Callable[[str], bool] | None) -> Callable[[str], bool]:
    """Which paths may be read: those inside the folder, and whole addresses where any may be named."""
    return lambda path: address(path) if "://" in path and address else is_inside(path)


def is_inside(path: str) -> bool:
    """Whether it is a plain relative path that leads nowhere else."""
    parts = path.split("/")
    strange = len(path) > 1024 or "://" in path or _STRANGE.search(path) or re.fullmatch(r"[A-Za-z]:", parts[0])
    return not strange and not {"", ".", ".."} & set(parts)


def _kind(entry: Fields) -> FileKind:
    kind = entry.line("kind", required=True)
    for known in get_args(FileKind):
        if kind == known:
            return known  # type: ignore[no-any-return]
    raise Refused(f"{entry.name}.kind {kind[:40]!r} is not known; use one of {', '.join(get_args(FileKind))}", code="bad_manifest")


def _sha256(entry: Fields) -> str | None:
    sha256 = entry.line("sha256").lower()
    if sha256 and not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise Refused(f"{entry.name}.sha256 is no sha256: 64 hex digits are", code="bad_manifest")
    return sha256 or None


# ---- what happened


def _events(
    entries: Sequence[Fields], length_s: float | None, known: set[str], may_read: Callable[[str], bool], warn: Warn
) -> tuple[RoomEvent, ...]:
    passed_over: Counter[str] = Counter()
    kept = tuple(sorted(_kept(entries, length_s, may_read, passed_over), key=lambda event: event.t_s))
    for why, count in passed_over.items():
        warn(f"events {why}: {count}")
    # somebody who only listened is named nowhere
    return tuple(
        replace(event, participant=None) if event.participant and event.participant not in known else event for event in kept
    )


def _kept(
    entries: Sequence[Fields], length_s: float | None, may_read: Callable[[str], bool], passed_over: Counter[str]
) -> Iterator[RoomEvent]:
    end_s = float("inf") if length_s is None else length_s
    for entry in entries:
        t_s, kind = entry.number("t", required=True), entry.line("type", required=True)
        assert t_s is not None
        if kind not in EVENTS:
            continue
        if not -SLACK_S <= t_s <= end_s + SLACK_S:
            passed_over["outside the room were dropped"] += 1
            continue
        if not 0 <= t_s <= end_s:
            passed_over["a little outside the room were moved to its edge"] += 1
        image = entry.text("image") if kind == "topic_pinned" and entry.data.get("image") else ""
        if image and not may_read(image):
            passed_over["with a picture that may not be read stand without it"] += 1
            image = ""
        yield RoomEvent(
            t_s=min(max(t_s, 0.0), end_s), type=kind, participant=entry.line("participant") or None, title=entry.line("title"),
            url=entry.url("url"), image=image,
        )  # fmt: skip
