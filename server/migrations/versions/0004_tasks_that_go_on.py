"""What it takes to go on with a task after a restart, and the keys by which a request is known again."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Four columns of tasks, one of pictures, and a table."""
    op.add_column("tasks", sa.Column("restore", sa.JSON, nullable=False, server_default="{}"))
    op.add_column("tasks", sa.Column("grid", sa.Boolean, nullable=False, server_default="0"))
    op.add_column("tasks", sa.Column("previews", sa.Boolean, nullable=False, server_default="0"))
    op.add_column("tasks", sa.Column("starts", sa.Integer, nullable=False, server_default="0"))
    op.add_column("pictures", sa.Column("saved", sa.Boolean, nullable=False, server_default="1"))
    op.create_table(
        "request_keys",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("task_id", sa.String, nullable=False),
        sa.Column("made_at", sa.Integer, nullable=False),
        sa.UniqueConstraint("owner", "key", name="uq_request_keys_owner_key"),
    )


def downgrade() -> None:
    """Back to tasks that end with the server."""
    op.drop_table("request_keys")
    op.drop_column("pictures", "saved")
    for name in ("starts", "previews", "grid", "restore"):
        op.drop_column("tasks", name)
