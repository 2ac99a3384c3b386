"""The catalogue's tables, and the MetaData that all tables of the one database belong to."""

from typing import Any

from sqlalchemy import JSON, Float, ForeignKey, Index, Integer, MetaData, String, Text, UniqueConstraint
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.sql.functions import GenericFunction


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
    # how its episodes sound, as far as it says so itself: catalogue.values.ShowAudio
    audio: Mapped[dict[str, Any]] = mapped_column(default=dict)
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
    # the creator's side, merged when rendered: title, description, sound (pipeline.edits.Edits)
    edits: Mapped[dict[str, Any]] = mapped_column(default=dict)
    edits_version: Mapped[int] = mapped_column(Integer, default=0)
    # the edits that its sound as it lies in the store was made with
    edits_heard: Mapped[dict[str, Any]] = mapped_column(default=dict)
    # the recording's files as received, where the private store keeps them: catalogue.values.Original
    original: Mapped[dict[str, Any] | None] = mapped_column(default=None)
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
