"""`--database-url`: the records elsewhere."""

from pathlib import Path

import pytest

from server.__main__ import main
from tests.reliability.painting import paints, record


def test_the_records_lie_where_the_url_says(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'elsewhere.sqlite3'}"
    running = paints(tmp_path, "--database-url", url)
    running.wait()
    made = running.made()
    assert running.stop() == 0, running.log
    assert (tmp_path / "elsewhere.sqlite3").stat().st_size > 0
    assert not (running.outputs / "db.sqlite3").exists()
    again = paints(tmp_path, "--database-url", url)
    again.wait("/healthz")
    assert record(again, made["task_id"])["result_seeds"] == made["result_seeds"]
    assert again.stop() == 0, again.log


@pytest.mark.parametrize("url", ["nonsense", "nosuch://host/x", "postgresql+nosuchdriver://host/x"])
def test_a_url_that_cannot_be_used_is_one_clear_sentence(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--database-url", url]) == 2
    told = capsys.readouterr().err
    assert told.startswith("--database-url cannot be used")
    assert "postgresql+psycopg://" in told
