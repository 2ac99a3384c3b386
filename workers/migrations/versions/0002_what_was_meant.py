"""What was meant, so that what is can be held against it: the feed as it was put, and which rooms people were told of."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Two columns; nothing is known of the past."""
    op.add_column("show", sa.Column("feed_etag", sa.Text(), server_default="", nullable=False))
    op.add_column("recording", sa.Column("alarmed_at", sa.Float(), nullable=True))


def downgrade() -> None:
    """Without them."""
    op.drop_column("recording", "alarmed_at")
    op.drop_column("show", "feed_etag")
