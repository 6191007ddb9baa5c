"""Webhooks: whom a task tells, and the messages that have not arrived."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Two columns of tasks, the index that `GET /tasks` searches, and a table."""
    op.add_column("tasks", sa.Column("webhook_url", sa.String))
    op.add_column("tasks", sa.Column("base_url", sa.String, nullable=False, server_default=""))
    op.create_index("ix_tasks_queued_at", "tasks", ["queued_at"])
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("task_id", sa.String, nullable=False, unique=True),
        sa.Column("url", sa.String, nullable=False),
        sa.Column("body", sa.String),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    """Back to tasks that tell nobody."""
    op.drop_table("deliveries")
    op.drop_index("ix_tasks_queued_at", "tasks")
    op.drop_column("tasks", "base_url")
    op.drop_column("tasks", "webhook_url")
