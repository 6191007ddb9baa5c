"""The examples that FooocusAPI's documentation gives its users, as their scripts do them: nothing here knows Gesso."""

import base64
import io
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.server.receiving import receiver
from tests.server.running import Running

HEADERS = {"Accept": "*/*", "User-Agent": "python-requests/2.32"}
"""What `requests.post(url, data=json.dumps(body))` sends: no content type."""

ALL_OF_IT: dict[str, Any] = {
    "prompt": "a red ball on a meadow\nsunlight",
    "negative_prompt": "blurry",
    "style_selections": ["Fooocus V2", "Fooocus Enhance", "Fooocus Sharp"],
    "performance_selection": "Speed",
    "aspect_ratios_selection": "1152*896",
    "image_number": 1,
    "output_format": "png",
    "image_seed": -1,
    "read_wildcards_in_order": False,
    "sharpness": 2,
    "guidance_scale": 4,
    "base_model_name": "juggernautXL_v8Rundiffusion.safetensors",
    "refiner_model_name": "None",
    "refiner_switch": 0.5,
    "loras": [
        {"enabled": True, "model_name": "sd_xl_offset_example-lora_1.0.safetensors", "weight": 0.1},
        *[{"enabled": True, "model_name": "None", "weight": 1.0}] * 4,
    ],
    "input_image_checkbox": False,
    "current_tab": "uov",
    "uov_method": "Disabled",
    "uov_input_image": "None",
    "outpaint_selections": [],
    "outpaint_distance": [0, 0, 0, 0],
    "inpaint_input_image": "None",
    "inpaint_mask_image_upload": "None",
    "inpaint_additional_prompt": "",
    "controlnet_image": [{"cn_img": "None", "cn_stop": 0.6, "cn_weight": 0.6, "cn_type": "ImagePrompt"}],
    "enhance_input_image": "None",
    "enhance_checkbox": False,
    "enhance_ctrls": [],
    "metadata_scheme": "fooocus",
    "save_name": "",
    "preset": "initial",
    "stream_output": False,
    "require_base64": False,
    "async_process": False,
    "webhook_url": "",
}
"""A script that spells every field out, with the values of the documentation."""


class Script:
    """A client of FooocusAPI as a user writes one: it knows the address, and posts dicts as JSON."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.session = httpx.Client(headers=HEADERS, timeout=120, follow_redirects=True, trust_env=False)

    def generate(self, body: dict[str, Any], path: str = "/v1/engine/generate", **headers: str) -> httpx.Response:
        return self.session.post(self.host + path, content=json.dumps(body), headers=headers)

    def images(self, record: dict[str, Any]) -> list[Image.Image]:
        """What the result's URLs give."""
        return [Image.open(io.BytesIO(self.session.get(url).content)) for url in record["result"]]


@pytest.fixture
def script(server: Running) -> Iterator[Script]:
    made = Script(f"http://127.0.0.1:{server.port}")
    yield made
    made.session.close()


