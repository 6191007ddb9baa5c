"""What survives a restart: every way the tables of tasks, pictures and deliveries are read and written.

SQLite in WAL mode; the tables are made and changed by the numbered files in `migrations/`. All methods block: call them
from a thread. Times are milliseconds since 1970.
"""

import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import URL, ColumnElement, Engine, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from server.database import connect, migrate
from server.request_keys import KEPT_MS, RequestKey
from server.search import Search
from server.tables import ChoiceRow, DeliveryRow, InputRow, PictureRow, RequestKeyRow, Tables, TaskRow

__all__ = ["OPEN", "DeliveryRow", "PictureRow", "Store", "Tables", "TaskRow", "now"]

OPEN = ("waiting", "running")
"""What a task's status is until it ends."""


# Statements that every picture needs are made once: to make one takes as long as to run it.
_OF_TASK = TaskRow.task_id == bindparam("task")
BEGINS = (
    update(TaskRow)
    .where(_OF_TASK)
    .values(status="running", starts=TaskRow.starts + 1, started_at=func.coalesce(TaskRow.started_at, bindparam("now")))
)
BEGUN = select(TaskRow.starts, TaskRow.queued_at, TaskRow.skipped).where(_OF_TASK)
THERE = select(PictureRow.position).where(PictureRow.task_id == bindparam("task"), PictureRow.saved)
SAVED = (
    update(PictureRow)
    .where(PictureRow.day == bindparam("on"), PictureRow.file == bindparam("named"))
    .values(saved=True)
)


class FoundPicture(NamedTuple):
    """A picture, and what its task tells. effective: what was used. made_at: when that had ended, or was sent."""

    picture: PictureRow
    effective: dict[str, Any]
    save_name: str | None
    made_at: int


class Past(NamedTuple):
    """A task that has ended. files: day and name of its pictures."""

    task_id: str
    ended_at: int
    files: list[tuple[str, str]]


class Begun(NamedTuple):
    """A task as it begins. starts: how often it has by now. there, skipped: the images that need not be made."""

    starts: int
    queued_at: int
    there: frozenset[int]
    skipped: tuple[int, ...]


class KeyTaken(Exception):
    """A request's key is another task's."""


