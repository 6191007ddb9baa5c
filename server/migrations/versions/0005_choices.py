"""What was chosen while the server ran."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """One table."""
    op.create_table(
        "choices", sa.Column("name", sa.String, primary_key=True), sa.Column("value", sa.JSON, nullable=False)
    )


def downgrade() -> None:
    """Back to what is set at launch."""
    op.drop_table("choices")
