"""Text to image over HTTP: the record, the file, its name and what stands in it."""

import base64
import io
import json
import re
from datetime import date
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image

from tests.server.running import GENERATE, Running


def test_an_empty_request_makes_one_picture_of_the_presets_own_size(server: Running) -> None:
    answer = server.client.post(GENERATE, json={"overwrite_step": 1})
    record = answer.json()
    assert answer.status_code == 200
    assert len(record["result"]) == 1
    assert server.picture(record["result"][0]).size == (256, 256)


@pytest.mark.contract(
    "0/warnings-and-effective-params",
    "3/record-keys",
    "3/status-finished",
    "3/req-params-ratio",
    "3/req-params-padding",
)
def test_the_record_has_the_keys_that_clients_of_fooocusapi_read(server: Running) -> None:
    record = server.made(prompt="a red ball")
    assert record["task_status"] == "finished"
    assert record["progress"] == 100
    assert re.fullmatch(r"[0-9a-f]{32}", record["task_id"])
    assert record["in_queue_mills"] <= record["start_mills"] <= record["finish_mills"]
    assert record["req_params"]["prompt"] == "a red ball"
    assert record["req_params"]["aspect_ratios_selection"] == "64×64"
    assert len(record["req_params"]["controlnet_image"]) == 4
    assert len(record["req_params"]["enhance_ctrls"]) == 3
    assert record["effective_params"]["steps"] == 1
    assert record["webhook_url"] == ""
    assert "preview" not in record


@pytest.mark.contract("0/both-forms-of-the-route", "2/generate-slash", "2/generate-plain")
def test_both_forms_of_the_route_answer_directly(server: Running) -> None:
    for path in (GENERATE, f"{GENERATE}/"):
        answer = server.client.post(path, json={"aspect_ratios_selection": "64×64", "overwrite_step": 1})
        assert answer.status_code == 200


@pytest.mark.contract("3/result-urls", "15/names")
def test_the_file_lies_in_its_day_under_a_name_made_from_the_time(server: Running) -> None:
    url = server.made()["result"][0]
    pattern = rf"http://127\.0\.0\.1:{server.port}/outputs/(\d{{4}}-\d\d-\d\d)/(\1_\d\d-\d\d-\d\d_\d{{4}}\.png)"
    match = re.fullmatch(pattern, url)
    assert match
    assert (server.outputs / match[1] / match[2]).is_file()


@pytest.mark.contract("0/seeds", "3/req-params-seed")
def test_every_picture_has_its_own_seed_and_the_seeds_are_told(server: Running) -> None:
    record = server.made(image_number=2, image_seed=2**53 + 1)
    assert record["result_seeds"] == [2**53 + 1, 2**53 + 2]
    assert record["req_params"]["image_seed"] == 2**53 + 1
    first, second = (np.asarray(server.picture(url)) for url in record["result"])
    assert (first != second).any()


@pytest.mark.contract("2/lenient-booleans")
def test_seeds_stay_when_the_increment_is_disabled(server: Running) -> None:
    record = server.made(image_number=2, image_seed=5, disable_seed_increment="true")
    assert record["result_seeds"] == [5, 5]


@pytest.mark.contract("0/seeds", "3/seeds-precision", "3/req-params-seed", "4/image_seed")
def test_a_drawn_seed_is_one_that_javascript_can_hold_and_repeats_the_picture(server: Running) -> None:
    first = server.made(prompt="a boat", deterministic=True)
    seed = first["result_seeds"][0]
    assert 0 <= seed < 2**53
    again = server.made(prompt="a boat", image_seed=seed, deterministic=True)
    one, other = (np.asarray(server.picture(record["result"][0])) for record in (first, again))
    np.testing.assert_array_equal(one, other)


def test_a_png_tells_prompt_seed_and_size(server: Running) -> None:
    record = server.made(prompt="zwölf 🎈 \x00", image_seed=3)
    told = json.loads(server.picture(record["result"][0]).info["gesso"])["request"]
    assert told["prompt"] == "zwölf 🎈 \x00"
    assert (told["image_seed"], told["aspect_ratios_selection"]) == (3, "64*64")


def test_metadata_is_left_out_when_asked(server: Running) -> None:
    record = server.made(save_metadata_to_images=False)
    assert "gesso" not in server.picture(record["result"][0]).info


@pytest.mark.parametrize(("asked", "kept"), [("jpeg", "JPEG"), ("jpg", "JPEG"), ("webp", "WEBP"), ("png", "PNG")])
def test_the_output_format_is_the_one_asked_for(server: Running, asked: str, kept: str) -> None:
    record = server.made(output_format=asked, prompt="a tree")
    picture = server.picture(record["result"][0])
    assert picture.format == kept
    if kept != "PNG":
        assert b'"prompt": "a tree"' in picture.getexif().get_ifd(0x8769)[0x9286]
        assert '"prompt": "a tree"' in picture.getexif()[0x9286]


@pytest.mark.contract("0/save-name-stays-inside", "15/save-name")
def test_a_wished_name_is_used_and_never_overwrites(server: Running) -> None:
    names = [unquote(server.made(save_name="my cat")["result"][0].split("/")[-1]) for _ in range(2)]
    assert names == ["my cat-0.png", "my cat-0-2.png"]
    assert (server.outputs / date.today().isoformat() / names[0]).is_file()


@pytest.mark.contract("0/save-name-stays-inside")
@pytest.mark.parametrize("name", ["../x", "a/b", "a\\b", ".hidden", "c:x", "nul\x00", "x" * 121, "ü" * 110])
def test_a_name_that_could_leave_the_folder_is_refused(server: Running, name: str) -> None:
    answer = server.generate(save_name=name)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "save_name"]


@pytest.mark.contract("0/require-base64")
def test_base64_comes_along_when_required(server: Running) -> None:
    record = server.made(require_base64=True)
    sent = Image.open(io.BytesIO(base64.b64decode(record["result_base64"][0])))
    np.testing.assert_array_equal(np.asarray(sent), np.asarray(server.picture(record["result"][0])))
    assert "result_base64" not in server.made()


@pytest.mark.contract("0/unknown-fields")
def test_unknown_fields_are_named_with_the_nearest_known_one(server: Running) -> None:
    warnings = server.made(promt="a cat")["warnings"]
    assert any('"promt"' in warning and '"prompt"' in warning for warning in warnings)


@pytest.mark.contract("0/defaults-give-way")
def test_a_request_full_of_fooocusapi_defaults_works(server: Running) -> None:
    defaults = server.made()["req_params"]
    defaults["loras"] = [{"enabled": True, "model_name": "sd_xl_offset_example-lora_1.0.safetensors", "weight": 0.1}]
    answer = server.client.post(GENERATE, json=defaults | {"overwrite_step": 1, "aspect_ratios_selection": "64*64"})
    assert answer.status_code == 200, answer.text
    assert any("juggernaut" in warning for warning in answer.json()["warnings"])


@pytest.mark.contract("2/task", "14/task-by-id")
def test_the_record_can_be_read_later(server: Running) -> None:
    record = server.made(prompt="later")
    answer = server.client.get(f"/tasks/{record['task_id']}")
    assert answer.json() == record


@pytest.mark.contract("0/unknown-task", "14/unknown-id")
def test_an_unknown_task_is_404(server: Running) -> None:
    answer = server.client.get("/tasks/0123")
    assert answer.status_code == 404
    assert "0123" in answer.json()["detail"]
