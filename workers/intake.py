"""A room has ended: what it left behind is accepted in one transaction, and once."""

from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import Update, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from feeds.catalogue import EpisodeRow, Person, Show, ShowRow, add_show, episode_guid, episode_slug, find_show, json_of
from feeds.pages.wording import short_day
from pipeline.errors import Refused
from pipeline.models import Participant, Recording
from pipeline.text import clean_block, clean_line, slug
from workers import ledger
from workers.database import inserting
from workers.ledger import InboxRow, NextJob, RecordingRow
from workers.ledger.runs import recording_of

NAMED_ROLES = ("host", "cohost", "moderator", "speaker")


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeRules:
    """What becomes of a room that names no show, or one that is not there."""

    default_show: str = ""
    unknown_show: Literal["hold", "create", "refuse"] = "hold"
    # the address a new show's feed will have; its guid follows from it
    public_url: str = "http://127.0.0.1:8000"
    # whether a new show's draft words are private or public
    drafts: Literal["private", "public"] = "private"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What the platform is answered."""

    # the recording id
    run: str
    # "" while it is held
    episode_guid: str
    show_slug: str
    # the event, or the recording, had been accepted before; nothing has changed
    known: bool
    # why it waits for a person; "" when it does not
    held: str = ""


def accept(session: Session, recording: Recording, root: str, *, provider: str, event_id: str, defaults: IntakeRules) -> Accepted:
    """Take a finished recording whose files lie under `root`: inbox, recording, episode and job audio, or nothing of it.

    The same event or the same recording again changes nothing. Errors: `Refused` where the rules refuse an unknown show.
    """
    noted = _insert_new(session, InboxRow, provider=provider, event_id=event_id, recording_id=recording.recording_id)
    if not noted:
        return _known(session, session.get_one(InboxRow, (provider, event_id)).recording_id)
    show = _show_for(session, recording, defaults)
    wanted = recording.show or defaults.default_show
    row = {
        "id": recording.recording_id, "wanted_show": wanted, "engine": recording.engine, "session_id": recording.session_id,
        "root": root, **(_belonging(recording, show) if show else _waiting(recording, wanted)),
    }  # fmt: skip
    if not _insert_new(session, RecordingRow, **row):
        return _known(session, recording.recording_id)
    held = _begin(session, recording, show) if show else row["reason"]
    guid = "" if held else row["episode_guid"]
    return Accepted(run=recording.recording_id, episode_guid=guid, show_slug=show.slug if show else wanted, known=False, held=held)


def admit_held(session: Session) -> int:
    """Recordings that waited for a show which is there now go their way; how many."""
    waits = (RecordingRow.state == "held") & RecordingRow.show_id.is_(None)
    found = session.scalars(select(RecordingRow).join(ShowRow, ShowRow.slug == RecordingRow.wanted_show).where(waits)).all()
    for row in found:
        show, recording = find_show(session, row.wanted_show), recording_of(row)
        assert show
        session.execute(_this(recording).values(_belonging(recording, show)))
        _begin(session, recording, show)
    return len(found)


def _known(session: Session, recording_id: str) -> Accepted:
    row = session.get_one(RecordingRow, recording_id)
    show = session.get(ShowRow, row.show_id) if row.show_id else None
    held = row.reason if row.state == "held" else ""
    return Accepted(
        run=row.id, episode_guid=row.episode_guid, show_slug=show.slug if show else row.wanted_show, known=True, held=held
    )


def _belonging(recording: Recording, show: Show) -> dict[str, Any]:
    """What a recording's row says once its show is known."""
    manifest = json_of(filled(recording, show))
    return {
        "show_id": show.id, "episode_guid": guid_of(recording, show), "manifest": manifest, "state": "accepted", "reason": "",
    }  # fmt: skip


def _waiting(recording: Recording, wanted: str) -> dict[str, Any]:
    return {"manifest": json_of(recording), "state": "held", "reason": _unknown_show(wanted)}


def _begin(session: Session, recording: Recording, show: Show) -> str:
    """The episode appears and its audio is asked for; why not, where its session has an episode already."""
    episode = _episode(filled(recording, show), show)
    if not _insert_new(session, EpisodeRow, **episode):
        reason = _further_recording(session, episode["guid"])
        session.execute(_this(recording).values(state="held", episode_guid="", reason=reason))
        return reason
    ledger.arm(session, NextJob(kind="audio"), show_id=show.id, recording_id=recording.recording_id)
    return ""


