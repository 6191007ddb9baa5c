"""The forms an answer takes: a record, the picture itself, or the task's id at once."""

import io
import json
import time

import httpx
import pytest
from PIL import Image

from tests.server.running import GENERATE, Running

SMALL = {"aspect_ratios_selection": "64*64", "overwrite_step": 1, "prompt": "a ball"}


@pytest.mark.contract("0/accept-is-parsed", "3/accept-image", "3/accept-jpg", "3/binary-one-image", "3/binary-record")
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


@pytest.mark.contract("3/accept-others", "0/pictures-only-accept")
@pytest.mark.parametrize("accept", ["application/json, text/plain, */*", "image/png, */*", "*/*"])
def test_whoever_accepts_anything_else_too_gets_json(server: Running, accept: str) -> None:
    answer = server.client.post(GENERATE, json=SMALL, headers={"Accept": accept})
    assert answer.json()["task_status"] == "finished"


@pytest.mark.contract("3/async")
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


def test_headers_stay_short_enough_for_proxies_whatever_the_request(server: Running) -> None:
    body = SMALL | {"prompt": "ü" * 20_000} | {f"unknown {n}": n for n in range(200)}
    answer = server.client.post(GENERATE, json=body, headers={"Accept": "image/png"})
    assert answer.status_code == 200
    told = json.loads(answer.headers["x-gesso-effective-params"])
    assert told["steps"] == 1
    assert told["prompt"].startswith("ü")
    assert json.loads(answer.headers["x-gesso-warnings"])
    assert sum(len(value) for name, value in answer.headers.items() if name.startswith("x-")) < 8000


@pytest.mark.contract("3/priority")
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


def events(answer: httpx.Response) -> list[dict]:
    """What a client of FooocusAPI reads: the lines that start with `data: {`."""
    return [json.loads(line[6:]) for line in answer.text.split("\r\n") if line.startswith("data: {")]


@pytest.mark.contract("3/stream-progress", "3/stream-end", "3/stream-messages")
def test_a_stream_tells_every_step_and_ends_with_the_pictures(server: Running) -> None:
    answer = server.generate(stream_output=True, image_number=2, overwrite_step=3, disable_preview=True)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    told = events(answer)
    assert all({"progress", "preview", "message", "images"} <= set(event) for event in told)
    assert [event["progress"] for event in told] == sorted(event["progress"] for event in told)
    steps = [event["message"] for event in told if event["message"].startswith("Sampling step")]
    assert steps == [f"Sampling step {step}/3, image {image}/2 ..." for image in (1, 2) for step in (1, 2, 3)]
    assert all(event["images"] == [] for event in told[:-1])
    assert (told[-1]["progress"], told[-1]["message"]) == (100, "Finished")
    assert [server.picture(url).size for url in told[-1]["images"]] == [(64, 64)] * 2


@pytest.mark.contract("3/stream-event")
def test_a_stream_can_be_taken_up_again_where_it_broke(server: Running) -> None:
    whole = server.generate(stream_output=True, overwrite_step=3, disable_preview=True)
    task_id = whole.headers["x-task-id"]
    ids = [line[4:] for line in whole.text.split("\r\n") if line.startswith("id: ")]
    assert ids == [f"{task_id}:{n}" for n in range(1, len(ids) + 1)]
    again = server.client.get(f"/tasks/{task_id}/events", headers={"Last-Event-ID": ids[1]})
    assert events(again) == events(whole)[2:]
    assert events(server.client.get(f"/tasks/{task_id}/events")) == events(whole)


@pytest.mark.parametrize("more", [0, 5, 10**20])
def test_who_has_seen_the_end_is_told_not_to_come_again(server: Running, more: int) -> None:
    whole = server.generate(stream_output=True, overwrite_step=1, disable_preview=True)
    task_id = whole.headers["x-task-id"]
    last = [line[4:] for line in whole.text.split("\r\n") if line.startswith("id: ")][-1]
    seen = f"{task_id}:{int(last.split(':')[1]) + more}"
    answer = server.client.get(f"/tasks/{task_id}/events", headers={"Last-Event-ID": seen}, timeout=10)
    assert (answer.status_code, answer.content) == (204, b"")


def test_events_of_an_unknown_task_are_404(server: Running) -> None:
    assert server.client.get("/tasks/0123/events").status_code == 404


def test_a_client_that_goes_away_does_not_stop_its_task(server: Running) -> None:
    body = SMALL | {"stream_output": True, "image_number": 3}
    with server.client.stream("POST", GENERATE, json=body) as answer:
        task_id = answer.headers["x-task-id"]
    assert len(finished(server, task_id)["result"]) == 3
