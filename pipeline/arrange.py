"""Tracks, consent and pauses become one timeline on one clock. Pure: the same recording and files give the same timeline."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from math import ceil, floor
from typing import Literal

from pipeline.clock import spoken
from pipeline.cuts import PAUSED, merged
from pipeline.errors import Refused
from pipeline.models import Cut, FileKind, Found, Loss, Participant, Probed, Recording, Role, Timeline, Track

Consent = Literal["notice", "required"]

# Who comes first where voices are listed.
ROLES: tuple[Role, ...] = ("host", "cohost", "moderator", "speaker", "listener")
# A mix is taken from the first of these that there is.
MIXES: tuple[FileKind, ...] = ("mix", "segment", "video")
LONGEST_S = 24 * 3600.0
# How much later than its last file a room may end before we speak of loss.
SLACK_S, SLACK_SHARE = 10.0, 0.02


def arrange(recording: Recording, found: Found, consent: Consent) -> Timeline:
    """Who is heard when: tracks where there are any, else the mix, without those who may not be heard.

    Refused with code `consent` where nobody may be heard, or where one voice would have to be taken out of a mix.
    """
    people = {p.identity: p for p in recording.participants}
    strict = recording.consent_policy == "speakers" or (recording.consent_policy is None and consent == "required")
    tracks = _named([s for s in found.streams if s.kind == "track" and not _is_recorder(people.get(s.participant or ""))])
    heard = [s for s in tracks if _may_be_heard(people.get(s.participant or ""), strict)]
    if tracks and not heard:
        raise Refused("nobody on these tracks has agreed to be recorded, so there is no episode", code="consent")
    if not tracks:
        _demand_clean_mix(recording.participants, strict)
        heard = _mix(found.streams)
    if not heard:
        raise Refused("none of the files holds anybody's voice: only recorders were recorded", code="no_audio")
    # Several streams of one file are several microphones.
    separate = bool(tracks) or len({s.stream for s in heard}) > 1
    if separate and not tracks:
        heard = _named(heard)
    left_out = {s.participant for s in tracks} - {s.participant for s in heard}
    return _on_one_clock(recording, found, heard, separate, len(left_out))


# ---- consent


def _is_recorder(person: Participant | None) -> bool:
    return person is not None and person.kind == "egress"


def _may_be_heard(person: Participant | None, strict: bool) -> bool:
    """A refusal always wins; a bot has nothing to agree to."""
    if person is not None and (person.recording_consent is not None or person.kind == "agent"):
        return person.recording_consent is not False
    return not strict


def _demand_clean_mix(people: Iterable[Participant], strict: bool) -> None:
    speakers = [p for p in people if p.role != "listener" and p.kind != "egress"]
    against = [p for p in speakers if not _may_be_heard(p, strict)]
    if against:
        who = "one voice has" if len(against) == 1 else f"{len(against)} voices have"
        raise Refused(
            f"{who} not agreed to be recorded, and a mix cannot be cleaned of a voice; record separate tracks, or ask them",
            code="consent",
        )


# ---- which files


def _named(tracks: Sequence[Probed]) -> list[Probed]:
    """Every track with somebody's name on it."""
    return [s if s.participant else replace(s, participant=f"voice-{n}") for n, s in enumerate(tracks, 1)]


def _mix(streams: Sequence[Probed]) -> list[Probed]:
    """The recorder's own mix: of several copies that start together, the longest."""
    for kind in MIXES:
        of_kind = [s for s in streams if s.kind == kind]
        if not of_kind:
            continue
        if kind == "segment":
            return of_kind
        by_start: dict[tuple[float, int, int], Probed] = {}
        for s in of_kind:
            place = (s.start_offset_s, s.part, s.stream)
            by_start[place] = max(by_start.get(place, s), s, key=lambda one: one.duration_s)
        return list(by_start.values())
    return []


# ---- one clock


