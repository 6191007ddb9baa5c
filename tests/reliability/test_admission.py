"""Who gets in, whose turn it is, and who left."""

import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from server.order import Order
from server.turns import Turns
from tests.reliability.painting import paints, record, sent
from tests.server.receiving import until
from tests.server.running import Running

SLOW: dict[str, Any] = {"overwrite_step": 200, "image_number": 32}


def order(owner: str) -> Order:
    return cast(Order, SimpleNamespace(owner=owner))


def test_everybody_who_waits_gets_one_done_in_turn() -> None:
    turns = Turns()
    for name in ("a1", "a2", "a3", "b1", "c1", "b2"):
        turns.add(name, order(name[0]))
    expected = ["a1", "b1", "c1", "a2", "b2", "a3"]
    assert [turns.position(name) for name in expected] == list(range(6))
    assert [turns.next()[0] for _ in range(4)] == expected[:4]
    turns.add("d1", order("d"))
    assert turns.next()[0] == "d1", "who was never served does not wait for those who were"
    assert turns.remove("b2")
    assert "b2" not in turns
    assert (turns.position("a3"), turns.position("b2"), len(turns)) == (0, None, 1)


def test_a_full_queue_refuses_and_one_key_does_not_starve_another(tmp_path: Path) -> None:
    keys = ("first-key-of-sixteen", "second-key-of-sixteen")
    running = paints(tmp_path, "--max-queue", "4", *(f"--apikey={key}" for key in keys))
    clients = [httpx.Client(base_url=running.client.base_url, headers={"X-API-KEY": key}, timeout=60) for key in keys]
    running.wait()

    def send(client: httpx.Client, **fields: Any) -> str:
        body = {"aspect_ratios_selection": "64*64", "overwrite_step": 1, "async_process": True} | fields
        answer = client.post("/v1/engine/generate", json=body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["task_id"])

    busy = send(clients[0], **SLOW)
    until(lambda: clients[0].get(f"/tasks/{busy}").json()["task_status"] == "running")
    theirs = [send(clients[0]) for _ in range(3)]
    mine = send(clients[1])
    assert clients[1].get(f"/tasks/{mine}").json()["queue_position"] == 0
    full = clients[1].post("/v1/engine/generate", json={"async_process": True})
    assert full.status_code == 429
    assert "--max-queue" in full.json()["detail"]
    assert int(full.headers["Retry-After"]) > 0
    clients[0].post(f"/tasks/{busy}/cancel")
    for task_id in (mine, *theirs):
        until(lambda task_id=task_id: clients[0].get(f"/tasks/{task_id}").json()["finish_mills"] > 0)  # type: ignore[misc]
    begun = [clients[0].get(f"/tasks/{task_id}").json()["start_mills"] for task_id in (mine, *theirs)]
    assert begun == sorted(begun)
    assert clients[0].get("/metrics").status_code == 200
    assert running.client.get("/metrics").status_code == 403
    for path in ("/healthz", "/healthz/", "/readyz", "/readyz/"):
        assert running.client.get(path).status_code == 200
    for client in clients:
        client.close()
    assert running.stop() == 0, running.log


@pytest.mark.parametrize("streams", [True, False])
def test_a_task_goes_with_its_client_only_if_that_was_asked_for(painter: Running, streams: bool) -> None:
    for asked, status in ((True, "stop"), (False, "running")):
        before = {task["task_id"] for task in tasks(painter)}
        fields = SLOW | {"cancel_on_disconnect": asked, "stream_output": streams}
        with httpx.Client(base_url=painter.client.base_url, timeout=5) as leaving:
            sending = threading.Thread(target=give_up, args=(leaving, fields))
            sending.start()
            sending.join()
        until(lambda old=before, end=status: newest(painter, old).get("task_status") == end)  # type: ignore[misc]
        time.sleep(1)
        left = newest(painter, before)
        assert left["task_status"] == status
        painter.client.post(f"/tasks/{left['task_id']}/cancel")


def tasks(painter: Running) -> list[dict[str, Any]]:
    """The running, the waiting and the last ended ones."""
    told = painter.client.get("/tasks").json()
    return [*told["current"], *told["pending"], *told["history"]]


def newest(painter: Running, before: set[str]) -> dict[str, Any]:
    """The task that came after those; {} before it comes."""
    return next((task for task in tasks(painter) if task["task_id"] not in before), {})


def give_up(client: httpx.Client, fields: dict[str, Any]) -> None:
    """Send a request, and hang up after a second."""
    body = {"aspect_ratios_selection": "64*64"} | fields
    try:
        with client.stream("POST", "/v1/engine/generate", json=body, timeout=1) as answer:
            next(answer.iter_lines(), None)
    except httpx.ReadTimeout:
        pass


def test_a_skipped_image_stays_skipped_after_a_restart(tmp_path: Path) -> None:
    running = paints(tmp_path, step_s=0.05)
    running.wait()
    task = sent(running, image_number=3, overwrite_step=40, image_seed=1)
    until(lambda: record(running, task)["progress"] > 0)
    assert running.client.post("/v1/engine/control", params={"action": "skip"}).json()["message"] == "task skiped"
    until(lambda: record(running, task)["progress"] >= 34)
    running.process.kill()
    running.process.wait()
    running.client.close()
    again = paints(tmp_path, step_s=0.001)
    again.wait()
    until(lambda: record(again, task)["task_status"] == "finished")
    told = record(again, task)
    assert told["result_seeds"] == [2, 3]
    assert "Image 1 of 3 was skipped on request." in told["warnings"]
    assert again.stop() == 0, again.log


def test_metrics_count_what_was_done(painter: Running) -> None:
    before = counts(painter)
    (painter.folder / "faults").write_text("memory " * 9)
    assert painter.generate().status_code == 507
    (painter.folder / "faults").write_text("")
    painter.made(image_number=2, overwrite_step=3)
    after = counts(painter)

    def more(name: str) -> float:
        return after[name] - before.get(name, 0)

    assert more('gesso_tasks_total{status="finished"}') == 1
    assert more('gesso_tasks_total{status="failed"}') == 1
    assert more('gesso_failures_total{cause="OutOfMemory"}') == 1
    assert more("gesso_images_total") == 2
    assert more("gesso_task_run_seconds_count") == 2
    assert more("gesso_task_wait_seconds_count") == 2
    assert more("gesso_step_seconds_count") == 4
    assert after["gesso_queue_depth"] == 0
    assert after["gesso_ready"] == 1
    assert {"gesso_models", "gesso_cache_hits", "gesso_cache_misses", "gesso_worker_starts_total"} <= after.keys()
    assert after["gesso_worker_memory"] > 10**7


def counts(running: Running) -> dict[str, float]:
    lines = running.client.get("/metrics").text.splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}


def test_a_server_that_everybody_can_reach_says_that_it_has_no_key(tmp_path: Path) -> None:
    """And one whose key is short; one that only this machine can reach, or with a long key, says nothing."""
    told = {}
    everybody = ("--listen", "0.0.0.0")
    for name, more in {"open": everybody, "weak": (*everybody, "--apikey=short"), "own": ()}.items():
        running = paints(tmp_path / name, *more)
        running.wait("/healthz")
        assert running.stop() == 0, running.log
        told[name] = running.log
    assert "without a key" in told["open"]
    assert "can be guessed" in told["weak"]
    assert "without a key" not in told["weak"] + told["own"]
