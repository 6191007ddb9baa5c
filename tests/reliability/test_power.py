"""What a machine that stops may lose: commits that are not synced by themselves, which the next start does without."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.reliability.painting import paints, record
from tests.server.receiving import until
from tests.server.running import Running


def test_an_end_that_was_lost_is_found_again_and_nothing_is_painted_anew(tmp_path: Path) -> None:
    running = paints(tmp_path)
    running.wait()
    made = running.made(image_number=2, image_seed=5)
    files = times(running)
    assert running.stop() == 0, running.log
    with closing(sqlite3.connect(running.outputs / "db.sqlite3")) as database:
        database.execute("UPDATE tasks SET status = 'running', finished_at = NULL")
        database.execute("UPDATE pictures SET saved = 0 WHERE position = 1")
        database.commit()
    again = paints(tmp_path)
    again.wait()
    until(lambda: record(again, made["task_id"])["task_status"] == "finished")
    told = record(again, made["task_id"])
    assert [url.split("/")[-1] for url in told["result"]] == [url.split("/")[-1] for url in made["result"]]
    assert told["result_seeds"] == [5, 6]
    assert times(again) == files
    assert again.stop() == 0, again.log


def times(running: Running) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in running.outputs.glob("????-??-??/*") if path.is_file()}