class Store:
    """The database. Safe to use from several threads."""

    def __init__(self, database: Path, url: str = "") -> None:
        """Open or create the file, or what the URL leads to, and bring its tables up to date.

        Raises OSError, sqlalchemy.exc.OperationalError, and what `server.database.check` raises.
        """
        if not url:
            database.parent.mkdir(parents=True, exist_ok=True)
        place = url or URL.create("sqlite", database=str(database))
        self._engine = connect(place)
        self._hasty = connect(place, lasting=False)  # for what the next start finds out without it, see `Keeper.settle`
        migrate(self._engine)

    def add(
        self, row: TaskRow, key: RequestKey | None = None, *, inputs: Collection[str] = (), lasting: bool = True
    ) -> None:
        """Keep a new task; its row is on disk when this returns, or, if that need not be `lasting`, with its first
        picture. inputs: files in the inputs folder that it was sent. Raises KeyTaken where another task has its key.
        """
        try:
            with (self._engine if lasting else self._hasty).begin() as connection:
                connection.execute(insert(TaskRow), _values(row))
                if inputs:
                    connection.execute(insert(InputRow), [{"task_id": row.task_id, "file": file} for file in inputs])
                if key:
                    connection.execute(delete(RequestKeyRow).where(RequestKeyRow.made_at < now() - KEPT_MS))
                    told = {"owner": key.owner, "key": key.key, "digest": key.digest}
                    connection.execute(insert(RequestKeyRow), told | {"task_id": row.task_id, "made_at": now()})
        except IntegrityError as error:
            if key is None:
                raise
            raise KeyTaken from error

    def keyed(self, key: RequestKey) -> RequestKeyRow | None:
        """What is kept of a key, for a day."""
        mine = (
            RequestKeyRow.owner == key.owner,
            RequestKeyRow.key == key.key,
            RequestKeyRow.made_at >= now() - KEPT_MS,
        )
        with Session(self._engine) as session:
            return session.scalar(select(RequestKeyRow).where(*mine))

    def task(self, task_id: str) -> TaskRow | None:
        """One task with its pictures, or None."""
        with Session(self._engine) as session:
            return session.scalar(select(TaskRow).where(TaskRow.task_id == task_id))

    def open_tasks(self) -> list[TaskRow]:
        """Those that wait or run, oldest first."""
        with Session(self._engine) as session:
            return list(session.scalars(select(TaskRow).where(TaskRow.status.in_(OPEN)).order_by(TaskRow.id)))

    def ended_tasks(
        self, *, since: int | None = None, until: int | None = None, skip: int = 0, limit: int | None = None
    ) -> list[TaskRow]:
        """Those that have ended, newest first; `since` and `until` look at when they were sent, both included."""
        chosen = select(TaskRow).where(*_ended(since, until)).order_by(TaskRow.id.desc()).offset(skip)
        with Session(self._engine) as session:
            return list(session.scalars(chosen if limit is None else chosen.limit(limit)))

    def count_ended(self, *, since: int | None = None, until: int | None = None) -> int:
        """How many `ended_tasks` there are in all."""
        with Session(self._engine) as session:
            return session.scalar(select(func.count(TaskRow.id)).where(*_ended(since, until))) or 0

    def past(self) -> list[Past]:
        """All that have ended, newest first."""
        when = func.coalesce(TaskRow.finished_at, TaskRow.queued_at)
        chosen = select(TaskRow.task_id, when).where(TaskRow.status.not_in(OPEN)).order_by(TaskRow.id.desc())
        with Session(self._engine) as session:
            found = {task_id: Past(task_id, ended_at, []) for task_id, ended_at in session.execute(chosen)}
            for task_id, day, file in session.execute(select(PictureRow.task_id, PictureRow.day, PictureRow.file)):
                if task_id in found:
                    found[task_id].files.append((day, file))
        return list(found.values())

    def inputs_of(self, task_id: str) -> list[str]:
        """The files in the inputs folder that a task was sent."""
        with Session(self._engine) as session:
            return list(session.scalars(select(InputRow.file).where(InputRow.task_id == task_id)))

    def named_inputs(self, files: Collection[str]) -> set[str]:
        """Those of these files in the inputs folder that a task was sent."""
        with Session(self._engine) as session:
            if len(files) <= 100:
                return set(session.scalars(select(InputRow.file).where(InputRow.file.in_(files))))
            return set(files) & set(session.scalars(select(InputRow.file).distinct()))

    def start(self, task_id: str) -> Begun | None:
        """The task runs from now; None: it is gone."""
        with self._hasty.begin() as connection:
            connection.execute(BEGINS, {"task": task_id, "now": now()})
            found = connection.execute(BEGUN, {"task": task_id}).one_or_none()
            there = frozenset(connection.scalars(THERE, {"task": task_id})) if found else frozenset()
        return Begun(found.starts, found.queued_at, there, tuple(found.skipped)) if found else None

    def finish(self, task_id: str, warnings: Sequence[str]) -> TaskRow | None:
        """The task is done, with all the warnings it gathered; its row, or None.

        Not lasting by itself: where it is lost the next start finds that no picture is missing.
        """
        return self._end(task_id, self._hasty, status="finished", warnings=list(warnings))

    def stop(self, task_id: str, warnings: Sequence[str] | None = None) -> TaskRow | None:
        """The task was ended on request; the pictures that it had finished stay. Warnings: None leaves them."""
        told = {} if warnings is None else {"warnings": list(warnings)}
        return self._end(task_id, self._engine, status="stopped", **told)

    def fail(self, task_id: str, error: str, *, cause: str = "", field: str | None = None) -> None:
        """The task came to nothing, or to fewer pictures than asked. cause: the error's class, by its name."""
        self._end(task_id, self._engine, status="failed", error=error, cause=cause, cause_field=field)

    def skip(self, task_id: str, position: int) -> None:
        """An image of the task shall not be made any more."""
        with Session(self._engine) as session, session.begin():
            row = session.scalar(select(TaskRow).where(TaskRow.task_id == task_id))
            if row and position not in row.skipped:
                row.skipped = [*row.skipped, position]

    def wait_again(self, task_id: str) -> None:
        """The task was interrupted, and waits for its next turn."""
        with Session(self._engine) as session, session.begin():
            session.execute(update(TaskRow).where(TaskRow.task_id == task_id).values(status="waiting"))

    def delete_task(self, task_id: str) -> None:
        """Forget a task and its pictures; their files are the caller's. A webhook message about it is still sent."""
        with Session(self._engine) as session, session.begin():
            session.execute(delete(TaskRow).where(TaskRow.task_id == task_id))

    def reserve_picture(self, row: PictureRow) -> None:
        """A picture's name, before its file is written."""
        with self._engine.begin() as connection:
            connection.execute(insert(PictureRow), _values(row) | {"saved": False})

    def picture_saved(self, day: str, file: str) -> None:
        """The picture of that name is on disk."""
        with self._hasty.begin() as connection:
            connection.execute(SAVED, {"on": day, "named": file})

    def reserved_pictures(self) -> list[PictureRow]:
        """Those whose files were not yet said to be there."""
        with Session(self._engine) as session:
            return list(session.scalars(select(PictureRow).where(PictureRow.saved.is_(False))))

    def release_picture(self, day: str, file: str) -> None:
        """Give a reserved name back."""
        with Session(self._engine) as session, session.begin():
            named = (PictureRow.day == day, PictureRow.file == file, PictureRow.saved.is_(False))
            session.execute(delete(PictureRow).where(*named))

    def pictures_of(self, day: str) -> dict[str, PictureRow]:
        """What is known of one day's files, by file name."""
        with Session(self._engine) as session:
            chosen = select(PictureRow).where(PictureRow.day == day, PictureRow.saved)
            return {row.file: row for row in session.scalars(chosen)}

    def find_pictures(self, search: Search, *, skip: int, limit: int) -> list[FoundPicture]:
        """Pictures with what was used for them, newest first."""
        made_from = (TaskRow.effective, TaskRow.save_name, func.coalesce(TaskRow.finished_at, TaskRow.queued_at))
        chosen = select(PictureRow, *made_from).join(TaskRow, TaskRow.task_id == PictureRow.task_id)
        chosen = chosen.where(*search.conditions()).order_by(PictureRow.id.desc()).offset(skip).limit(limit)
        with Session(self._engine) as session:
            return [FoundPicture(*found) for found in session.execute(chosen)]

    def count_pictures(self, search: Search) -> int:
        """How many `find_pictures` finds in all."""
        with Session(self._engine) as session:
            return session.scalar(select(func.count(PictureRow.id)).where(*search.conditions())) or 0

    def undelivered(self) -> list[str]:
        """The tasks whose end is still to be told."""
        with Session(self._engine) as session:
            return list(session.scalars(select(DeliveryRow.task_id).order_by(DeliveryRow.id)))

    def delivery(self, task_id: str) -> DeliveryRow | None:
        """The message about a task's end, as long as it has not arrived."""
        with Session(self._engine) as session:
            return session.scalar(select(DeliveryRow).where(DeliveryRow.task_id == task_id))

    def update_delivery(self, task_id: str, **values: str | int) -> None:
        """Set its `body`, or `attempts` and `due_at`."""
        with Session(self._engine) as session, session.begin():
            session.execute(update(DeliveryRow).where(DeliveryRow.task_id == task_id).values(**values))

    def end_delivery(self, task_id: str, warning: str | None = None) -> None:
        """The message has arrived, or is given up: then `warning` joins the task's own."""
        with Session(self._engine) as session, session.begin():
            session.execute(delete(DeliveryRow).where(DeliveryRow.task_id == task_id))
            row = session.scalar(select(TaskRow).where(TaskRow.task_id == task_id)) if warning else None
            if row and warning:
                row.warnings = [*row.warnings, warning]

    def choice(self, name: str) -> dict[str, Any] | None:
        """What was chosen last, None: nothing."""
        with Session(self._engine) as session:
            row = session.get(ChoiceRow, name)
            return row.value if row else None

    def choose(self, name: str, value: dict[str, Any]) -> None:
        """Keep a choice; it takes the place of the one before."""
        with Session(self._engine) as session, session.begin():
            session.merge(ChoiceRow(name=name, value=value))

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()
        self._hasty.dispose()

    def _end(self, task_id: str, engine: Engine, **values: object) -> TaskRow | None:
        """End a task, and in the same breath note the message that its webhook is owed; its row."""
        with Session(engine, expire_on_commit=False) as session, session.begin():
            row = session.scalar(select(TaskRow).where(TaskRow.task_id == task_id))
            if row is None:
                return None
            if row.webhook_url and row.status in OPEN:
                session.add(DeliveryRow(task_id=task_id, url=row.webhook_url, due_at=now()))
            row.finished_at = now()
            for name, value in values.items():
                setattr(row, name, value)
            return row


def now() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def _values(row: Tables) -> dict[str, Any]:
    """What a new row was given; written so, it takes a third of the time that a session takes to find it out."""
    return {name: value for name, value in vars(row).items() if not name.startswith("_")}


def _ended(since: int | None, until: int | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [TaskRow.status.not_in(OPEN)]
    conditions += [] if since is None else [TaskRow.queued_at >= since]
    return conditions + ([] if until is None else [TaskRow.queued_at <= until])
