"""The catalogue and the ledger as they began."""

import sqlalchemy as sa
from alembic import op

from feeds.catalogue import db_now

revision = "0001"
down_revision = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Every table, parents first."""
    for create in (_show, _episode, _rendition, _key, _recording, _inbox, _job, _attempt, _paused, _lease, _hands):
        create()


def downgrade() -> None:
    """No table at all."""
    for table in ("hands", "lease", "paused", "attempt", "job", "inbox", "recording", "key", "rendition", "episode", "show"):
        op.drop_table(table)


def _show() -> None:
    op.create_table(
        "show",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("slug", sa.String(length=64), nullable=False),
        sa.Column("guid", sa.String(length=36), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("owner_email", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("explicit", sa.Boolean(), nullable=False),
        sa.Column("access", sa.String(length=16), nullable=False),
        sa.Column("consent", sa.String(length=16), nullable=False),
        sa.Column("distribution", sa.String(length=16), nullable=False),
        sa.Column("drafts", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.Float(), server_default=db_now(), nullable=False),
        sa.Column("feed_rev", sa.Integer(), nullable=False),
        sa.Column("published_rev", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_show")),
        sa.UniqueConstraint("slug", name=op.f("uq_show_slug")),
    )


def _episode() -> None:
    op.create_table(
        "episode",
        sa.Column("guid", sa.String(length=36), nullable=False),
        sa.Column("show_id", sa.String(length=36), nullable=False),
        sa.Column("recording_id", sa.Text(), nullable=False),
        sa.Column("slug", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("access", sa.String(length=16), nullable=False),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Float(), server_default=db_now(), nullable=False),
        sa.Column("published_at", sa.Float(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("people", sa.JSON(), nullable=False),
        sa.Column("sound", sa.JSON(), nullable=True),
        sa.Column("chapters", sa.JSON(), nullable=False),
        sa.Column("words", sa.JSON(), nullable=True),
        sa.Column("words_key", sa.Text(), nullable=False),
        sa.Column("edits", sa.JSON(), nullable=False),
        sa.Column("edits_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["show_id"], ["show.id"], name=op.f("fk_episode_show_id_show")),
        sa.PrimaryKeyConstraint("guid", name=op.f("pk_episode")),
        sa.UniqueConstraint("recording_id", name=op.f("uq_episode_recording_id")),
        sa.UniqueConstraint("show_id", "slug", name=op.f("uq_episode_show_id")),
    )
    op.create_index(op.f("ix_episode_show_id"), "episode", ["show_id"], unique=False)


def _rendition() -> None:
    op.create_table(
        "rendition",
        sa.Column("episode_guid", sa.String(length=36), nullable=False),
        sa.Column("format", sa.String(length=16), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("mime_type", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("sha384", sa.String(length=96), nullable=False),
        sa.Column("duration_s", sa.Float(), nullable=False),
        sa.Column("channels", sa.Integer(), nullable=False),
        sa.Column("bitrate_kbps", sa.Integer(), nullable=False),
        sa.Column("integrated_lufs", sa.Float(), nullable=True),
        sa.Column("true_peak_dbtp", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["episode_guid"], ["episode.guid"], name=op.f("fk_rendition_episode_guid_episode")),
        sa.PrimaryKeyConstraint("episode_guid", "format", name=op.f("pk_rendition")),
    )


def _key() -> None:
    op.create_table(
        "key",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.Column("used_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_key")),
    )


def _recording() -> None:
    op.create_table(
        "recording",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("show_id", sa.String(length=36), nullable=True),
        sa.Column("wanted_show", sa.Text(), nullable=False),
        sa.Column("episode_guid", sa.String(length=36), nullable=False),
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("manifest", sa.JSON(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("received_at", sa.Float(), server_default=db_now(), nullable=False),
        sa.ForeignKeyConstraint(["show_id"], ["show.id"], name=op.f("fk_recording_show_id_show")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recording")),
    )
    op.create_index("ix_recording_received_at", "recording", ["received_at"], unique=False)


def _inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("recording_id", sa.Text(), nullable=False),
        sa.Column("received_at", sa.Float(), server_default=db_now(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "event_id", name=op.f("pk_inbox")),
    )


def _job() -> None:
    op.create_table(
        "job",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("queue", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("recording_id", sa.Text(), nullable=True),
        sa.Column("show_id", sa.String(length=36), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("lease_until", sa.Float(), nullable=False),
        sa.Column("next_at", sa.Float(), server_default=db_now(), nullable=False),
        sa.Column("wanted_rev", sa.Integer(), nullable=False),
        sa.Column("progress", sa.JSON(), nullable=False),
        sa.Column("timings", sa.JSON(), nullable=False),
        sa.Column("error_code", sa.String(length=64), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Float(), server_default=db_now(), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=True),
        sa.Column("finished_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["recording_id"], ["recording.id"], name=op.f("fk_job_recording_id_recording")),
        sa.ForeignKeyConstraint(["show_id"], ["show.id"], name=op.f("fk_job_show_id_show")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("kind", "subject", name=op.f("uq_job_kind")),
    )
    op.create_index("ix_job_claim", "job", ["queue", "state", "show_id", "next_at"], unique=False)
    op.create_index(op.f("ix_job_recording_id"), "job", ["recording_id"], unique=False)


def _attempt() -> None:
    op.create_table(
        "attempt",
        sa.Column("job_id", BIG_ID, nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Float(), server_default=db_now(), nullable=False),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("timings", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_attempt_job_id_job")),
        sa.PrimaryKeyConstraint("job_id", "fence", name=op.f("pk_attempt")),
    )


def _paused() -> None:
    op.create_table(
        "paused",
        sa.Column("queue", sa.String(length=16), nullable=False),
        sa.Column("since", sa.Float(), server_default=db_now(), nullable=False),
        sa.PrimaryKeyConstraint("queue", name=op.f("pk_paused")),
    )


def _lease() -> None:
    op.create_table(
        "lease",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("until", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )


def _hands() -> None:
    op.create_table(
        "hands",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("queue", sa.String(length=16), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("until", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "queue", name=op.f("pk_hands")),
    )
