"""A room has ended: what it left behind is accepted in one transaction, and once; many rooms in one as well."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

from sqlalchemy import ColumnElement, Update, select, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from feeds.catalogue import EpisodeRow, Person, Show, ShowRow, add_show, episode_guid, episode_slug, find_show, json_of, show_of
from feeds.pages.wording import short_day
from pipeline.errors import Refused
from pipeline.models import Participant, Recording
from pipeline.text import clean_block, clean_line, slug
from workers import ledger
from workers.database import inserting
from workers.ledger import InboxRow, RecordingRow
from workers.ledger.runs import recording_of

_EVENT = (InboxRow.provider, InboxRow.event_id)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A finished recording on its way in, with where its files lie and the event that told of it."""

    recording: Recording
    root: str
    provider: str
    event_id: str

    @classmethod
    def of(cls, recording: Recording, root: str, *, provider: str) -> Self:
        """Of a recording that is an event of its own."""
        return cls(recording=recording, root=root, provider=provider, event_id=recording.recording_id)

    @property
    def event(self) -> tuple[str, str]:
        """What makes a repeat of it known."""
        return self.provider, self.event_id


def accept(session: Session, recording: Recording, root: str, *, provider: str, event_id: str, defaults: IntakeRules) -> Accepted:
    """Take a finished recording whose files lie under `root`: inbox, recording, episode and job audio, or nothing of it.

    The same event or the same recording again changes nothing. Errors: `Refused` where the rules refuse an unknown show.
    """
    arrival = Arrival(recording=recording, root=root, provider=provider, event_id=event_id)
    (answer,) = accept_all(session, [arrival], defaults)
    if isinstance(answer, Refused):
        raise answer
    return answer


def accept_all(session: Session, arrivals: Sequence[Arrival], rules: IntakeRules) -> list[Accepted | Refused]:
    """Take recordings in as if they came one after another; the answers in the same order.

    It is one statement a table, however many they are. What is raised concerns them all, and then none of them was taken in.
    """
    entries, refused = _sorted_out(session, arrivals, rules)
    taken = _enter(session, entries)
    rest = [arrival.event for n, arrival in enumerate(arrivals) if n not in refused and arrival.event not in taken]
    doubled = [event for event, times in Counter(arrival.event for arrival in arrivals).items() if times > 1]
    known = _known(session, {*rest, *doubled})
    # whoever came first with an event is told that it is new
    return [refused.get(n) or taken.pop(arrival.event, None) or known[arrival.event] for n, arrival in enumerate(arrivals)]


def admit_held(session: Session) -> int:
    """Recordings that waited for a show which is there now go their way; how many."""
    waits = (RecordingRow.state == "held") & RecordingRow.show_id.is_(None)
    found = session.scalars(select(RecordingRow).join(ShowRow, ShowRow.slug == RecordingRow.wanted_show).where(waits)).all()
    shows = _shows(session, {row.wanted_show for row in found})
    entries = [_Entry.of(recording_of(row), shows[row.wanted_show]) for row in found]
    for entry in entries:
        session.execute(_this(entry.run).values(entry.belonging()))
    _begin(session, entries)
    return len(found)


# ---- into the tables


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """A recording that becomes a row: what its show left unsaid filled in, where the show is known."""

    recording: Recording
    show: Show | None
    guid: str
    wanted_show: str = ""
    root: str = ""
    event: tuple[str, str] = ("", "")

    @classmethod
    def of(cls, recording: Recording, show: Show | None, **told: Any) -> Self:
        """The entry; without a show there is no guid."""
        if show is None:
            return cls(recording=recording, show=None, guid="", **told)
        return cls(recording=filled(recording, show), show=show, guid=guid_of(recording, show), **told)

    @property
    def run(self) -> str:
        return self.recording.recording_id

    def noted(self) -> dict[str, Any]:
        """Its row of the inbox."""
        provider, event_id = self.event
        return {"provider": provider, "event_id": event_id, "recording_id": self.run}

    def row(self) -> dict[str, Any]:
        """Its row of the ledger."""
        recording = self.recording
        return {
            "id": self.run, "wanted_show": self.wanted_show, "engine": recording.engine, "session_id": recording.session_id,
            "root": self.root, **(self.belonging() if self.show else self.waiting()),
        }  # fmt: skip

    def belonging(self) -> dict[str, Any]:
        """What a recording's row says once its show is known."""
        assert self.show
        manifest = json_of(self.recording)
        return {"show_id": self.show.id, "episode_guid": self.guid, "manifest": manifest, "state": "accepted", "reason": ""}

    def waiting(self) -> dict[str, Any]:
        """What it says until then."""
        reason = _unknown_show(self.wanted_show)
        return {"show_id": None, "episode_guid": "", "manifest": json_of(self.recording), "state": "held", "reason": reason}

    def accepted(self, held: str) -> Accepted:
        """What its platform is told: it is new, and why it waits, if it does."""
        slug_of = self.show.slug if self.show else self.wanted_show
        return Accepted(run=self.run, episode_guid="" if held else self.guid, show_slug=slug_of, known=False, held=held)


