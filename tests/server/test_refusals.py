"""What cannot be done is said before anything is queued, with the field's name and the reason."""

import json
import socket
from typing import Any

import pytest
from PIL import Image

from configs.settings import LIMITS, ROOT
from tests.server.running import GENERATE, Running, as_text, free_port

DOT = as_text(Image.new("RGB", (8, 8)))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("refiner_model_name", "other.safetensors"),
        ("controlnet_image", [{"cn_img": DOT}]),
        ("enhance_input_image", DOT),
    ],
)
def test_what_comes_later_is_501_and_names_the_field(server: Running, field: str, value: Any) -> None:
    answer = server.generate(**{field: value})
    assert answer.status_code == 501
    assert answer.json()["field"] == field
    assert field in answer.json()["detail"]


@pytest.mark.contract("5/uov")
def test_a_disabled_uov_method_hides_nothing(server: Running) -> None:
    assert server.generate(uov_input_image=DOT, uov_method="Disabled").status_code == 200


@pytest.mark.contract("0/seeds", "0/unknown-names", "2/validation", "2/strict-texts")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("image_number", 0),
        ("image_number", 33),
        ("image_seed", 2**63),
        ("guidance_scale", 0.5),
        ("performance_selection", "Fast"),
        ("aspect_ratios_selection", "wide"),
        ("aspect_ratios_selection", "0*64"),
        ("aspect_ratios_selection", "64*9000"),
        ("outpaint_selections", ["left"]),
        ("output_format", "gif"),
        ("prompt", 5),
        ("sampler_name", "eulr"),
        ("preset", "startr"),
        ("base_model_name", "no-such-model.safetensors"),
    ],
)
def test_values_out_of_range_are_422_and_name_the_field(server: Running, field: str, value: Any) -> None:
    answer = server.generate(**{field: value})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][:2] == ["body", field]


@pytest.mark.parametrize("text", ['{"guidance_scale": NaN}', '{"prompt": "\\ud800"}', "{", "[]", "5", ""])
def test_what_is_no_proper_json_is_422(server: Running, text: str) -> None:
    answer = server.client.post(GENERATE, content=text, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["detail"]


def test_complaints_do_not_echo_megabytes(server: Running) -> None:
    answer = server.generate(image_number="x" * 5_000_000)
    assert answer.status_code == 422
    assert len(answer.content) < 10_000


@pytest.mark.contract("0/bad-pictures", "0/missing-halves", "0/mask-of-another-size", "4/bad-image-values", "5/inpaint")
@pytest.mark.parametrize(
    "fields",
    [
        {"inpaint_mask_image_upload": DOT},
        {"outpaint_selections": ["Left"]},
        {"inpaint_input_image": DOT},
        {"inpaint_input_image": DOT, "inpaint_mask_image_upload": DOT},
        {"inpaint_input_image": DOT, "inpaint_mask_image_upload": as_text(Image.new("L", (16, 8), 255))},
        {"inpaint_input_image": "not base64!", "outpaint_selections": ["Left"]},
        {"inpaint_input_image": "aGVsbG8=", "outpaint_selections": ["Left"]},
        {"inpaint_input_image": DOT[: len(DOT) // 2], "outpaint_selections": ["Left"]},
        {"inpaint_input_image": f"http://127.0.0.1:{free_port()}/x.png", "outpaint_selections": ["Left"]},
        {"inpaint_input_image": "http://", "outpaint_selections": ["Left"]},
    ],
)
def test_pictures_that_are_missing_or_no_pictures_are_422(server: Running, fields: dict[str, Any]) -> None:
    answer = server.generate(**fields)
    assert answer.status_code == 422, answer.text
    assert answer.json()["detail"][0]["loc"][1].startswith("inpaint_")


@pytest.mark.contract("0/limits")
def test_a_picture_with_too_many_pixels_is_413_before_it_is_decoded(server: Running) -> None:
    huge = as_text(Image.new("1", (8190, 8190)))
    answer = server.generate(inpaint_input_image=huge, outpaint_selections=["Left"])
    assert answer.status_code == 413
    assert "8190×8190" in answer.json()["detail"]


@pytest.mark.contract("0/limits")
def test_a_body_that_says_it_is_too_large_is_413_before_it_is_sent(server: Running) -> None:
    head = f"POST {GENERATE} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as line:
        line.sendall(f"{head}{LIMITS.max_body + 1}\r\n\r\n".encode())
        assert line.recv(1000).startswith(b"HTTP/1.1 413")


def test_a_body_that_grows_too_large_is_413(server: Running) -> None:
    chunks = (b" " * (1 << 22) for _ in range((LIMITS.max_body >> 22) + 1))
    answer = server.client.post(GENERATE, content=chunks, headers={"Content-Type": "application/json"})
    assert answer.status_code == 413


@pytest.mark.contract("0/bad-pictures")
def test_an_error_never_reaches_the_queue(server: Running) -> None:
    before = server.made()["id"]
    assert server.generate(image_number=0).status_code == 422
    assert server.generate(inpaint_input_image="!").status_code == 422
    assert server.made()["id"] == before + 1


def test_a_repository_is_424_with_the_command_that_fetches_it_and_nothing_else_is(server: Running) -> None:
    answer = server.generate(base_model_name="somebody/some-model")
    assert (answer.status_code, answer.json()["field"]) == (424, "base_model_name")
    assert "launch.py download somebody/some-model" in answer.json()["detail"]
    for name in ("somebody/some-model.safetensors", "a/b/c", "../x", "somebody/.."):
        assert server.generate(base_model_name=name).status_code == 422


@pytest.mark.contract("0/defaults-give-way", "4/base_model_name")
def test_a_missing_known_checkpoint_is_424_with_the_way_to_get_it(server: Running) -> None:
    known = json.loads((ROOT / "configs" / "checkpoints.json").read_text())
    name = next(name for name, told in known.items() if not told.get("default"))
    answer = server.generate(base_model_name=name)
    assert answer.status_code == 424
    assert answer.json()["field"] == "base_model_name"
