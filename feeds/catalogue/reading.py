"""Rows become values, and values what a JSON column keeps."""

import functools
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.orm import Session

from feeds.catalogue.tables import EpisodeRow, RenditionRow, ShowRow
from feeds.catalogue.values import Episode, Original, Person, Show, StoredRendition, WordsInfo
from pipeline.edits import Edits
from pipeline.models import Chapter, Sound

_CHAPTERS = TypeAdapter(tuple[Chapter, ...])
_SOUND = TypeAdapter(Sound)
_EDITS = TypeAdapter(Edits)
_ORIGINAL = TypeAdapter(Original)
_PEOPLE = TypeAdapter(tuple[Person, ...])
_WORDS = TypeAdapter(WordsInfo)
_SHOW = TypeAdapter(Show)


def shows(session: Session) -> tuple[Show, ...]:
    """All shows by title."""
    return tuple(show_of(row) for row in session.scalars(select(ShowRow).order_by(ShowRow.title, ShowRow.slug)))


def show_row(session: Session, show_slug: str) -> ShowRow | None:
    """The row of a show, or None."""
    return session.scalar(select(ShowRow).where(ShowRow.slug == show_slug))


def find_show(session: Session, show_slug: str) -> Show | None:
    """The show of that slug, or None."""
    row = show_row(session, show_slug)
    return show_of(row) if row else None


def show_by_id(session: Session, show_id: str) -> Show | None:
    """The show with that id, or None."""
    row = session.get(ShowRow, show_id)
    return show_of(row) if row else None


def episodes(session: Session, show_slug: str | None = None, *, published: bool = False) -> tuple[Episode, ...]:
    """Episodes newest first, of one show or of all; `published` only those in the feed."""
    query = select(EpisodeRow).join(ShowRow).order_by(EpisodeRow.started_at.desc(), EpisodeRow.guid)
    if show_slug is not None:
        query = query.where(ShowRow.slug == show_slug)
    if published:
        query = query.where(EpisodeRow.published_at.is_not(None), EpisodeRow.state.in_(("audible", "complete")))
    return tuple(episode_of(row) for row in session.scalars(query))


def find_episode(session: Session, name: str) -> Episode | None:
    """The episode with that guid, slug or recording id, or None."""
    match = (EpisodeRow.guid == name) | (EpisodeRow.slug == name) | (EpisodeRow.recording_id == name)
    row = session.scalars(select(EpisodeRow).where(match)).first()
    return episode_of(row) if row else None


def show_of(row: ShowRow) -> Show:
    """The value of a show's row."""
    return _SHOW.validate_python({name: getattr(row, name) for name in Show.__dataclass_fields__})


def episode_of(row: EpisodeRow) -> Episode:
    """The value of an episode's row, edits merged."""
    edits = row.edits or {}
    return Episode(
        guid=row.guid, recording_id=row.recording_id, slug=row.slug, show_slug=row.show.slug, state=row.state,  # type: ignore[arg-type]
        title=edits.get("title") or row.title, description=edits.get("description", row.description), language=row.language,
        access=row.access, started_at=datetime.fromisoformat(row.started_at), created_at=_when(row.created_at),  # type: ignore[arg-type]
        published_at=None if row.published_at is None else _when(row.published_at), reason=row.reason,
        people=_PEOPLE.validate_python(row.people), sound=_SOUND.validate_python(row.sound) if row.sound else None,
        renditions=tuple(_stored(r) for r in row.renditions), chapters=_CHAPTERS.validate_python(row.chapters),
        words=_WORDS.validate_python(row.words) if row.words else None, words_key=row.words_key,
        edits=_EDITS.validate_python(edits.get("sound") or {}), edits_heard=_EDITS.validate_python(row.edits_heard or {}),
        original=_ORIGINAL.validate_python(row.original) if row.original else None,
    )  # fmt: skip


def _stored(row: RenditionRow) -> StoredRendition:
    return StoredRendition(**{name: getattr(row, name) for name in StoredRendition.__dataclass_fields__})


def _when(unix_s: float) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC)


def json_of(value: object) -> Any:
    """A dataclass value, or a sequence of them, as it is kept in a JSON column."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [json_of(v) for v in value]
    kind: Any = type(value)
    return _adapter(kind).dump_python(value, mode="json")


@functools.cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    """Building one costs milliseconds."""
    return TypeAdapter(kind)