def _base64(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode("utf-8")


@pytest.mark.parametrize("path", ["/v1/engine/generate", "/v1/engine/generate/"])
def test_text_to_image_with_every_field_spelled_out(script: Script, path: str) -> None:
    answer = script.generate(ALL_OF_IT, path)
    assert answer.status_code == 200, answer.text
    record = answer.json()
    assert record["task_status"] == "finished"
    assert record["req_params"]["prompt"] == ALL_OF_IT["prompt"]
    assert isinstance(record["req_params"]["image_seed"], int)
    (image,) = script.images(record)
    assert (image.format, image.size) == ("PNG", (1152, 896))
    assert json.loads(image.info["parameters"])["prompt"] == ALL_OF_IT["prompt"]


def test_text_to_image_with_three_fields_and_lightning(script: Script) -> None:
    body = {"prompt": "a boat", "performance_selection": "Lightning", "image_number": 2}
    record = script.generate(body).json()
    assert len(script.images(record)) == 2


def test_upscale_and_vary_from_base64_and_from_a_url(script: Script, photo: Image.Image) -> None:
    first = {"prompt": "", "uov_input_image": _base64(photo), "uov_method": "Upscale (2x)"}
    upscaled = script.generate(first | {"performance_selection": "Lightning"}).json()
    assert script.images(upscaled)[0].size == (144, 112)
    second = {
        "uov_method": "Vary (Subtle)",
        "uov_input_image": upscaled["result"][0],
        "performance_selection": "Lightning",
    }
    varied = script.generate(second).json()
    assert varied["task_status"] == "finished"
    assert script.images(varied)


def test_upscale_by_a_factor_of_ones_own(script: Script, photo: Image.Image) -> None:
    body = {
        "uov_input_image": _base64(photo),
        "uov_method": "Upscale (Custom)",
        "upscale_multiple": 1.75,
        "performance_selection": "Extreme Speed",
    }
    assert script.images(script.generate(body).json())[0].size == (126, 98)


def test_inpaint_with_a_mask_as_data_urls(script: Script, photo: Image.Image, box_mask: Image.Image) -> None:
    body = {
        "prompt": "",
        "inpaint_input_image": f"data:image/png;base64,{_base64(photo)}",
        "inpaint_mask_image_upload": f"data:image/png;base64,{_base64(box_mask.convert('RGB'))}",
        "inpaint_additional_prompt": "a red ball",
        "inpaint_engine": "v2.6",
        "inpaint_strength": 1,
        "inpaint_respective_field": 0.618,
    }
    record = script.generate(body).json()
    assert record["req_params"]["current_tab"] == "inpaint"
    assert record["req_params"]["inpaint_input_image"].startswith(f"{script.host}/inputs/")
    (image,) = script.images(record)
    assert image.size == photo.size
    assert image.getpixel((50, 50)) == photo.getpixel((50, 50))


def test_outpaint_to_all_sides_and_by_distances_of_ones_own(script: Script, photo: Image.Image) -> None:
    body = {"inpaint_input_image": _base64(photo), "outpaint_selections": ["Left", "Right", "Top", "Bottom"]}
    wider = script.images(script.generate(body).json())[0]
    assert wider.size == (72 + 2 * 24, 56 + 2 * 18)
    chosen = script.images(script.generate(body | {"outpaint_distance": [8, 16, 24, 32]}).json())[0]
    assert chosen.size == (72 + 8 + 24, 56 + 16 + 32)
    assert chosen.getpixel((8, 16)) == photo.getpixel((0, 0))


def test_a_stream_is_read_line_by_line(script: Script) -> None:
    body = {"prompt": "a house", "stream_output": True, "performance_selection": "Lightning"}
    events = []
    with script.session.stream("POST", f"{script.host}/v1/engine/generate", content=json.dumps(body)) as answer:
        for line in answer.iter_lines():
            if line.startswith("data: {"):
                events.append(json.loads(line[len("data: ") :]))
    assert [event["progress"] for event in events][-1] == 100
    assert events[-1]["message"] == "Finished"
    assert script.images({"result": events[-1]["images"]})


def test_an_asynchronous_task_is_asked_for_until_it_is_finished(script: Script) -> None:
    told = script.generate({"prompt": "a tree", "async_process": True, "performance_selection": "Lightning"}).json()
    assert (told["id"], told["task_status"], told["result"]) == (-1, "pending", [])
    for _ in range(600):
        record = script.session.get(f"{script.host}/tasks/{told['task_id']}").json()
        if record["task_status"] in ("finished", "stop"):
            break
        assert record["task_status"] in ("pending", "running")
        time.sleep(0.1)
    assert script.images(record)


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_an_image_is_the_answer_itself(script: Script, kind: str) -> None:
    answer = script.generate({"prompt": "a cup", "performance_selection": "Lightning"}, Accept=f"image/{kind}")
    assert answer.headers["Content-Type"] == f"image/{kind}"
    assert Image.open(io.BytesIO(answer.content)).format == kind.upper()


def test_tasks_are_listed_by_page_by_time_and_by_state(script: Script) -> None:
    begin = time.strftime("%Y-%m-%dT%H:%M:%S")
    made = script.generate({"prompt": "listed", "performance_selection": "Lightning"}).json()
    url = f"{script.host}/tasks"
    page = script.session.get(url, params={"query": "history", "page": 0, "page_size": 5}).json()
    assert page["history"][0]["task_id"] == made["task_id"]
    assert (page["current"], page["pending"]) == ([], [])
    since = script.session.get(url, params={"query": "all", "start_at": begin}).json()["history"]
    assert made["task_id"] in [record["task_id"] for record in since]
    one = script.session.get(f"{url}/{made['task_id']}").json()
    assert one["req_params"]["prompt"] == "listed"


def test_a_webhook_gets_the_record(script: Script) -> None:
    with receiver() as told:
        body = {
            "prompt": "told",
            "webhook_url": told.url,
            "async_process": "true",
            "performance_selection": "Lightning",
        }
        task_id = script.generate(body).json()["task_id"]
        (message,) = told.wait(task_id)
    record = json.loads(message.body)
    assert record["task_status"] == "finished"
    assert script.images(record)


def test_a_preset_by_its_name(script: Script) -> None:
    record = script.generate({"prompt": "a dog", "preset": "lightning", "style_selections": []}).json()
    assert record["task_status"] == "finished"
    assert script.images(record)[0].size == (1152, 896)


def test_a_generated_mask_is_the_mask_of_an_inpaint(script: Script) -> None:
    picture = Image.new("RGB", (72, 56), "white")
    picture.paste("red", (16, 8, 48, 40))
    body = {"image": _base64(picture), "mask_model": "isnet-general-use"}
    answer = script.session.post(f"{script.host}/v1/tools/generate_mask", content=json.dumps(body))
    mask = Image.open(io.BytesIO(base64.b64decode(answer.json())))
    assert mask.size == picture.size
    asked = {"inpaint_input_image": body["image"], "inpaint_mask_image_upload": answer.json(), "prompt": "a blue box"}
    (image,) = script.images(script.generate(asked | {"performance_selection": "Lightning"}).json())
    assert image.getpixel((70, 50)) == (255, 255, 255)


def test_a_running_task_is_stopped(script: Script) -> None:
    body = {"prompt": "too long", "image_number": 32, "overwrite_step": 200, "async_process": True}
    task_id = script.generate(body).json()["task_id"]
    control = f"{script.host}/v1/engine/control"
    deadline = time.monotonic() + 60
    while script.session.post(control, params={"action": "stop"}).json()["message"] != "task stoped":
        assert time.monotonic() < deadline
    while (record := script.session.get(f"{script.host}/tasks/{task_id}").json())["task_status"] == "running":
        assert time.monotonic() < deadline
    assert record["task_status"] == "stop"


def test_models_and_styles_are_listed(script: Script) -> None:
    models = script.session.get(f"{script.host}/v1/engines/all-models").json()
    assert set(models) >= {"model_filenames", "lora_filenames"}
    assert "Fooocus V2" in script.session.get(f"{script.host}/v1/engines/styles").json()
