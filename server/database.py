"""The database that `server.store` keeps its tables in: how it is opened, and brought up to date."""

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

MIGRATIONS = Path(__file__).parent / "migrations"


def check(url: str) -> None:
    """Raises ValueError where the URL is none that SQLAlchemy reads, or its database's driver is not installed."""
    try:
        if url:
            connect(url).dispose()
    except (ArgumentError, ImportError) as error:
        raise ValueError(str(error)) from error


def connect(url: str | URL, *, lasting: bool = True) -> Engine:
    """An engine for a URL. Raises what `check` is there to tell.

    lasting: whether a commit to SQLite is on disk; else it is once the next lasting one is, and a process that is
    killed loses nothing, but a machine that stops may.
    """
    is_sqlite = make_url(url).get_backend_name() == "sqlite"
    engine = create_engine(url, connect_args={"timeout": 30} if is_sqlite else {})
    if is_sqlite:
        event.listen(engine, "connect", _prepare if lasting else _prepare_hasty)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    """Readers do not wait for the writer, and a commit is on disk (WAL syncs at checkpoints only, unless told FULL)."""
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _prepare_hasty(connection: Any, record: object) -> None:
    _prepare(connection, record)
    connection.execute("PRAGMA synchronous=NORMAL")


def migrate(engine: Engine) -> None:
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
