"""SIGTERM: no new work, the image at hand is finished or given back, and the rest goes on at the next start."""

import json
import signal
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.reliability.painting import paints, record, sent
from tests.server.receiving import until

posix = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no signals to stop a process gently")


@posix
def test_sigterm_finishes_the_image_refuses_new_work_and_loses_nothing(tmp_path: Path) -> None:
    running = paints(tmp_path, step_s=0.1)
    running.wait()
    task = sent(running, image_number=3, overwrite_step=80, image_seed=1)
    behind = sent(running, image_seed=9)
    until(lambda: record(running, task)["progress"] > 0)
    waiting: list[httpx.Response] = []
    client = httpx.Client(base_url=running.client.base_url, timeout=60, trust_env=False)
    waits = threading.Thread(target=lambda: waiting.append(client.post("/v1/engine/generate", json={"image_seed": 3})))
    waits.start()
    until(lambda: len(running.client.get("/tasks", params={"query": "pending"}).json()["pending"]) == 2)
    running.process.send_signal(signal.SIGTERM)
    asked = time.monotonic()
    until(lambda: "Waiting up to" in running.log)
    refused = running.generate()
    assert refused.status_code == 503
    assert "being stopped" in refused.json()["detail"]
    assert int(refused.headers["Retry-After"]) > 0
    assert running.client.get("/healthz").status_code == 200
    assert running.process.wait(30) == 0, running.log
    running.client.close()
    assert time.monotonic() - asked < 30
    waits.join(10)
    client.close()
    told = waiting[0]
    assert (told.status_code, "goes on after its next start" in told.json()["detail"]) == (503, True)
    files = [path.name for path in running.outputs.glob("????-??-??/*.png")]
    assert len(files) == 1, "the image at hand was finished, and no other begun to its end"

    again = paints(tmp_path, step_s=0.01)
    again.wait()
    for task_id, seeds in ((task, [1, 2, 3]), (behind, [9]), (told.json()["task_id"], [3])):
        until(lambda task_id=task_id: record(again, task_id)["finish_mills"] > 0)  # type: ignore[misc]
        assert record(again, task_id)["result_seeds"] == seeds
    assert again.stop() == 0, again.log


@posix
def test_an_image_that_takes_too_long_is_given_back(tmp_path: Path) -> None:
    running = paints(tmp_path, "--log-format", "json", step_s=0.5)
    running.wait()
    task = sent(running, overwrite_step=200, image_seed=4)
    until(lambda: record(running, task)["task_status"] == "running")
    asked = time.monotonic()
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(30) == 0, running.log
    running.client.close()
    assert 10 < time.monotonic() - asked < 30
    lines = [json.loads(line) for line in running.log.splitlines() if line.strip()]
    assert {"message": "The task begins.", "task_id": task}.items() <= next(
        line for line in lines if line["message"] == "The task begins."
    ).items()

    again = paints(tmp_path, step_s=0.001)
    again.wait()
    until(lambda: record(again, task)["task_status"] == "finished")
    assert again.stop() == 0, again.log