def _this(recording: Recording) -> Update:
    return update(RecordingRow).where(RecordingRow.id == recording.recording_id)


def _insert_new(session: Session, table: type[Any], **values: Any) -> bool:
    """Insert a row; False when there is one of that key already, or another transaction is just making it."""
    keys = list(table.__table__.primary_key)
    new = inserting(session)(table).values(values).on_conflict_do_nothing(index_elements=keys).returning(keys[0])
    return session.scalar(new) is not None


# ---- which show


def _show_for(session: Session, recording: Recording, rules: IntakeRules) -> Show | None:
    wanted = recording.show or rules.default_show
    show = find_show(session, wanted)
    if show or rules.unknown_show == "hold":
        return show
    if rules.unknown_show == "refuse":
        raise Refused(_unknown_show(wanted), code="unknown_show")
    return _made_show(session, slug(wanted or recording.name), rules)


def _made_show(session: Session, wanted: str, rules: IntakeRules) -> Show:
    try:
        with session.begin_nested():
            return find_show(session, wanted) or add_show(session, wanted, rules.public_url, drafts=rules.drafts)
    except (IntegrityError, Refused):
        show = find_show(session, wanted)
        if show is None:
            raise
        return show  # another room of the same show made it first


def _unknown_show(wanted: str) -> str:
    if not wanted:
        return "the room names no show and there is no default; add `show` to the room, or a rule under hooks.shows"
    return f"there is no show {clean_line(wanted, 64)!r}; `aircheck show add {slug(wanted)}` makes it"


def _further_recording(session: Session, guid: str) -> str:
    first = session.scalars(select(EpisodeRow.recording_id).where(EpisodeRow.guid == guid)).one()
    return f"this session has an episode already, made from recording {first}; it waits for a person to choose"


# ---- what the show fills in, and what listeners are told


def guid_of(recording: Recording, show: Show) -> str:
    """The guid of the session's episode; what names no session is a session of its own."""
    return episode_guid(show.guid, recording.engine, recording.session_id or recording.recording_id)


def filled(recording: Recording, show: Show) -> Recording:
    """The recording with what it left unsaid taken from its show."""
    return replace(
        recording, show=show.slug, access=recording.access or show.access,
        distribution=recording.distribution or show.distribution,
        consent_policy=recording.consent_policy or ("speakers" if show.consent == "required" else "notice"),
    )  # fmt: skip


def _episode(recording: Recording, show: Show) -> dict[str, Any]:
    guid = guid_of(recording, show)
    return {
        "guid": guid, "show_id": show.id, "recording_id": recording.recording_id, "slug": episode_slug(guid), "state": "received",
        "title": title_of(recording), "description": clean_block(recording.description), "access": recording.access,
        "language": recording.language or show.language, "started_at": recording.started_at.isoformat(),
        "people": json_of(people_of(recording)),
    }  # fmt: skip


def title_of(recording: Recording) -> str:
    """The room's title; without one its name and day, such as `Tuesday room, 20 November 2026`."""
    if title := clean_line(recording.title):
        return title
    name = clean_line(recording.name, 200) or "Room"
    if " " not in name:
        name = name.replace("-", " ").replace("_", " ").strip() or "Room"
    return f"{name[0].upper()}{name[1:]}, {short_day(recording.started_at)}"


def people_of(recording: Recording) -> tuple[Person, ...]:
    """Who is named, hosts first: those who may be heard, never a listener, never who refused."""
    named = [p for p in recording.participants if p.role in NAMED_ROLES and p.kind != "egress" and _agreed(p, recording)]
    return tuple(
        Person(identity=p.identity, name=clean_line(p.name or p.identity), role=p.role, url=p.url, image=p.image)
        for p in sorted(named, key=lambda p: NAMED_ROLES.index(p.role))
    )


def _agreed(participant: Participant, recording: Recording) -> bool:
    if recording.consent_policy == "speakers":
        return participant.recording_consent is True
    return participant.recording_consent is not False
