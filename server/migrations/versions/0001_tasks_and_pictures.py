"""Tasks and their pictures."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """The first two tables."""
    op.create_table(
        "tasks",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("task_id", sa.String, nullable=False, unique=True),
        sa.Column("status", sa.String, nullable=False, index=True),
        sa.Column("asked", sa.JSON, nullable=False),
        sa.Column("plan", sa.String, nullable=False),
        sa.Column("form", sa.String, nullable=False),
        sa.Column("save_name", sa.String),
        sa.Column("keep_metadata", sa.Boolean, nullable=False),
        sa.Column("warnings", sa.JSON, nullable=False),
        sa.Column("effective", sa.JSON, nullable=False),
        sa.Column("error", sa.String),
        sa.Column("queued_at", sa.Integer, nullable=False),
        sa.Column("started_at", sa.Integer),
        sa.Column("finished_at", sa.Integer),
    )
    op.create_table(
        "pictures",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "task_id",
            sa.String,
            sa.ForeignKey("tasks.task_id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("day", sa.String, nullable=False, index=True),
        sa.Column("file", sa.String, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("prompt", sa.String, nullable=False),
    )


def downgrade() -> None:
    """Back to an empty database."""
    op.drop_table("pictures")
    op.drop_table("tasks")
