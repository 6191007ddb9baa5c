"""Stop, skip and cancel, and what is shown of a picture while it is painted."""

import base64
import io
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.server.running import GENERATE, Running, start

CONTROL = "/v1/engine/control"
SLOW: dict[str, Any] = {"aspect_ratios_selection": "64*64", "overwrite_step": 200, "image_seed": 5}


def control(server: Running, **query: str) -> dict[str, str]:
    answer = server.client.post(CONTROL, params=query)
    assert answer.status_code == 200, answer.text
    told: dict[str, str] = answer.json()
    return told


@contextmanager
def followed(server: Running, **fields: Any) -> Iterator[tuple[str, Iterator[dict[str, Any]]]]:
    """A slow task's id, and its events as they come."""
    body = SLOW | {"stream_output": True} | fields
    with server.client.stream("POST", GENERATE, json=body) as answer:
        lines = (line for line in answer.iter_lines() if line.startswith("data: {"))
        yield answer.headers["x-task-id"], (json.loads(line[6:]) for line in lines)


def until_image(events: Iterator[dict[str, Any]], image: int) -> None:
    next(event for event in events if f", image {image}/" in event["message"])


def record(server: Running, task_id: str) -> dict[str, Any]:
    told: dict[str, Any] = server.client.get(f"/tasks/{task_id}").json()
    return told


def pixels(server: Running, url: str) -> np.ndarray:
    return np.asarray(server.picture(url))


@pytest.mark.contract("13/nothing-runs")
def test_without_a_running_task_there_is_nothing_to_control(server: Running) -> None:
    for action in ("stop", "skip"):
        assert control(server, action=action) == {"message": "No task running"}
    ended = server.made()["task_id"]
    assert control(server, action="stop", task_id=ended) == {"message": "No task running"}
    assert record(server, ended)["task_status"] == "finished"


@pytest.mark.contract("2/control", "13/invalid", "13/query-parameter")
def test_what_cannot_be_controlled_is_said(server: Running) -> None:
    assert control(server, action="dance") == {"message": "Invalid control action"}
    assert server.client.post(CONTROL).status_code == 422
    unknown = server.client.post(CONTROL, params={"action": "stop", "task_id": "0123"})
    assert unknown.status_code == 404
    assert "0123" in unknown.json()["detail"]


@pytest.mark.contract("0/several-running", "2/control", "3/status-stop", "13/stop")
def test_stop_ends_the_task_within_a_step_and_keeps_what_is_finished(server: Running) -> None:
    with followed(server, image_number=32) as (task_id, events):
        until_image(events, 2)
        assert control(server, action="stop") == {"message": "task stoped", "task_id": task_id}
        rest = list(events)
    assert not any("image 3/" in event["message"] for event in rest)
    assert (rest[-1]["progress"], rest[-1]["task_status"], rest[-1]["preview"]) == (100, "stop", None)
    told = record(server, task_id)
    assert told["task_status"] == "stop"
    assert told["result_seeds"] == [5]
    assert told["result"] == rest[-1]["images"]
    assert told["finish_mills"] > 0
    assert "error" not in told
    server.picture(told["result"][0])
    assert server.made()["task_status"] == "finished"


def test_whoever_waits_for_a_task_that_is_stopped_gets_its_record(server: Running) -> None:
    answers: list[httpx.Response] = []
    waiting = threading.Thread(target=lambda: answers.append(server.generate(**SLOW, image_number=32)))
    waiting.start()
    deadline = time.monotonic() + 60
    while (told := control(server, action="stop"))["message"] == "No task running":
        assert time.monotonic() < deadline
    waiting.join(60)
    assert answers[0].status_code == 200
    assert (answers[0].json()["task_id"], answers[0].json()["task_status"]) == (told["task_id"], "stop")


@pytest.mark.contract("13/by-id")
def test_control_acts_on_the_task_that_is_named(server: Running) -> None:
    running, behind = (server.generate(**SLOW, image_number=32, async_process=True).json()["task_id"] for _ in range(2))
    assert control(server, action="skip", task_id=behind) == {"message": "No task running"}
    assert control(server, action="stop", task_id=behind) == {"message": "task stoped", "task_id": behind}
    assert record(server, behind)["task_status"] == "stop"
    assert record(server, running)["task_status"] in ("pending", "running")
    assert control(server, action="stop", task_id=running) == {"message": "task stoped", "task_id": running}
    assert ended(server, running)["task_status"] == "stop"


