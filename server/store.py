"""What survives a restart: the tables of tasks and pictures, and every way they are read and written.

SQLite in WAL mode; the tables are made and changed by the numbered files in `migrations/`. All methods block: call them
from a thread. Times are milliseconds since 1970.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, BigInteger, Engine, ForeignKey, create_engine, event, inspect, select, text, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

MIGRATIONS = Path(__file__).parent / "migrations"


class Tables(DeclarativeBase):
    """All tables; `migrations/` must lead to exactly these."""

    type_annotation_map = {dict[str, Any]: JSON, list[str]: JSON}  # noqa: RUF012


class TaskRow(Tables):
    """One accepted request, from waiting to its end. `asked` is the request as it is shown, `plan` what was decided.

    status: waiting → running → finished, failed or stopped.
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
    queued_at: Mapped[int]
    started_at: Mapped[int | None]
    finished_at: Mapped[int | None]
    pictures: Mapped[list["PictureRow"]] = relationship(order_by="PictureRow.position", lazy="selectin")


class PictureRow(Tables):
    """One saved picture: where it lies and what one wants to read under it."""

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


class Store:
    """The database file. Safe to use from several threads."""

    def __init__(self, database: Path) -> None:
        """Open or create the file and bring its tables up to date. Raises OSError, sqlalchemy.exc.OperationalError."""
        database.parent.mkdir(parents=True, exist_ok=True)
        self._engine = create_engine(f"sqlite:///{database}", connect_args={"timeout": 30})
        event.listen(self._engine, "connect", _prepare)
        _migrate(self._engine)

    def add(self, row: TaskRow) -> None:
        """Keep a new task; its row is on disk when this returns."""
        with Session(self._engine) as session, session.begin():
            session.add(row)

    def task(self, task_id: str) -> TaskRow | None:
        """One task with its pictures, or None."""
        with Session(self._engine) as session:
            return session.scalar(select(TaskRow).where(TaskRow.task_id == task_id))

    def start(self, task_id: str) -> None:
        """The task runs from now."""
        self._update(task_id, status="running", started_at=now())

    def finish(self, task_id: str, warnings: Sequence[str]) -> None:
        """The task is done, with all the warnings it gathered."""
        self._update(task_id, status="finished", finished_at=now(), warnings=list(warnings))

    def fail(self, task_id: str, error: str) -> None:
        """The task came to nothing, or to fewer pictures than asked."""
        self._update(task_id, status="failed", finished_at=now(), error=error)

    def fail_unfinished(self, error: str) -> int:
        """Close what an earlier run of the server left open; how many these were."""
        with Session(self._engine) as session, session.begin():
            left = session.scalars(select(TaskRow).where(TaskRow.status.in_(("waiting", "running")))).all()
            for row in left:
                row.status, row.error, row.finished_at = "failed", error, now()
            return len(left)

    def add_picture(self, row: PictureRow) -> None:
        """A picture that is on disk now."""
        with Session(self._engine) as session, session.begin():
            session.add(row)

    def pictures_of(self, day: str) -> dict[str, PictureRow]:
        """What is known of one day's files, by file name."""
        with Session(self._engine) as session:
            return {row.file: row for row in session.scalars(select(PictureRow).where(PictureRow.day == day))}

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def _update(self, task_id: str, **values: object) -> None:
        with Session(self._engine) as session, session.begin():
            session.execute(update(TaskRow).where(TaskRow.task_id == task_id).values(**values))


def now() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def _prepare(connection: Any, _record: object) -> None:
    """Readers do not wait for the writer, and a commit is on disk (WAL syncs at checkpoints only, unless told FULL)."""
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _migrate(engine: Engine) -> None:
    """Run the numbered files in `migrations/versions` that this database has not seen."""
    newest = max(path.name.split("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))
    if inspect(engine).has_table("alembic_version"):
        with engine.connect() as connection:
            if connection.scalar(text("SELECT version_num FROM alembic_version")) == newest:
                return  # importing alembic alone takes a third of a second
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
