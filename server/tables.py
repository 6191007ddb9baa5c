"""The tables of the database file; the files in `migrations/` lead to exactly these. Times are ms since 1970."""

from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Tables(DeclarativeBase):
    """All tables."""

    type_annotation_map = {dict[str, Any]: JSON, list[str]: JSON, list[int]: JSON}  # noqa: RUF012


class TaskRow(Tables):
    """One accepted request, from waiting to its end. `asked` is the request as it is shown, `plan` what was decided.

    status: waiting → running → finished, failed or stopped. webhook_url: who is told when it has ended, None: nobody.
    base_url: what the URLs in that message begin with, "" where only the settings can tell. restore: what its facade
    needs to go on with it after a restart. starts: how often it was begun. owner: a name for the key that it was sent
    with, "" without keys. skipped: the positions of images that shall not be made any more. cause, cause_field: of a
    failure, the error's class and the field that it blames, where the worker told them.
    """

    __tablename__ = "tasks"

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[str] = mapped_column(unique=True)
    status: Mapped[str] = mapped_column(index=True)
    asked: Mapped[dict[str, Any]]
    plan: Mapped[str]
    form: Mapped[str]
    save_name: Mapped[str | None]
    keep_metadata: Mapped[bool]
    warnings: Mapped[list[str]]
    effective: Mapped[dict[str, Any]]
    error: Mapped[str | None]
    cause: Mapped[str] = mapped_column(default="", server_default="")
    cause_field: Mapped[str | None]
    webhook_url: Mapped[str | None]
    base_url: Mapped[str] = mapped_column(default="", server_default="")
    restore: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    grid: Mapped[bool] = mapped_column(default=False, server_default="0")
    previews: Mapped[bool] = mapped_column(default=False, server_default="0")
    starts: Mapped[int] = mapped_column(default=0, server_default="0")
    owner: Mapped[str] = mapped_column(default="", server_default="")
    skipped: Mapped[list[int]] = mapped_column(default=list, server_default="[]")
    queued_at: Mapped[int] = mapped_column(index=True)
    started_at: Mapped[int | None]
    finished_at: Mapped[int | None]
    pictures: Mapped[list["PictureRow"]] = relationship(
        primaryjoin="and_(TaskRow.task_id == PictureRow.task_id, PictureRow.saved)",
        order_by="PictureRow.position",
        lazy="selectin",
        viewonly=True,
    )


class InputRow(Tables):
    """A file in the inputs folder that a task was sent."""

    __tablename__ = "inputs"

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[str] = mapped_column(ForeignKey("tasks.task_id", ondelete="CASCADE"), index=True)
    file: Mapped[str] = mapped_column(index=True)


class PictureRow(Tables):
    """One picture: where it lies and what one wants to read under it. report: of an edit, see EditReport.

    saved: the file is there; before that its name is reserved for it. kind: of task. words: `server.search.searched`.
    """

    __tablename__ = "pictures"

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[str] = mapped_column(ForeignKey("tasks.task_id", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    day: Mapped[str] = mapped_column(index=True)
    file: Mapped[str]
    seed: Mapped[int] = mapped_column(BigInteger)
    width: Mapped[int]
    height: Mapped[int]
    prompt: Mapped[str]
    kind: Mapped[str] = mapped_column(default="", server_default="")
    words: Mapped[str] = mapped_column(default="", server_default="")
    report: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    saved: Mapped[bool] = mapped_column(default=True, server_default="1")


class RequestKeyRow(Tables):
    """An `Idempotency-Key` that a client gave a request. owner: whose key it is. digest: of the request's body."""

    __tablename__ = "request_keys"
    __table_args__ = (UniqueConstraint("owner", "key", name="uq_request_keys_owner_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str]
    key: Mapped[str]
    digest: Mapped[str]
    task_id: Mapped[str]
    made_at: Mapped[int]


class ChoiceRow(Tables):
    """Something that was chosen while the server ran, by its name."""

    __tablename__ = "choices"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[dict[str, Any]]


class DeliveryRow(Tables):
    """A webhook message that has not arrived yet; it outlives its task, so that a deleted task is still told of.

    body: the text to send, None until it is written. attempts: how many failed. due_at: when the next one is.
    """

    __tablename__ = "deliveries"

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[str] = mapped_column(unique=True)
    url: Mapped[str]
    body: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[int]