def _on_one_clock(recording: Recording, found: Found, heard: Sequence[Probed], separate: bool, left_out: int) -> Timeline:
    placed = [s for _, group in groupby(sorted(heard, key=_voice), key=_voice) for s in _in_turn(list(group))]
    starts_at_s = min(0.0, *(s.start_offset_s for s in placed))
    length_s = max(s.start_offset_s + s.duration_s for s in placed) - starts_at_s
    if not length_s <= LONGEST_S:
        raise Refused(f"the files of this room lie {spoken(length_s)} apart; their start_offset cannot be right", code="too_long")
    voices = _voices(recording.participants, placed) if separate else ()
    order = {person.identity: n for n, person in enumerate(voices)}
    tracks = [_track(s, starts_at_s) for s in placed]
    losses = (*found.losses, *(loss for s in placed for loss in s.losses), *_told(recording, starts_at_s + length_s, left_out))
    return Timeline(
        tracks=tuple(sorted(tracks, key=lambda t: (order.get(t.participant or "", 0), t.start_offset_s, t.file.sha256, t.stream))),
        separate=separate, length_s=length_s, cuts=_pauses(recording, starts_at_s, length_s),
        losses=tuple(_shifted(loss, starts_at_s) for loss in losses), voices=voices, starts_at_s=starts_at_s,
    )  # fmt: skip


def _voice(stream: Probed) -> str:
    return stream.participant or ""


def _in_turn(files: list[Probed]) -> list[Probed]:
    """The files of one voice: pieces follow one another, and where two overlap the later wins from its start."""
    out: list[Probed] = []
    for s in sorted(files, key=lambda s: (s.start_offset_s, s.part)):
        if out and s.start_offset_s <= out[-1].start_offset_s and (s.kind == "segment" or s.part > out[-1].part):
            s = replace(s, start_offset_s=out[-1].start_offset_s + out[-1].duration_s)
        elif out and out[-1].start_offset_s < s.start_offset_s < out[-1].start_offset_s + out[-1].duration_s:
            out[-1] = replace(out[-1], duration_s=s.start_offset_s - out[-1].start_offset_s)
        out.append(s)
    return out


def _track(s: Probed, starts_at_s: float) -> Track:
    return Track(
        file=s.file, participant=s.participant, start_offset_s=s.start_offset_s - starts_at_s, duration_s=s.duration_s,
        channels=s.channels, stream=s.stream,
    )  # fmt: skip


def _voices(people: Sequence[Participant], heard: Sequence[Probed]) -> tuple[Participant, ...]:
    """Everybody who is heard, host first; one whom the recording does not introduce is called by identity."""
    identities = dict.fromkeys(s.participant or "" for s in heard)
    known = sorted((p for p in people if p.identity in identities), key=lambda p: ROLES.index(p.role))
    strangers = identities.keys() - {p.identity for p in known}
    return (*known, *(Participant(identity=i, name=_spelled(i)) for i in identities if i in strangers))


def _spelled(identity: str) -> str:
    return identity.replace("-", " ").capitalize() if identity.startswith("voice-") else identity


def _pauses(recording: Recording, starts_at_s: float, length_s: float) -> tuple[Cut, ...]:
    """From every `recording_paused` to the next `recording_resumed`, or to the end."""
    cuts, paused_s = [], None
    for event in sorted(recording.events, key=lambda e: e.t_s):
        at_s = event.t_s - starts_at_s
        if event.type == "recording_paused" and paused_s is None:
            paused_s = at_s
        elif event.type == "recording_resumed" and paused_s is not None:
            cuts.append(_pause(paused_s, at_s))
            paused_s = None
    if paused_s is not None:
        cuts.append(_pause(paused_s, length_s))
    return merged(cuts, length_s)


def _pause(start_s: float, end_s: float) -> Cut:
    """The pause in whole milliseconds, which are whole samples: rather a moment too long than too short."""
    return Cut(start_s=floor(round(start_s * 1000, 6)) / 1000, end_s=ceil(round(end_s * 1000, 6)) / 1000, why=PAUSED)


def _told(recording: Recording, ends_s: float, left_out: int) -> Iterable[Loss]:
    """What the recording itself tells us is missing."""
    if left_out:
        voices = "1 voice" if left_out == 1 else f"{left_out} voices"
        yield Loss(at_s=None, lost_s=0.0, why=f"{voices} did not agree to be recorded and cannot be heard")
    if recording.ended_at is None or any(e.type == "recording_stopped" for e in recording.events):
        return
    missing_s = (recording.ended_at - recording.started_at).total_seconds() - ends_s
    if missing_s > max(SLACK_S, SLACK_SHARE * ends_s) and not any(f.duration_s for f in recording.files):
        yield Loss(at_s=ends_s, lost_s=round(missing_s, 3), why=f"the files end {spoken(missing_s)} before the room did")


def _shifted(loss: Loss, starts_at_s: float) -> Loss:
    return loss if loss.at_s is None else replace(loss, at_s=loss.at_s - starts_at_s)
