"""What pictures are looked for by."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

SEARCHED = ("prompt", "negative_prompt", "checkpoint", "vae", "upscaler")


def upgrade() -> None:
    """Two columns of pictures, filled from the tasks that they belong to."""
    op.add_column("pictures", sa.Column("kind", sa.String, nullable=False, server_default=""))
    op.add_column("pictures", sa.Column("words", sa.String, nullable=False, server_default=""))
    connection = op.get_bind()
    fill = sa.text("UPDATE pictures SET kind = :kind, words = :words WHERE task_id = :task")
    for task_id, *told in connection.execute(sa.text("SELECT task_id, effective, save_name FROM tasks")).fetchall():
        kind, words = found_by(*told)
        connection.execute(fill, {"task": task_id, "kind": kind, "words": words})


def found_by(effective: str, save_name: str | None) -> tuple[str, str]:
    """The kind and the words of a task's pictures; effective: as JSON."""
    used = json.loads(effective)
    told = [*(used.get(name) for name in SEARCHED), *(used.get("styles") or ()), save_name]
    return used.get("task", ""), "\n".join(text for text in told if text and isinstance(text, str)).casefold()


def downgrade() -> None:
    """Back to pictures that are only looked at by their day."""
    op.drop_column("pictures", "words")
    op.drop_column("pictures", "kind")
