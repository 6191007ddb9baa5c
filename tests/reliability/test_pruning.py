"""`--keep`: what is beyond its limits goes, with all that belongs to it and to nobody else."""

import os
import sqlite3
import time
from base64 import b64encode
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from configs.keep import Keep, read
from server.patience import DAY_MS, PatientClock
from server.pruning import beyond
from server.store import Past, now
from tests.reliability.painting import paints, record
from tests.server.receiving import until
from tests.server.running import as_text


def test_only_the_last_tasks_stay_with_their_pictures_and_inputs(tmp_path: Path, photo: Image.Image) -> None:
    running = paints(tmp_path, "--keep", "2", step_s=0.001)
    running.wait()
    mask = as_text(Image.new("L", photo.size, 255))
    edit = {"inpaint_mask_image_upload": mask, "overwrite_step": 2}
    first = running.made(**edit, inpaint_input_image=as_text(photo))
    told = running.client.get(first["result"][0]).content
    second = running.made(**edit, inpaint_input_image=as_text(photo.rotate(180)))
    for sent in (tmp_path / "inputs").glob("*.png"):
        os.utime(sent, (time.time() - 3600,) * 2)  # not just sent, but not old either
    assert len(list((tmp_path / "inputs").iterdir())) == 3
    running.made()
    until(lambda: running.client.get(f"/tasks/{first['task_id']}").status_code == 404)
    assert record(running, second["task_id"])["task_status"] == "finished"
    assert running.client.get(first["result"][0]).status_code == 404
    assert len(list((tmp_path / "inputs").iterdir())) == 2, "the mask is another task's, too"
    assert len(list(running.outputs.glob("????-??-??/*.png"))) == 2

    read_again = {"image": b64encode(told).decode()}
    answer = running.client.post("/v1/tools/read-metadata", json=read_again)
    assert (answer.status_code, answer.json()["field"]) == (424, "inpaint_input_image")

    with closing(sqlite3.connect(running.outputs / "db.sqlite3")) as database:
        database.execute("UPDATE tasks SET finished_at = finished_at - 8 * 24 * 3600 * 1000")
        database.commit()
    assert running.stop() == 0, running.log
    again = paints(tmp_path, "--keep", "7d", "--keep", "20GB", step_s=0.001)
    again.wait()
    until(lambda: again.client.get(f"/tasks/{second['task_id']}").status_code == 404)
    assert len(again.client.get("/tasks").json()["history"]) == 1, "the newest stays, however old"
    assert again.stop() == 0, again.log


def test_limits_are_ages_numbers_and_amounts() -> None:
    assert read(["30d", "5000", "20GB"]) == Keep(age_ms=30 * 24 * 3_600_000, count=5000, size=20 * 10**9)
    assert read(["2w", "1h"]) == Keep(age_ms=3_600_000)
    assert read([]).everything
    for wrong in ("0", "-1", "5x", "50%", "", "d", "0d"):
        with pytest.raises(ValueError, match="no age"):
            read([wrong])


def test_bytes_are_those_of_the_pictures_the_newest_first(tmp_path: Path) -> None:
    (tmp_path / "day").mkdir()
    history = []
    for name in "abcd":
        (tmp_path / "day" / name).write_bytes(b"x" * 100)
        history.append(Past(name, now(), [("day", name)]))
    assert [past.task_id for past in beyond(history, Keep(size=250), tmp_path, now())] == ["c", "d"]
    assert [past.task_id for past in beyond(history, Keep(size=10), tmp_path, now())] == ["b", "c", "d"]


def test_a_clock_that_is_set_forwards_makes_nobody_forget(tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    limits = ("--keep", "7d", "--keep", "4")
    running = paints(tmp_path, *limits, step_s=0.001, variables={"GESSO_TEST_CLOCK": str(clock)})
    running.wait()
    made = [running.made(prompt="before")["task_id"] for _ in range(4)]
    clock.write_text(str(400 * 86400))
    made.append(running.made(prompt="400 days on")["task_id"])
    until(lambda: running.client.get(f"/tasks/{made[0]}").status_code == 404)  # by number, so it was looked through
    assert running.stop() == 0, running.log
    again = paints(tmp_path, *limits, step_s=0.001, variables={"GESSO_TEST_CLOCK": str(clock)})
    again.wait()
    made.append(again.made(prompt="and after a restart")["task_id"])
    until(lambda: again.client.get(f"/tasks/{made[1]}").status_code == 404)
    assert [record(again, task_id)["task_status"] for task_id in made[2:]] == ["finished"] * 4
    assert again.stop() == 0, again.log


def test_a_patient_clock_follows_a_wall_clock_a_day_in_an_hour() -> None:
    hour = DAY_MS // 24
    times = {"wall": 100 * DAY_MS, "steady": 0}
    clock = PatientClock(seen=99 * DAY_MS, wall=lambda: times["wall"], steady=lambda: times["steady"])
    assert clock.now() == 100 * DAY_MS, "a night off is believed"
    times |= {"wall": 500 * DAY_MS, "steady": hour}
    assert clock.now() == 101 * DAY_MS
    assert clock.now() == 101 * DAY_MS
    times |= {"wall": 100 * DAY_MS, "steady": 2 * hour}
    assert clock.now() == 100 * DAY_MS, "put right again"
    times |= {"wall": 100 * DAY_MS + hour, "steady": 3 * hour}
    assert clock.now() == 100 * DAY_MS + hour
    later = PatientClock(seen=clock.seen, wall=lambda: 160 * DAY_MS, steady=lambda: times["steady"])
    assert later.now() == 101 * DAY_MS + hour, "long off: a day at once, the rest in time"
    times["steady"] += 60 * hour
    assert later.now() == 160 * DAY_MS
