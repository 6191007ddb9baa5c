"""Start, stop, kill: what answers when, and what survives."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import httpx
import pytest

from configs.settings import ROOT
from tests.server.receiving import until
from tests.server.running import Running, start

needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the worker by /proc")


def test_it_answers_before_the_models_are_there_and_says_why_they_are_not(tmp_path: Path, toy_models: Path) -> None:
    running = start(tmp_path / "server", toy_models)
    running.wait("/healthz", seconds=20)
    answer = running.client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["reason"]
    record = running.made(prompt="waits until the models are there")
    assert record["task_status"] == "finished"
    assert running.client.get("/readyz").status_code == 200
    assert running.stop() == 0, running.log
    assert "Traceback" not in running.log


def test_models_that_cannot_be_loaded_are_told_and_requests_refused(tmp_path: Path) -> None:
    checkpoint = tmp_path / "models" / "checkpoints" / "gesso-starter"
    checkpoint.mkdir(parents=True)
    (checkpoint / "model_index.json").write_text("{")
    running = start(tmp_path / "server", tmp_path / "models")
    running.wait("/healthz", seconds=20)
    deadline = time.monotonic() + 60
    while running.client.get("/readyz").json()["status"] == "loading" and time.monotonic() < deadline:
        time.sleep(0.1)
    told = running.client.get("/readyz")
    assert (told.status_code, told.json()["status"]) == (503, "broken")
    assert "could not be loaded" in told.json()["reason"]
    answer = running.generate()
    assert answer.status_code == 503
    assert "could not be loaded" in answer.json()["detail"]
    assert running.stop() == 0, running.log


@pytest.mark.contract("0/failed-tasks", "3/status-failed")
@needs_proc
def test_a_task_that_kills_its_workers_fails_and_the_next_goes_on(server: Running) -> None:
    answers = []
    slow = threading.Thread(target=lambda: answers.append(server.generate(overwrite_step=200, image_number=32)))
    slow.start()
    for times in (1, 2, 3):
        worker = _worker_at(server, times)
        os.kill(worker, signal.SIGKILL)
        until(lambda worker=worker: not Path(f"/proc/{worker}").exists(), 240)  # type: ignore[misc]
    slow.join(90)
    failed = answers[0].json()
    assert answers[0].status_code == 500
    assert "worker process" in failed["detail"]
    record = server.client.get(f"/tasks/{failed['task_id']}").json()
    assert record["task_status"] == "failed"
    assert "worker process" in record["error"]
    assert server.made(prompt="goes on")["task_status"] == "finished"
    assert server.worker() != worker


@needs_proc
def test_a_killed_server_takes_its_worker_along_and_remembers(tmp_path: Path, toy_models: Path) -> None:
    running = start(tmp_path / "server", toy_models)
    running.wait()
    kept = running.made(prompt="made before the kill")
    slow = threading.Thread(target=lambda: _ignore_break(running))
    slow.start()
    until(lambda: _running_tasks(running) == 1, 240)
    worker = running.worker()
    running.process.kill()
    running.process.wait()
    slow.join(30)
    until(lambda: not Path(f"/proc/{worker}").exists(), 240)
    again = start(tmp_path / "server", toy_models)
    again.wait("/healthz", seconds=20)
    assert again.client.get(f"/tasks/{kept['task_id']}").json()["task_status"] == "finished"
    day = kept["result"][0].split("/")[-2]
    assert "made before the kill" in again.client.get(f"/outputs/{day}/").text
    assert again.stop() == 0, again.log


def test_a_port_in_use_is_one_clear_sentence(server: Running) -> None:
    command = [sys.executable, "-m", "server", "--port", str(server.port)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"port {server.port}" in done.stderr
    assert "--port" in done.stderr


def _ignore_break(running: Running) -> None:
    with suppress(httpx.TransportError):
        running.generate(overwrite_step=200, image_number=32)


def _running_tasks(running: Running) -> int:
    """How many tasks the database shows as running, read as another program would."""
    with closing(sqlite3.connect(running.outputs / "db.sqlite3")) as database:
        return int(database.execute("SELECT count(*) FROM tasks WHERE status = 'running'").fetchone()[0])


def _worker_at(running: Running, times: int) -> int:
    """The worker that is at the newest task, which was begun so often."""
    until(lambda: _starts(running) == times and running.client.get("/readyz").status_code == 200, 240)
    worker = running.worker()
    assert worker
    return worker


def _starts(running: Running) -> int:
    """How often the newest task was begun."""
    with closing(sqlite3.connect(running.outputs / "db.sqlite3")) as database:
        found = database.execute("SELECT starts FROM tasks ORDER BY id DESC LIMIT 1").fetchone()
        return int(found[0]) if found else 0
