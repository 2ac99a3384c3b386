"""A creator changes an episode or a show: the change is kept in one transaction with the jobs that make it heard and seen."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from feeds.catalogue import Episode, EpisodeRow, edit_show, episode_of, find_show, json_of
from feeds.change import SoundChange, edited
from pipeline.edits import Edits
from pipeline.errors import Refused
from pipeline.text import clean_block, clean_line
from workers import ledger
from workers.ledger import Bell, JobRow

# Something is there, or on its way, into which an edit can go.
ALIVE = ("received", "working", "audible", "complete")


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """The episode with the edit, what of it is another now, and whom to ring for."""

    episode: Episode
    what: tuple[str, ...]
    bells: tuple[Bell, ...] = ()


def change(session: Session, name: str, sound: SoundChange, *, title: str | None = None, description: str | None = None) -> Changed:
    """Lay the change over the episode's edits and ask for what makes it heard and seen; what is None stays.

    An empty title is the room's own again. Errors: `Refused` for an episode, a time or a voice that is not there.
    """
    row = _held(session, name)
    wanted = _wanted(row, sound, title, description)
    what = tuple(key for key in ("title", "description", "sound") if wanted.get(key) != (row.edits or {}).get(key))
    if not what:
        return Changed(episode=episode_of(row), what=())
    row.edits, row.edits_version = wanted, row.edits_version + 1
    session.flush()
    return Changed(episode=episode_of(row), what=what, bells=_asked_for(session, row, what))


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowChanged:
    """Whom to ring for a show that was changed, and the episodes whose files have to follow."""

    bells: tuple[Bell, ...]
    episodes: tuple[Changed, ...] = ()


def change_show(session: Session, slug: str, **fields: Any) -> ShowChanged:
    """Change those fields of the show, and ask for its files; of its episodes where drafts shall be told, or told no more.

    Errors: `Refused` for a show that is not there.
    """
    before = find_show(session, slug)
    is_told_otherwise = before is not None and fields.get("drafts", before.drafts) != before.drafts
    relabelled = tuple(_relabelled(session, before.id)) if before and is_told_otherwise else ()
    changed = edit_show(session, slug, **fields)
    return ShowChanged(bells=tuple(ledger.feed_changed(session, changed.id)), episodes=relabelled)


def _relabelled(session: Session, show_id: str) -> Iterator[Changed]:
    """The episodes that have draft words in their files, or are about to, each asked for."""
    query = select(EpisodeRow).where(EpisodeRow.show_id == show_id, EpisodeRow.state.in_(("audible", "complete")))
    for row in session.scalars(query.order_by(EpisodeRow.guid)).all():
        if row.words is None or row.words["quality"] == "draft":
            bells = ledger.make_again(session, row.recording_id)
            yield Changed(episode=episode_of(row), what=("drafts",), bells=bells)


def _held(session: Session, name: str) -> EpisodeRow:
    """The row, which nobody else changes until this is committed; its jobs first, as whoever finishes one of them does."""
    match = (EpisodeRow.guid == name) | (EpisodeRow.slug == name) | (EpisodeRow.recording_id == name)
    run = select(EpisodeRow.recording_id).where(match)
    session.scalars(select(JobRow.id).where(JobRow.recording_id.in_(run)).order_by(JobRow.kind).with_for_update()).all()
    row = session.scalars(select(EpisodeRow).where(match).with_for_update()).first()
    if row is None:
        raise Refused(f"there is no episode {clean_line(name, 80)}; see: aircheck episode list", code="unknown_episode")
    return row


def _wanted(row: EpisodeRow, sound: SoundChange, title: str | None, description: str | None) -> dict[str, object]:
    """The edits as the column keeps them: only what differs from what the machine made."""
    edits: dict[str, object] = {} if sound.reset else dict(row.edits or {})
    if title is not None:
        edits["title"] = clean_line(title)
    if description is not None:
        edits["description"] = clean_block(description)
    heard = edited(episode_of(row), sound)
    edits["sound"] = json_of(heard) if heard != Edits() else None
    return {key: value for key, value in edits.items() if value is not None and (key, value) != ("title", "")}


def _asked_for(session: Session, row: EpisodeRow, what: tuple[str, ...]) -> tuple[Bell, ...]:
    """The bells of the jobs that bring the change to listeners: titles stand in pages and feed at once, then in the files too."""
    bells = [] if what == ("sound",) else ledger.feed_changed(session, row.show_id)
    if row.state in ALIVE:
        bells += ledger.make_again(session, row.recording_id)
    return tuple(bells)
