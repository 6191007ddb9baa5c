"""Why a task failed, as the kind of error that it was, so that its status survives a restart."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Two columns of tasks; of those that failed before, the cause is not known."""
    op.add_column("tasks", sa.Column("cause", sa.String, nullable=False, server_default=""))
    op.add_column("tasks", sa.Column("cause_field", sa.String))


def downgrade() -> None:
    """Back to the sentence alone."""
    op.drop_column("tasks", "cause_field")
    op.drop_column("tasks", "cause")
