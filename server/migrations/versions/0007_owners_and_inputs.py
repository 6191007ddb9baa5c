"""Whose a task is, which of its images are not wanted any more, and which pictures it was sent."""

import json
from pathlib import PureWindowsPath

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Two columns of tasks, and a table that is filled from what tasks keep of their requests."""
    op.add_column("tasks", sa.Column("owner", sa.String, nullable=False, server_default=""))
    op.add_column("tasks", sa.Column("skipped", sa.JSON, nullable=False, server_default="[]"))
    op.create_table(
        "inputs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("task_id", sa.String, sa.ForeignKey("tasks.task_id", ondelete="CASCADE"), nullable=False),
        sa.Column("file", sa.String, nullable=False),
    )
    op.create_index("ix_inputs_task_id", "inputs", ["task_id"])
    op.create_index("ix_inputs_file", "inputs", ["file"])
    connection = op.get_bind()
    name = sa.text("INSERT INTO inputs (task_id, file) VALUES (:task, :file)")
    for task_id, restore in connection.execute(sa.text("SELECT task_id, restore FROM tasks")).fetchall():
        for path in json.loads(restore or "{}").get("pictures", {}).values():
            connection.execute(name, {"task": task_id, "file": PureWindowsPath(path).name})


def downgrade() -> None:
    """Back to tasks of nobody in particular."""
    op.drop_table("inputs")
    op.drop_column("tasks", "skipped")
    op.drop_column("tasks", "owner")
