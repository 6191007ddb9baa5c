"""`Idempotency-Key`: sent twice, made once."""

import threading
import uuid
from pathlib import Path
from typing import Any

import httpx

from tests.server.running import Running, start


def post(server: Running, key: str, headers: dict[str, str] | None = None, **fields: Any) -> httpx.Response:
    asked = {"overwrite_step": 2, "aspect_ratios_selection": "64*64"} | fields
    told = {"Idempotency-Key": key} | (headers or {})
    return server.client.post("/v1/engine/generate", json=asked, headers=told)


def test_the_same_key_is_the_same_task_in_every_form_of_answer(server: Running) -> None:
    key = uuid.uuid4().hex
    first = post(server, key, prompt="once").json()
    assert post(server, key, prompt="once").json() == first
    picture = post(server, key, {"Accept": "image/png"}, prompt="once")
    assert picture.headers["X-Task-Id"] == first["task_id"]
    assert picture.content == server.client.get(first["result"][0]).content


def test_a_key_with_another_body_is_refused(server: Running) -> None:
    key = uuid.uuid4().hex
    assert post(server, key, prompt="one thing").status_code == 200
    answer = post(server, key, prompt="another thing")
    assert answer.status_code == 422
    assert "Idempotency-Key" in answer.text
    assert post(server, "x" * 300).status_code == 422


def test_another_clients_key_is_another_key(server: Running) -> None:
    key = uuid.uuid4().hex
    tasks = {
        post(server, key, {"Authorization": f"Bearer {client}"}, prompt="mine").json()["task_id"] for client in "ab"
    }
    assert len(tasks) == 2


def test_a_key_sent_many_times_at_once_is_one_task(server: Running) -> None:
    key, answers = uuid.uuid4().hex, list[httpx.Response]()
    threads = [
        threading.Thread(target=lambda: answers.append(post(server, key, prompt="at once", image_number=2)))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["task_id"] for answer in answers}) == 1


def test_a_key_is_known_after_a_restart_and_while_its_task_runs(tmp_path: Path, toy_models: Path) -> None:
    running = start(tmp_path, toy_models)
    running.wait("/healthz")
    fields: dict[str, Any] = {"async_process": True, "prompt": "still there"}
    first = post(running, "mine", **fields).json()["task_id"]
    assert post(running, "mine", **fields).json()["task_id"] == first
    assert running.stop() == 0, running.log
    again = start(tmp_path, toy_models)
    again.wait("/healthz")
    assert post(again, "mine", **fields).json()["task_id"] == first
    assert again.stop() == 0, again.log
