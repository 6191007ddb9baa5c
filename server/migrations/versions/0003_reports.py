"""What edits did to their surroundings."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """One column of pictures."""
    op.add_column("pictures", sa.Column("report", sa.JSON))


def downgrade() -> None:
    """Back to pictures without reports."""
    op.drop_column("pictures", "report")
