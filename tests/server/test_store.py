"""Databases of older versions."""

import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from server.database import MIGRATIONS
from server.store import Store


def test_an_older_database_is_brought_up_to_date_with_all_that_is_in_it(tmp_path: Path) -> None:
    database = tmp_path / "db.sqlite3"
    _first_version(database)
    with closing(sqlite3.connect(database)) as connection:
        columns = "task_id, status, asked, plan, form, keep_metadata, warnings, effective, queued_at"
        connection.execute(
            f"INSERT INTO tasks ({columns}) VALUES ('a', 'running', '{{}}', '', 'png', 0, '[]', '{{}}', 5)"
        )
        connection.commit()
    store = Store(database)
    row = store.task("a")
    assert row
    assert (row.queued_at, row.webhook_url, row.base_url) == (5, None, "")
    assert (row.restore, row.grid, row.previews, row.starts) == ({}, False, False, 0)
    assert store.undelivered() == []
    store.close()


def _first_version(database: Path) -> None:
    engine = create_engine(f"sqlite:///{database}")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()
