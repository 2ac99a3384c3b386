"""The catalogue: shows, episodes, what the machine made of them and what people changed. Owns the MetaData of the one database.

Functions take an open Session and never commit: whoever opened it does. Times in the database are unix seconds by the database's
own clock, `db_now()`, but for times that describe the world (when a room started), which come from the room.
"""

import base64
import functools
import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import TypeAdapter
from sqlalchemy import JSON, Float, ForeignKey, Index, Integer, MetaData, String, Text, UniqueConstraint, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
from sqlalchemy.sql.functions import GenericFunction

from pipeline.errors import Refused
from pipeline.models import Access, Chapter, Distribution, Quality, Sound
from pipeline.text import clean_block, clean_line, slug

PODCAST_NAMESPACE = uuid.UUID("ead4c236-bf58-58c6-a2c6-a6b28d128cb6")  # podcast namespace, tag podcast:guid
RESERVED_SLUGS = frozenset({"api", "studio", "hooks", "private", "healthz", "readyz", "metrics", "_assets"})

EpisodeState = Literal["received", "working", "audible", "complete", "failed", "withdrawn"]


class db_now(GenericFunction[float]):  # noqa: N801 - reads like the SQL it becomes
    """The database's own clock, in unix seconds."""

    name = "db_now"
    type = Float()
    inherit_cache = True


