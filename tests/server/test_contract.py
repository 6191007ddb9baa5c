"""Promises about the server as a whole: errors, tables, documents."""

import re
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from configs.settings import ROOT
from masking.errors import public_errors
from server.errors import STATUSES
from server.store import Store, Tables
from tests.server.running import Running


def test_every_public_error_has_a_status() -> None:
    assert set(STATUSES) == set(public_errors())


def test_the_migrations_lead_to_exactly_the_tables(tmp_path: Path) -> None:
    database = tmp_path / "db.sqlite3"
    Store(database).close()
    Store(database).close()
    engine = create_engine(f"sqlite:///{database}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Tables.metadata) == []
    engine.dispose()


@pytest.mark.contract("2/docs")
def test_the_docs_need_nothing_from_elsewhere(server: Running) -> None:
    for page in ("/docs", "/redoc"):
        text = server.client.get(page).text
        links = re.findall(r'(?:src|href)="([^"]+)"', text)
        assert links
        for link in links:
            assert link.startswith(("/", "data:")), link
            assert server.client.get(link).status_code == 200


def test_every_route_is_documented(server: Running) -> None:
    written = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    for path in server.client.get("/openapi.json").json()["paths"]:
        assert f"`{path}`" in written or f" {path}`" in written, path


def test_every_field_of_a_request_is_documented(server: Running) -> None:
    written = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    schemas = server.client.get("/openapi.json").json()["components"]["schemas"]
    for schema in ("GenerateRequest", "MaskRequest", "Record"):
        for field in schemas[schema]["properties"]:
            assert f"`{field}`" in written, field
