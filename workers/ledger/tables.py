"""The ledger's tables, beside the catalogue's in the one database. Every time is unix seconds by the database's own clock."""

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from feeds.catalogue import Base, db_now

BigId = BigInteger().with_variant(Integer, "sqlite")


class RecordingRow(Base):
    """What one room session left behind, as it was accepted."""

    __tablename__ = "recording"
    __table_args__ = (Index("ix_recording_received_at", "received_at"), Index("ix_recording_state", "state"))

    id: Mapped[str] = mapped_column(primary_key=True)
    show_id: Mapped[str | None] = mapped_column(ForeignKey("show.id"))
    # the slug it asked for; of interest while there is no such show
    wanted_show: Mapped[str] = mapped_column(default="")
    episode_guid: Mapped[str] = mapped_column(String(36), default="")
    engine: Mapped[str]
    session_id: Mapped[str]
    # pipeline.models.Recording
    manifest: Mapped[dict[str, Any]]
    # where its files lie: a folder, or an address that workers/fetch.py understands
    root: Mapped[str]
    # accepted | held | cancelled
    state: Mapped[str] = mapped_column(String(16), default="accepted")
    reason: Mapped[str] = mapped_column(default="")
    received_at: Mapped[float] = mapped_column(server_default=db_now())
    # when people were told that it has no episode yet
    alarmed_at: Mapped[float | None] = mapped_column(default=None)


class InboxRow(Base):
    """An event that we acknowledged; it is never forgotten, so that its repeat changes nothing."""

    __tablename__ = "inbox"

    provider: Mapped[str] = mapped_column(String(32), primary_key=True)
    event_id: Mapped[str] = mapped_column(primary_key=True)
    recording_id: Mapped[str]
    received_at: Mapped[float] = mapped_column(server_default=db_now())


class JobRow(Base):
    """A job: one row for ever for each kind and subject, asked for again instead of doubled."""

    __tablename__ = "job"
    __table_args__ = (
        UniqueConstraint("kind", "subject"),
        Index("ix_job_claim", "queue", "state", "show_id", "next_at"),
        Index("ix_job_kind_state", "kind", "state", "finished_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    queue: Mapped[str] = mapped_column(String(16))
    subject: Mapped[str]
    recording_id: Mapped[str | None] = mapped_column(ForeignKey("recording.id"), index=True)
    show_id: Mapped[str | None] = mapped_column(ForeignKey("show.id"))
    state: Mapped[str] = mapped_column(String(16), default="ready")
    tries: Mapped[int] = mapped_column(Integer, default=0)
    # only ever grows: who holds a lower one cannot commit
    fence: Mapped[int] = mapped_column(Integer, default=0)
    owner: Mapped[str] = mapped_column(default="")
    lease_until: Mapped[float] = mapped_column(default=0.0)
    next_at: Mapped[float] = mapped_column(server_default=db_now())
    # how often it was asked for
    wanted_rev: Mapped[int] = mapped_column(Integer, default=1)
    progress: Mapped[dict[str, Any]] = mapped_column(default=dict)
    timings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    error_code: Mapped[str] = mapped_column(String(64), default="")
    error: Mapped[str] = mapped_column(default="")
    created_at: Mapped[float] = mapped_column(server_default=db_now())
    started_at: Mapped[float | None] = mapped_column(default=None)
    finished_at: Mapped[float | None] = mapped_column(default=None)


class AttemptRow(Base):
    """One try of a job, kept; its kind stands here too, so that tries are counted without their jobs."""

    __tablename__ = "attempt"
    __table_args__ = (Index("ix_attempt_outcome", "outcome", "kind", "error_code"),)

    job_id: Mapped[int] = mapped_column(BigId, ForeignKey("job.id"), primary_key=True)
    fence: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), default="")
    owner: Mapped[str]
    started_at: Mapped[float] = mapped_column(server_default=db_now())
    ended_at: Mapped[float | None] = mapped_column(default=None)
    # done | failed | given_back | hindered | lost | cancelled; "" while it runs
    outcome: Mapped[str] = mapped_column(String(16), default="")
    error_code: Mapped[str] = mapped_column(String(64), default="")
    error: Mapped[str] = mapped_column(default="")
    timings: Mapped[dict[str, Any]] = mapped_column(default=dict)


class TurnRow(Base):
    """When a show last had a job begun at a queue: shows take turns, however many rooms one of them has."""

    __tablename__ = "turn"

    queue: Mapped[str] = mapped_column(String(16), primary_key=True)
    show_id: Mapped[str] = mapped_column(ForeignKey("show.id"), primary_key=True)
    at: Mapped[float]


class PausedRow(Base):
    """A queue that nobody claims from until it is resumed."""

    __tablename__ = "paused"

    queue: Mapped[str] = mapped_column(String(16), primary_key=True)
    since: Mapped[float] = mapped_column(server_default=db_now())


class LeaseRow(Base):
    """A duty that one process at a time has, such as the sweep."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    owner: Mapped[str]
    until: Mapped[float]
    # when its holder last came to do it
    renewed_at: Mapped[float] = mapped_column(default=0.0)


class HandsRow(Base):
    """How many jobs of a queue one process can do at once; it counts while `until` lies ahead."""

    __tablename__ = "hands"

    owner: Mapped[str] = mapped_column(primary_key=True)
    queue: Mapped[str] = mapped_column(String(16), primary_key=True)
    count: Mapped[int] = mapped_column(Integer)
    until: Mapped[float]