def _sorted_out(session: Session, arrivals: Sequence[Arrival], rules: IntakeRules) -> tuple[list[_Entry], dict[int, Refused]]:
    """Those that may be new, each event once, and by their number those that the rules refuse."""
    shows = _shows(session, {_wanted(arrival.recording, rules) for arrival in arrivals})
    # what was accepted before is not asked for its show again; where all shows are there, the inbox itself finds it out
    seen = _noted(session, {arrival.event for arrival in arrivals if _wanted(arrival.recording, rules) not in shows})
    entries, refused = list[_Entry](), dict[int, Refused]()
    for number, arrival in enumerate(arrivals):
        if arrival.event in seen:
            continue
        wanted = _wanted(arrival.recording, rules)
        try:
            show = shows.get(wanted) or _show_not_there(session, arrival.recording, rules)
        except Refused as refusal:
            refused[number] = refusal
            continue
        seen.add(arrival.event)
        entries.append(_Entry.of(arrival.recording, show, wanted_show=wanted, root=arrival.root, event=arrival.event))
    return entries, refused


def _enter(session: Session, entries: Sequence[_Entry]) -> dict[tuple[str, str], Accepted]:
    """What is answered for those that were new indeed, by their events; the others leave nothing but a note in the inbox."""
    noted = _insert_new(session, InboxRow, [entry.noted() for entry in entries])
    first = {entry.run: entry for entry in reversed(entries) if entry.event in noted}
    made = _insert_new(session, RecordingRow, [entry.row() for entry in first.values()])
    new = [entry for entry in entries if first.get(entry.run) is entry and (entry.run,) in made]
    held = _begin(session, [entry for entry in new if entry.show])
    held |= {entry.run: _unknown_show(entry.wanted_show) for entry in new if not entry.show}
    return {entry.event: entry.accepted(held.get(entry.run, "")) for entry in new}


def _begin(session: Session, entries: Sequence[_Entry]) -> dict[str, str]:
    """The episodes appear and their audio is asked for; why not, by run, where a session has an episode already."""
    first = {entry.guid: entry for entry in reversed(entries)}
    made = _insert_new(session, EpisodeRow, [_episode(entry) for entry in first.values()])
    begun = [entry for entry in entries if first[entry.guid] is entry and (entry.guid,) in made]
    ledger.arm_audio(session, [(entry.run, entry.show.id) for entry in begun if entry.show])
    runs = {entry.run for entry in begun}
    return {entry.run: _hold_further(session, entry) for entry in entries if entry.run not in runs}


def _hold_further(session: Session, entry: _Entry) -> str:
    first = session.scalars(select(EpisodeRow.recording_id).where(EpisodeRow.guid == entry.guid)).one()
    reason = f"this session has an episode already, made from recording {first}; it waits for a person to choose"
    session.execute(_this(entry.run).values(state="held", episode_guid="", reason=reason))
    return reason


def _this(run: str) -> Update:
    return update(RecordingRow).where(RecordingRow.id == run)


def _insert_new(session: Session, table: type[Any], rows: Sequence[dict[str, Any]]) -> set[tuple[Any, ...]]:
    """Insert rows; the keys of those that are new: there was none of that key, and no other transaction is just making it."""
    if not rows:
        return set()
    keys = list(table.__table__.primary_key)
    # everybody takes them in the same order, so that two who bring the same rooms wait for each other and never in a circle
    in_order = sorted(rows, key=lambda row: [row[key.name] for key in keys])
    new = inserting(session)(table.__table__).on_conflict_do_nothing(index_elements=keys).returning(*keys)
    return {tuple(row) for row in session.execute(new, in_order)}


# ---- what is known already


def _noted(session: Session, events: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of the events that had been accepted before."""
    if not events:
        return set()
    return {(provider, event_id) for provider, event_id in session.execute(select(*_EVENT).where(_among(events)))}


def _known(session: Session, events: Collection[tuple[str, str]]) -> dict[tuple[str, str], Accepted]:
    if not events:
        return {}
    query = (
        select(InboxRow, RecordingRow, ShowRow.slug)
        .outerjoin(RecordingRow, RecordingRow.id == InboxRow.recording_id)
        .outerjoin(ShowRow, ShowRow.id == RecordingRow.show_id)
        .where(_among(events))
    )
    return {(note.provider, note.event_id): _told_again(note, row, slug_of) for note, row, slug_of in session.execute(query)}


def _told_again(note: InboxRow, row: RecordingRow | None, show_slug: str | None) -> Accepted:
    if row is None:  # it was erased since
        return Accepted(run=note.recording_id, episode_guid="", show_slug="", known=True)
    held = row.reason if row.state == "held" else ""
    return Accepted(run=row.id, episode_guid=row.episode_guid, show_slug=show_slug or row.wanted_show, known=True, held=held)


def _among(events: Collection[tuple[str, str]]) -> ColumnElement[bool]:
    return tuple_(*_EVENT).in_(sorted(events))


# ---- which show


def _wanted(recording: Recording, rules: IntakeRules) -> str:
    return recording.show or rules.default_show


def _shows(session: Session, slugs: Collection[str]) -> dict[str, Show]:
    return {row.slug: show_of(row) for row in session.scalars(select(ShowRow).where(ShowRow.slug.in_(sorted(slugs))))}


def _show_not_there(session: Session, recording: Recording, rules: IntakeRules) -> Show | None:
    """The show that is made for it; None where it shall wait for one."""
    wanted = _wanted(recording, rules)
    if rules.unknown_show == "hold":
        return None
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


def _episode(entry: _Entry) -> dict[str, Any]:
    recording, show = entry.recording, entry.show
    assert show
    return {
        "guid": entry.guid, "show_id": show.id, "recording_id": entry.run, "slug": episode_slug(entry.guid), "state": "received",
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