@pytest.mark.contract("3/status-skip", "13/skip")
def test_a_skipped_image_is_left_out_and_the_others_are_as_ever(server: Running) -> None:
    with followed(server, image_number=3, deterministic=True) as (task_id, events):
        until_image(events, 2)
        assert control(server, action="skip") == {"message": "task skiped", "task_id": task_id}
        rest = list(events)
    assert any(event["message"] == "Skipping image 2/3 ..." for event in rest)
    assert [event["progress"] for event in rest] == sorted(event["progress"] for event in rest)
    told = record(server, task_id)
    assert (told["task_status"], told["result_seeds"]) == ("finished", [5, 7])
    assert "Image 2 of 3 was skipped on request." in told["warnings"]
    for url, seed in zip(told["result"], (5, 7), strict=True):
        alone = server.generate(**SLOW | {"image_seed": seed, "deterministic": True}).json()
        np.testing.assert_array_equal(pixels(server, url), pixels(server, alone["result"][0]))


def test_a_task_whose_only_image_is_skipped_is_finished_without_one(server: Running) -> None:
    with followed(server, image_number=1) as (task_id, events):
        until_image(events, 1)
        control(server, action="skip", task_id=task_id)
        last = list(events)[-1]
    assert (last["images"], last["task_status"]) == ([], "finished")


@pytest.mark.contract("0/delete-over-get", "13/by-id")
def test_cancel_ends_what_waits_and_what_runs_and_the_next_goes_on(server: Running) -> None:
    slow = SLOW | {"image_number": 32, "async_process": True}
    running, first, second = (
        server.generate(**fields).json()["task_id"] for fields in (slow, slow, {"async_process": True})
    )
    assert (record(server, first)["queue_position"], record(server, second)["queue_position"]) == (0, 1)
    called_off = server.client.post(f"/tasks/{first}/cancel")
    assert called_off.status_code == 200
    assert (called_off.json()["task_status"], called_off.json()["result"]) == ("stop", [])
    assert record(server, second)["queue_position"] == 0
    assert server.client.post(f"/tasks/{running}/cancel").json()["task_status"] == "stop"
    assert ended(server, second)["task_status"] == "finished"
    for one in (running, first, second):
        assert server.client.post(f"/tasks/{one}/cancel").status_code == 409


def test_a_task_can_be_cancelled_while_the_models_are_loading(tmp_path: Path, toy_models: Path) -> None:
    running = start(tmp_path / "server", toy_models)
    try:
        running.wait("/healthz", seconds=60)
        task_id = running.generate(async_process=True).json()["task_id"]
        told = running.client.post(f"/tasks/{task_id}/cancel").json()
        assert told["task_status"] == "stop"
        assert running.client.get("/readyz").status_code == 503
    finally:
        assert running.stop() == 0, running.log


@pytest.mark.contract("3/preview-size")
def test_previews_are_shown_in_the_stream_and_in_the_record(server: Running) -> None:
    with followed(server, aspect_ratios_selection="96*64", disable_preview="false") as (task_id, events):
        shown = next(event for event in events if event["preview"])
        kept = record(server, task_id)["preview"]
        last = list(events)[-1]
    assert shown["message"].startswith("Sampling step")
    assert shown["preview"].startswith("data:image/png;base64,")
    for text in (shown["preview"].partition(",")[2], kept):
        picture = Image.open(io.BytesIO(base64.b64decode(text)))
        assert (picture.format, picture.size) == ("PNG", (24, 16))
    assert last["preview"] is None
    assert "preview" not in record(server, task_id)
    assert not any(event["preview"] for event in replayed(server, task_id))


def test_previews_begin_when_somebody_looks_at_a_record(server: Running) -> None:
    task_id = server.generate(**SLOW, image_number=8, async_process=True).json()["task_id"]
    until_running(server, task_id)
    assert record(server, task_id)["preview"] == ""
    deadline = time.monotonic() + 30
    while not record(server, task_id)["preview"]:
        assert time.monotonic() < deadline
    control(server, action="stop", task_id=task_id)


@pytest.mark.contract("3/preview-disabled")
def test_whoever_wants_no_previews_gets_none(server: Running) -> None:
    with followed(server, disable_preview=True) as (_, events):
        assert not any(event["preview"] for event in events)


def until_running(server: Running, task_id: str) -> None:
    """Looks at the metrics, not at the task."""
    deadline = time.monotonic() + 30
    while "gesso_tasks_running 1" not in server.client.get("/metrics").text:
        assert time.monotonic() < deadline, task_id


def replayed(server: Running, task_id: str) -> list[dict[str, Any]]:
    lines = server.client.get(f"/tasks/{task_id}/events").text.split("\r\n")
    return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]


def ended(server: Running, task_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while (told := record(server, task_id))["finish_mills"] < 0:
        assert time.monotonic() < deadline, told
        time.sleep(0.05)
    return told
