"""Sections 2 and 3: routes and response modes, as far as no other test shows them already."""

import io
import json
import threading
import time
from hashlib import sha256
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.server.receiving import receiver, until
from tests.server.running import GENERATE, Running, as_text

SMALL: dict[str, Any] = {"aspect_ratios_selection": "64*64", "overwrite_step": 1}
SLOW: dict[str, Any] = {"aspect_ratios_selection": "64*64", "overwrite_step": 200, "image_number": 32}


@pytest.mark.contract("2/slashes")
def test_every_route_answers_with_and_without_a_slash_at_its_end(server: Running) -> None:
    task = server.made()["task_id"]
    for path in ("/v1/engines/styles", "/v1/engines/all-models", "/v1/engines/presets", "/tasks", f"/tasks/{task}"):
        plain, slashed = (server.client.get(form, follow_redirects=False) for form in (path, f"{path}/"))
        assert (plain.status_code, slashed.status_code) == (200, 200), path
        assert plain.json() == slashed.json()
    for path in ("/v1/engine/generate", "/v1/engine/control", "/v1/tools/generate_mask", "/v1/tools/read-metadata"):
        for form in (path, f"{path}/"):
            answer = server.client.post(form, json={"image": 5, "prompt": 5}, follow_redirects=False)
            assert answer.status_code == 422, form
    assert server.client.get("/v1/engines/styles//x").status_code == 404
    assert server.client.get("/nothing/").status_code == 404


@pytest.mark.contract("2/no-content-type")
def test_json_is_read_whether_or_not_it_is_called_so(server: Running) -> None:
    request = server.client.build_request("POST", GENERATE, content=json.dumps(SMALL | {"prompt": "a cup"}))
    assert "content-type" not in request.headers
    answer = server.client.send(request)
    assert answer.status_code == 200, answer.text
    assert answer.json()["req_params"]["prompt"] == "a cup"


@pytest.mark.contract("0/accept-is-parsed", "3/no-accept")
@pytest.mark.parametrize("accept", [None, "", ";;;", "nonsense", "image"])
def test_without_a_usable_accept_header_the_answer_is_json(server: Running, accept: str | None) -> None:
    request = server.client.build_request("POST", GENERATE, json=SMALL)
    del request.headers["Accept"]
    if accept is not None:
        request.headers["Accept"] = accept
    answer = server.client.send(request)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["task_status"] == "finished"


