"""What was meant, so that what is can be held against it: the feed as it was put, and which rooms people were told of.

And what operators ask for all the time: tries by kind and cause, how long a feed lags, when the last sweep was.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

INDICES = (
    ("ix_recording_state", "recording", ["state"]),
    ("ix_episode_state", "episode", ["state"]),
    ("ix_episode_looked_at", "episode", ["looked_at"]),
    ("ix_job_kind_state", "job", ["kind", "state", "finished_at"]),
    ("ix_attempt_outcome", "attempt", ["outcome", "kind", "error_code"]),
)


def upgrade() -> None:
    """Columns and indices; of the past only the kind of every try is known."""
    op.add_column("show", sa.Column("feed_etag", sa.Text(), server_default="", nullable=False))
    op.add_column("recording", sa.Column("alarmed_at", sa.Float(), nullable=True))
    op.add_column("show", sa.Column("looked_at", sa.Float(), server_default="0", nullable=False))
    op.add_column("show", sa.Column("repairs", sa.Integer(), server_default="0", nullable=False))
    op.add_column("episode", sa.Column("looked_at", sa.Float(), server_default="0", nullable=False))
    op.add_column("show", sa.Column("behind_since", sa.Float(), server_default="0", nullable=False))
    op.add_column("attempt", sa.Column("kind", sa.String(length=16), server_default="", nullable=False))
    op.add_column("attempt", sa.Column("error_code", sa.String(length=64), server_default="", nullable=False))
    op.execute("UPDATE attempt SET kind = (SELECT job.kind FROM job WHERE job.id = attempt.job_id)")
    op.add_column("lease", sa.Column("renewed_at", sa.Float(), server_default="0", nullable=False))
    op.create_table(
        "turn",
        sa.Column("queue", sa.String(length=16), primary_key=True),
        sa.Column("show_id", sa.String(length=36), sa.ForeignKey("show.id"), primary_key=True),
        sa.Column("at", sa.Float(), nullable=False),
    )
    for name, table, columns in INDICES:
        op.create_index(name, table, columns)


def downgrade() -> None:
    """Without them."""
    for name, table, _columns in INDICES:
        op.drop_index(name, table)
    op.drop_table("turn")
    op.drop_column("lease", "renewed_at")
    op.drop_column("attempt", "error_code")
    op.drop_column("attempt", "kind")
    op.drop_column("show", "behind_since")
    op.drop_column("episode", "looked_at")
    op.drop_column("show", "repairs")
    op.drop_column("show", "looked_at")
    op.drop_column("recording", "alarmed_at")
    op.drop_column("show", "feed_etag")
