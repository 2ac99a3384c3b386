"""How a show's episodes sound, which edits are heard, and where the recording is kept as it was received."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Columns: nothing has been edited yet, every show sounds as the installation says, and nothing was kept."""
    op.add_column("show", sa.Column("audio", sa.JSON(), server_default="{}", nullable=False))
    op.add_column("episode", sa.Column("edits_heard", sa.JSON(), server_default="{}", nullable=False))
    op.add_column("episode", sa.Column("original", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Without them."""
    op.drop_column("episode", "original")
    op.drop_column("episode", "edits_heard")
    op.drop_column("show", "audio")
