"""What was accepted is finished, whatever is killed meanwhile."""

import hashlib
import os
import random
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.server.receiving import until
from tests.server.running import Running, as_text, start

needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the worker by /proc")


def sent(running: Running, **fields: Any) -> str:
    """The id of a task that is to be made in its own time."""
    return str(running.generate(async_process=True, aspect_ratios_selection="64*64", **fields).json()["task_id"])


def record(running: Running, task_id: str) -> dict[str, Any]:
    found: dict[str, Any] = running.client.get(f"/tasks/{task_id}").json()
    return found


def ended(running: Running, task_id: str, seconds: float = 240) -> dict[str, Any]:
    until(lambda: record(running, task_id)["task_status"] not in ("pending", "running"), seconds)
    return record(running, task_id)


def files(running: Running) -> list[Path]:
    return [path for path in running.outputs.glob("????-??-??/*") if path.is_file()]


def saved(running: Running) -> int:
    with closing(sqlite3.connect(running.outputs / "db.sqlite3")) as database:
        return int(database.execute("SELECT count(*) FROM pictures WHERE saved").fetchone()[0])


def kill(running: Running) -> None:
    """Server and worker, without a word."""
    worker = running.worker()
    running.process.kill()
    running.process.wait()
    running.client.close()
    if worker:
        until(lambda: not Path(f"/proc/{worker}").exists())


@needs_proc
def test_a_killed_servers_tasks_go_on_with_the_pictures_they_have(
    tmp_path: Path,
    toy_models: Path,
    photo: Image.Image,
    box_mask: Image.Image,
) -> None:
    running = start(tmp_path, toy_models)
    running.wait()
    asked = {"image_seed": 7, "overwrite_step": 12, "deterministic": True}
    several = sent(running, image_number=6, prompt="six of them", generate_image_grid=True, **asked)
    edit = sent(
        running,
        inpaint_input_image=as_text(photo),
        inpaint_mask_image_upload=as_text(box_mask),
        save_name="edit",
        **asked,
    )
    until(lambda: saved(running) >= 2)
    kill(running)
    before = {path: hashlib.sha256(path.read_bytes()).digest() for path in files(running)}
    assert before

    again = start(tmp_path, toy_models)
    again.wait()
    done = ended(again, several)
    assert done["task_status"] == "finished", done
    assert len(done["result"]) == 7
    assert done["result_seeds"] == [7, 8, 9, 10, 11, 12, 7]
    assert {path: hashlib.sha256(path.read_bytes()).digest() for path in before} == before
    assert ended(again, edit)["result"][0].endswith("edit-0.png")
    assert len(files(again)) == 8
    alone = again.made(prompt="six of them", aspect_ratios_selection="64*64", **asked)
    first, same = (np.asarray(again.picture(url)) for url in (done["result"][0], alone["result"][0]))
    np.testing.assert_array_equal(first, same)
    told = again.client.post("/v1/tools/read-metadata", json={"image": done["result"][5]}).json()
    assert told["request"]["image_seed"] == 12
    assert again.stop() == 0, again.log


@needs_proc
def test_a_killed_worker_costs_no_task_anything(tmp_path: Path, toy_models: Path) -> None:
    running = start(tmp_path, toy_models)
    running.wait()
    task = sent(running, image_number=4, overwrite_step=12, image_seed=1)
    until(lambda: saved(running) >= 1)
    worker = running.worker()
    assert worker
    os.kill(worker, signal.SIGKILL)
    done = ended(running, task)
    assert done["task_status"] == "finished"
    assert done["result_seeds"] == [1, 2, 3, 4]
    assert any("begun again" in warning for warning in done["warnings"])
    assert len(files(running)) == 4
    assert running.stop() == 0, running.log


def test_a_task_that_cannot_go_on_says_so(tmp_path: Path, toy_models: Path) -> None:
    running = start(tmp_path, toy_models)
    running.wait()
    busy = sent(running, image_number=32, overwrite_step=100)
    task = sent(running, prompt="waits")
    until(lambda: record(running, busy)["task_status"] == "running")
    assert running.stop() == 0, running.log
    with closing(sqlite3.connect(running.outputs / "db.sqlite3")) as database:
        database.execute("UPDATE tasks SET starts = 30 WHERE task_id = ?", (busy,))
        database.execute("UPDATE tasks SET plan = '{}' WHERE task_id = ?", (task,))
        database.commit()
    again = start(tmp_path, toy_models)
    again.wait()
    for task_id, reason in ((busy, "begun 30 times"), (task, "cannot go on")):
        told = record(again, task_id)
        assert told["task_status"] == "failed"
        assert reason in told["error"]
    assert again.made(prompt="others go on")["task_status"] == "finished"
    assert again.stop() == 0, again.log


def test_what_a_kill_left_behind_is_cleared_up(tmp_path: Path, toy_models: Path) -> None:
    running = start(tmp_path, toy_models)
    running.wait()
    made = running.made(prompt="stays", save_name="kept")
    assert running.stop() == 0, running.log
    day = files(running)[0].parent
    small, sent = running.outputs / ".thumbnails" / day.name, tmp_path / "inputs"
    for folder in (day, small, sent, running.outputs):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".other.png.0123456789abcdef.part").write_bytes(b"half a pic")
    with closing(sqlite3.connect(running.outputs / "db.sqlite3")) as database:
        database.execute("UPDATE pictures SET saved = 0")
        columns = "task_id, position, day, file, seed, width, height, prompt, saved"
        database.execute(
            f"INSERT INTO pictures ({columns}) VALUES (?, 1, ?, 'never.png', 1, 64, 64, '', 0)",
            (made["task_id"], day.name),
        )
        database.commit()
    again = start(tmp_path, toy_models)
    again.wait("/healthz")
    assert [url.split("/")[-1] for url in record(again, made["task_id"])["result"]] == ["kept-0.png"]
    assert [path.name for path in files(again)] == ["kept-0.png"]
    assert list(tmp_path.rglob("*.part")) == []
    assert again.stop() == 0, again.log


@needs_proc
@pytest.mark.parametrize("rounds", [pytest.param(50, marks=pytest.mark.long), 3])
def test_random_kills_lose_nothing_and_make_nothing_twice(tmp_path: Path, toy_models: Path, rounds: int) -> None:
    chance = random.Random(rounds)
    tasks: dict[str, int] = {}
    running = start(tmp_path, toy_models)
    running.wait("/healthz")
    for number in range(rounds):
        for _ in range(chance.randint(1, 2)):
            images = chance.randint(1, 3)
            tasks[sent(running, image_number=images, overwrite_step=chance.choice([2, 20]))] = images
        time.sleep(chance.uniform(0, 6))
        worker = running.worker()
        if worker and chance.random() < 0.4:
            os.kill(worker, signal.SIGKILL)
        else:
            kill(running)
            running = start(tmp_path, toy_models)
            running.wait("/healthz")
        assert len(tasks) > number
    results = [ended(running, task_id, 600) for task_id in tasks]
    assert [done["task_status"] for done in results] == ["finished"] * len(tasks)
    assert [len(done["result"]) for done in results] == list(tasks.values())
    assert len(files(running)) == sum(tasks.values())
    for path in files(running):
        with Image.open(path) as picture:
            picture.load()
    assert running.stop() == 0, running.log