@compiles(db_now, "sqlite")
def _now_sqlite(_element: db_now, _compiler: Any, **_options: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(db_now, "postgresql")
def _now_postgresql(_element: db_now, _compiler: Any, **_options: Any) -> str:
    return "extract(epoch from clock_timestamp())::double precision"


class Base(DeclarativeBase):
    """Every table of the one database; constraints have names, so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {dict[str, Any]: JSON, list[Any]: JSON, float: Float, str: Text}


class ShowRow(Base):
    __tablename__ = "show"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    slug: Mapped[str] = mapped_column(String(64), unique=True)
    # podcast:guid, made once and kept through every move
    guid: Mapped[str] = mapped_column(String(36))
    title: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    author: Mapped[str] = mapped_column(default="")
    owner_email: Mapped[str] = mapped_column(default="")
    language: Mapped[str] = mapped_column(default="en")
    category: Mapped[str] = mapped_column(default="Society & Culture")
    explicit: Mapped[bool] = mapped_column(default=False)
    access: Mapped[str] = mapped_column(String(16), default="public")
    # what fills the silence of a recording: consent = notice | required, distribution = auto | review | timer | none
    consent: Mapped[str] = mapped_column(String(16), default="notice")
    distribution: Mapped[str] = mapped_column(String(16), default="auto")
    # draft words: private | public
    drafts: Mapped[str] = mapped_column(String(16), default="private")
    created_at: Mapped[float] = mapped_column(server_default=db_now())
    # feed_rev counts changes that listeners should see, published_rev the one their files show
    feed_rev: Mapped[int] = mapped_column(Integer, default=0)
    published_rev: Mapped[int] = mapped_column(Integer, default=0)
    # the feed as it was last put into the store: whatever else lies there was not meant; "" for none, or when all is in doubt
    feed_etag: Mapped[str] = mapped_column(default="")
    # when its feed was last held against that, and how often anything of it had to be put right
    looked_at: Mapped[float] = mapped_column(default=0.0)
    repairs: Mapped[int] = mapped_column(Integer, default=0)
    # since when its files lag behind its rows; of interest while they do
    behind_since: Mapped[float] = mapped_column(default=0.0)

    episodes: Mapped[list["EpisodeRow"]] = relationship(back_populates="show")


class EpisodeRow(Base):
    __tablename__ = "episode"
    __table_args__ = (
        UniqueConstraint("show_id", "slug"),
        Index("ix_episode_state", "state"),
        Index("ix_episode_looked_at", "looked_at"),
    )

    guid: Mapped[str] = mapped_column(String(36), primary_key=True)
    show_id: Mapped[str] = mapped_column(ForeignKey("show.id"), index=True)
    recording_id: Mapped[str] = mapped_column(unique=True)
    slug: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(16), default="received")
    title: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    language: Mapped[str] = mapped_column(default="")
    access: Mapped[str] = mapped_column(String(16), default="public")
    # when the room was live, RFC 3339; the feed's pubDate
    started_at: Mapped[str]
    created_at: Mapped[float] = mapped_column(server_default=db_now())
    # since when it is in the feed; None: not (yet)
    published_at: Mapped[float | None] = mapped_column(default=None)
    # why it failed or is held back, in words for its creator
    reason: Mapped[str] = mapped_column(default="")
    # people as the room named them: list of {identity, name, role, url, image}
    people: Mapped[list[Any]] = mapped_column(default=list)
    # the machine's side: pipeline.models.Sound, list of Chapter (room time), {engine, model, quality, language, why, words}
    sound: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    chapters: Mapped[list[Any]] = mapped_column(default=list)
    words: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    # where in the private store the machine transcript lies
    words_key: Mapped[str] = mapped_column(default="")
    # the creator's side, merged when rendered
    edits: Mapped[dict[str, Any]] = mapped_column(default=dict)
    edits_version: Mapped[int] = mapped_column(Integer, default=0)
    # when its files in the stores were last looked at; a new one has just been made
    looked_at: Mapped[float] = mapped_column(default=db_now())

    show: Mapped[ShowRow] = relationship(back_populates="episodes")
    renditions: Mapped[list["RenditionRow"]] = relationship(order_by="RenditionRow.position", cascade="all, delete-orphan")


class RenditionRow(Base):
    """An audio file of an episode as it lies in the store, verified."""

    __tablename__ = "rendition"

    episode_guid: Mapped[str] = mapped_column(ForeignKey("episode.guid"), primary_key=True)
    format: Mapped[str] = mapped_column(String(16), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, default=0)
    key: Mapped[str]
    mime_type: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[str] = mapped_column(String(64))
    sha384: Mapped[str] = mapped_column(String(96), default="")
    duration_s: Mapped[float]
    channels: Mapped[int] = mapped_column(Integer)
    bitrate_kbps: Mapped[int] = mapped_column(Integer)
    integrated_lufs: Mapped[float | None]
    true_peak_dbtp: Mapped[float | None]


class KeyRow(Base):
    """A secret somebody holds, kept as its sha256: a one-time login address or a session of the studio."""

    __tablename__ = "key"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    expires_at: Mapped[float]
    used_at: Mapped[float | None] = mapped_column(default=None)


# ---- values that readers get


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    id: str
    slug: str
    guid: str
    title: str
    description: str
    author: str
    owner_email: str
    language: str
    category: str
    explicit: bool
    access: Access
    consent: Literal["notice", "required"]
    distribution: Distribution
    drafts: Literal["private", "public"]
    feed_rev: int
    published_rev: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRendition:
    format: str
    key: str
    mime_type: str
    size_bytes: int
    sha256: str
    sha384: str
    duration_s: float
    channels: int
    bitrate_kbps: int
    integrated_lufs: float | None
    true_peak_dbtp: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    identity: str
    name: str
    role: str
    url: str = ""
    image: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsInfo:
    """What is known of an episode's words without reading them."""

    engine: str
    model: str
    quality: Quality
    language: str
    why: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """Machine results with the creator's edits merged in; chapters in room seconds."""

    guid: str
    recording_id: str
    slug: str
    show_slug: str
    state: EpisodeState
    title: str
    description: str
    language: str
    access: Access
    started_at: datetime
    created_at: datetime
    published_at: datetime | None
    reason: str
    people: tuple[Person, ...]
    sound: Sound | None
    renditions: tuple[StoredRendition, ...]
    chapters: tuple[Chapter, ...]
    words: WordsInfo | None
    words_key: str

    @property
    def prefix(self) -> str:
        """The folder of its files in the store, ending in a slash."""
        return f"{self.show_slug}/{self.slug}/"


# ---- names that never change


def episode_guid(show_guid: str, engine: str, session_id: str) -> str:
    """One session, one episode, for ever (DESIGN: UUIDv5 of the show's guid and engine + ":" + room session id)."""
    return str(uuid.uuid5(uuid.UUID(show_guid), f"{engine}:{session_id}"))


def episode_slug(guid: str) -> str:
    """First 10 letters of base32(sha256(guid)), lower case."""
    return base64.b32encode(hashlib.sha256(guid.encode()).digest()).decode()[:10].lower()


def podcast_guid(feed_url: str) -> str:
    """UUIDv5 of the feed address without scheme and trailing slashes (podcast namespace, podcast:guid)."""
    return str(uuid.uuid5(PODCAST_NAMESPACE, feed_url.split("://", 1)[-1].rstrip("/")))


# ---- reading and writing


_CHAPTERS = TypeAdapter(tuple[Chapter, ...])
_SOUND = TypeAdapter(Sound)
_PEOPLE = TypeAdapter(tuple[Person, ...])
_WORDS = TypeAdapter(WordsInfo)
_SHOW = TypeAdapter(Show)


def add_show(session: Session, wanted: str, public_url: str, **fields: Any) -> Show:
    """A new show; `title` defaults to its slug in words. A slug that is reserved or taken is refused."""
    name = slug(wanted)
    if name in RESERVED_SLUGS or name != wanted:
        raise Refused(
            f"{wanted!r} cannot be a show's slug; use small letters, digits and dashes, such as {name}-show", code="bad_slug"
        )
    if session.scalar(select(ShowRow.id).where(ShowRow.slug == name)):
        raise Refused(f"there is a show {name} already; choose another slug", code="show_exists")
    guid = podcast_guid(f"{public_url.rstrip('/')}/{name}/feed.xml")
    title = clean_line(fields.pop("title", "") or name.replace("-", " ").capitalize())
    row = ShowRow(id=str(uuid.uuid4()), slug=name, guid=guid, title=title, **_cleaned(fields))
    session.add(row)
    session.flush()
    return show_of(row)


def edit_show(session: Session, show_slug: str, **fields: Any) -> Show:
    """The show with those fields changed."""
    row = show_row(session, show_slug)
    if row is None:
        raise Refused(f"there is no show {show_slug}; see: aircheck show list", code="unknown_show")
    for key, value in _cleaned(fields).items():
        setattr(row, key, value)
    session.flush()
    return show_of(row)


def _cleaned(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: clean_block(value) if isinstance(value, str) else value for key, value in fields.items()}


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
