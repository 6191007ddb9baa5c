"""A worker that dies of loading is not started for ever, and what is said of a failure survives a restart."""

import threading
import time
from pathlib import Path

import httpx

from tests.reliability.painting import paints, record, sent
from tests.server.receiving import until
from tests.server.running import GENERATE, Running

SLOWEST_PAUSE_S = 5
"""After three deaths the server would have tried again by now."""


def starts(running: Running) -> int:
    lines = running.client.get("/metrics").text.splitlines()
    return int(float(next(line.split()[1] for line in lines if line.startswith("gesso_worker_starts_total"))))


def test_three_deaths_while_loading_are_the_last_until_somebody_asks_for_more(tmp_path: Path) -> None:
    (tmp_path / "faults.load").write_text("crash crash held")
    running = paints(tmp_path, step_s=0.001)
    running.wait("/healthz")
    waiting = sent(running, prompt="waits for the models")
    answers: list[httpx.Response] = []
    client = httpx.Client(base_url=running.client.base_url, timeout=120, trust_env=False)
    body = {"aspect_ratios_selection": "64*64", "prompt": "waits, too"}
    waits = threading.Thread(target=lambda: answers.append(client.post(GENERATE, json=body)))
    waits.start()
    until(lambda: len(running.client.get("/tasks", params={"query": "all"}).json()["pending"]) >= 1, 120)
    until(lambda: (tmp_path / "faults.load").read_text() == "", 120)
    assert running.client.get("/readyz").json()["status"] == "loading"
    (tmp_path / "faults.go").touch()

    until(lambda: running.client.get("/readyz").json()["status"] == "broken", 120)
    told = running.client.get("/readyz")
    assert told.status_code == 503
    assert "3 times in a row" in told.json()["reason"]
    assert "activate" in told.json()["reason"]
    assert running.client.get("/healthz").status_code == 200
    until(lambda: record(running, waiting)["finish_mills"] > 0)
    assert record(running, waiting)["task_status"] == "failed"
    assert "3 times in a row" in record(running, waiting)["error"]
    waits.join(60)
    client.close()
    assert (answers[0].status_code, "3 times in a row" in answers[0].json()["detail"]) == (503, True)
    assert running.generate().status_code == 503
    time.sleep(SLOWEST_PAUSE_S)
    assert starts(running) == 3
    assert running.client.get("/readyz").json()["status"] == "broken"

    assert running.client.post("/v1/engines/presets/starter/activate").status_code == 200
    assert running.client.get("/readyz").status_code == 200
    assert starts(running) == 4
    assert running.made(prompt="it got well")["task_status"] == "finished"
    assert running.stop() == 0, running.log


def test_the_status_of_a_failure_survives_a_restart(tmp_path: Path) -> None:
    running = paints(tmp_path, step_s=0.001)
    running.wait()
    (tmp_path / "faults").write_text("memory " * 9)
    key = {"Idempotency-Key": "asked once"}
    body = {"aspect_ratios_selection": "64*64", "overwrite_step": 1}
    first = running.client.post(GENERATE, json=body, headers=key)
    assert first.status_code == 507
    assert running.stop() == 0, running.log
    (tmp_path / "faults").write_text("")
    again = paints(tmp_path, step_s=0.001)
    again.wait()
    second = again.client.post(GENERATE, json=body, headers=key)
    assert (second.status_code, second.json()) == (507, first.json())
    assert again.stop() == 0, again.log