@pytest.mark.contract("3/accept-image")
def test_a_picture_format_that_is_not_made_becomes_png(server: Running) -> None:
    answer = server.client.post(GENERATE, json=SMALL, headers={"Accept": "image/avif"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")


@pytest.mark.contract("3/priority")
def test_bytes_come_before_events_and_events_before_the_id(server: Running) -> None:
    everything = SMALL | {"stream_output": True, "async_process": True}
    kinds = [
        server.client.post(GENERATE, json=body, headers=headers).headers["content-type"].partition(";")[0]
        for body, headers in (
            (everything, {"Accept": "image/webp"}),
            (everything, {"Accept": "application/json"}),
            (everything | {"stream_output": False}, {}),
        )
    ]
    assert kinds == ["image/webp", "text/event-stream", "application/json"]


@pytest.mark.contract("3/binary-record", "15/save-name", "16/user-agent")
def test_whoever_gets_the_bytes_has_a_record_a_file_and_a_webhook_too(server: Running) -> None:
    with receiver() as told:
        body = SMALL | {"webhook_url": told.url, "save_name": "as bytes", "output_format": "png"}
        answer = server.client.post(GENERATE, json=body, headers={"Accept": "image/webp"})
        (message,) = told.wait(answer.headers["x-task-id"])
    assert message.headers["user-agent"].startswith("Gesso")
    (url,) = message.record["result"]
    assert url.endswith("/as%20bytes-0.webp") or url.endswith("/as bytes-0.webp")
    kept = server.client.get(url).content
    assert kept == answer.content
    assert Image.open(io.BytesIO(kept)).format == "WEBP"


@pytest.mark.contract("3/binary-no-result")
def test_bytes_of_a_picture_that_was_skipped_are_204(server: Running) -> None:
    answers: list[httpx.Response] = []
    headers = {"Accept": "image/png"}
    asking = threading.Thread(target=lambda: answers.append(server.client.post(GENERATE, json=SLOW, headers=headers)))
    asking.start()
    control = "/v1/engine/control?action=skip"
    until(lambda: server.client.post(control).json()["message"] == "task skiped")
    asking.join(60)
    assert (answers[0].status_code, answers[0].content) == (204, b"")
    assert server.client.get(f"/tasks/{answers[0].headers['x-task-id']}").json()["result"] == []


@pytest.mark.contract("3/stream-headers", "3/stream-event")
def test_events_have_the_headers_and_the_lines_that_clients_of_fooocusapi_expect(server: Running) -> None:
    answer = server.generate(stream_output=True)
    assert answer.headers["content-type"].replace(" ", "").lower() == "text/event-stream;charset=utf-8"
    assert (answer.headers["cache-control"], answer.headers["x-accel-buffering"]) == ("no-store", "no")
    blocks = answer.text.split("\r\n\r\n")
    assert blocks.pop() == ""
    for number, block in enumerate(blocks, 1):
        identity, data, empty = block.split("\r\n")
        assert identity == f"id: {answer.headers['x-task-id']}:{number}"
        assert {"progress", "preview", "message", "images"} <= set(json.loads(data.removeprefix("data: ")))
        assert empty == "data: "
    assert "\n" not in answer.text.replace("\r\n", "")


@pytest.mark.contract("3/stream-pings")
def test_while_nothing_happens_a_comment_keeps_the_line_alive(server: Running) -> None:
    before = [server.generate(**SLOW, async_process=True).json()["task_id"] for _ in range(5)]
    body = SMALL | {"stream_output": True}
    try:
        with server.client.stream("POST", GENERATE, json=body) as answer:
            begun = time.monotonic()
            line = next(line for line in answer.iter_lines() if line.startswith(":"))
            assert line == ": ping"
            assert 10 < time.monotonic() - begun < 30
    finally:
        for task_id in reversed(before):
            server.client.post(f"/tasks/{task_id}/cancel")


@pytest.mark.contract("3/preview-size")
def test_previews_are_png_whatever_the_output_format(server: Running) -> None:
    fields = {"aspect_ratios_selection": "96*64", "overwrite_step": 200, "image_seed": 5}
    with server.client.stream("POST", GENERATE, json=fields | {"stream_output": True, "output_format": "webp"}) as told:
        events = (json.loads(line[6:]) for line in told.iter_lines() if line.startswith("data: {"))
        shown = next(event["preview"] for event in events if event["preview"])
        assert list(events)[-1]["images"][0].endswith(".webp")
    assert shown.startswith("data:image/png;base64,iVBORw0KGgo")


@pytest.mark.contract("1/storage", "2/inputs", "15/inputs-convert", "3/req-params-images")
def test_what_was_sent_in_can_be_fetched_and_converted(server: Running, photo: Image.Image) -> None:
    shown = server.made(inpaint_input_image=as_text(photo), outpaint_selections=["Left"])["req_params"]
    assert (shown["inpaint_mask_image_upload"], shown["uov_input_image"], shown["enhance_input_image"]) == ("", "", "")
    url = shown["inpaint_input_image"]
    assert url.startswith(f"http://127.0.0.1:{server.port}/inputs/")
    assert url.endswith(f"/{sha256(server.client.get(url).content).hexdigest()}.png")
    for accept, form in (("*/*", "PNG"), ("image/jpeg", "JPEG"), ("image/webp", "WEBP")):
        answer = server.client.get(url, headers={"Accept": accept})
        assert answer.headers["content-type"] == f"image/{form.lower()}"
        assert Image.open(io.BytesIO(answer.content)).format == form
    missing = server.client.get(f"/inputs/{'0' * 64}.png")
    assert missing.status_code == 404


@pytest.mark.contract("3/req-params-tab")
def test_the_record_shows_the_tab_that_was_chosen(server: Running, photo: Image.Image) -> None:
    shown = server.made(current_tab="ip", input_image_checkbox=False)["req_params"]
    assert (shown["current_tab"], shown["input_image_checkbox"]) == ("ip", True)
    varied = server.made(current_tab="ip", uov_input_image=as_text(photo), uov_method="Vary (Subtle)")["req_params"]
    assert varied["current_tab"] == "uov"


@pytest.mark.contract("3/req-params-seed", "3/seeds-precision")
def test_the_record_shows_the_seed_that_was_drawn(server: Running) -> None:
    record = server.made(image_number=2, image_seed=-1)
    drawn = record["req_params"]["image_seed"]
    assert 0 <= drawn < 2**53
    assert record["result_seeds"] == [drawn, drawn + 1]
    assert server.client.get(f"/tasks/{record['task_id']}").json()["req_params"]["image_seed"] == drawn


@pytest.mark.contract("18/older-routes")
@pytest.mark.parametrize("path", ["/v1/generation/text-to-image", "/v2/generation/image-inpaint-outpaint", "/ping"])
def test_the_older_api_is_not_spoken_and_says_so(server: Running, path: str) -> None:
    answer = server.client.post(path, json={})
    assert (answer.status_code, answer.json()["detail"]) == (404, "Not Found")
