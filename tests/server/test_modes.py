"""The forms an answer takes: a record, the picture itself, or the task's id at once."""

import io
import json
import time

import pytest
from PIL import Image

from tests.server.running import GENERATE, Running

SMALL = {"aspect_ratios_selection": "64*64", "overwrite_step": 1, "prompt": "a ball"}


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("image/png", "PNG"),
        ("image/jpeg", "JPEG"),
        ("image/jpg", "JPEG"),
        ("image/webp;q=0.9", "WEBP"),
        ("image/*", "PNG"),
    ],
)
def test_accepting_pictures_only_gives_one_picture(server: Running, accept: str, form: str) -> None:
    answer = server.client.post(GENERATE, json=SMALL | {"image_number": 3}, headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == f"image/{form.lower()}"
    assert Image.open(io.BytesIO(answer.content)).format == form
    assert "steps" in json.loads(answer.headers["x-gesso-effective-params"])
    assert isinstance(json.loads(answer.headers["x-gesso-warnings"]), list)
    record = server.client.get(f"/tasks/{answer.headers['x-task-id']}").json()
    assert len(record["result"]) == 1
    assert server.client.get(record["result"][0]).content == answer.content


@pytest.mark.parametrize("accept", ["application/json, text/plain, */*", "image/png, */*", "*/*"])
def test_whoever_accepts_anything_else_too_gets_json(server: Running, accept: str) -> None:
    answer = server.client.post(GENERATE, json=SMALL, headers={"Accept": accept})
    assert answer.json()["task_status"] == "finished"


def test_async_answers_at_once_and_the_task_goes_on(server: Running) -> None:
    answer = server.generate(async_process="true", prompt="a ball", bogus=1)
    told = answer.json()
    assert answer.status_code == 200
    assert told["task_status"] == "pending"
    assert (told["id"], told["progress"], told["preview"], told["result"]) == (-1, -1, "", [])
    assert any("bogus" in warning for warning in told["warnings"])
    record = finished(server, told["task_id"])
    assert record["task_status"] == "finished"
    assert server.picture(record["result"][0]).size == (64, 64)


def test_bytes_come_before_async(server: Running) -> None:
    answer = server.client.post(GENERATE, json=SMALL | {"async_process": True}, headers={"Accept": "image/png"})
    assert answer.headers["content-type"] == "image/png"


def test_a_bad_request_is_refused_in_every_form(server: Running) -> None:
    for more, headers in (({"async_process": True}, {}), ({}, {"Accept": "image/png"})):
        answer = server.client.post(GENERATE, json={"outpaint_selections": ["Left"]} | more, headers=headers)
        assert answer.status_code == 422


def finished(server: Running, task_id: str) -> dict:
    for _ in range(600):
        record = server.client.get(f"/tasks/{task_id}").json()
        if record["finish_mills"] > 0:
            return record
        time.sleep(0.1)
    raise AssertionError(f"task {task_id} did not end")
