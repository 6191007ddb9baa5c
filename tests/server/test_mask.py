"""`/v1/tools/generate_mask` over HTTP, with a real (toy) ONNX model that sees what is red."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from tests.server.running import Running, as_text

MASK = "/v1/tools/generate_mask"


@pytest.fixture(scope="module")
def red_box() -> Image.Image:
    """A red box at (16, 8) to (48, 40) on white, 72 × 56."""
    picture = Image.new("RGB", (72, 56), "white")
    picture.paste("red", (16, 8, 48, 40))
    return picture


@pytest.mark.contract("2/generate_mask")
def test_the_answer_is_a_bare_base64_string_of_a_grey_png_of_the_same_size(
    server: Running, red_box: Image.Image
) -> None:
    answer = server.client.post(MASK, json={"image": as_text(red_box)})
    assert answer.status_code == 200, answer.text
    mask = Image.open(io.BytesIO(base64.b64decode(answer.json())))
    assert (mask.format, mask.mode, mask.size) == ("PNG", "L", red_box.size)
    seen = np.asarray(mask)
    assert seen[20:30, 28:38].min() > 200
    assert seen[46:, :].max() < 50


def test_an_image_is_answered_with_an_image(server: Running, red_box: Image.Image) -> None:
    for accept, form in (("image/png", "PNG"), ("image/webp, image/png;q=0.5", "WEBP"), ("image/*", "PNG")):
        answer = server.client.post(MASK, json={"image": as_text(red_box)}, headers={"Accept": accept})
        assert answer.headers["content-type"] == f"image/{form.lower()}"
        assert Image.open(io.BytesIO(answer.content)).format == form


@pytest.mark.contract("0/defaults-give-way", "0/warnings-and-effective-params", "11/default-model")
def test_fallbacks_are_told_in_a_header(server: Running, red_box: Image.Image) -> None:
    body = {"image": as_text(red_box), "mask_model": "isnet-general-use", "cloth_categori": "full"}
    answer = server.client.post(MASK, json=body)
    warnings = json.loads(answer.headers["x-gesso-warnings"])
    assert any("isnet-general-use" in warning for warning in warnings)
    assert any("cloth_category" in warning for warning in warnings)
    assert json.loads(answer.headers["x-gesso-effective-params"])["mask_model"] == "gesso-salient"


def test_the_mask_of_a_picture_is_its_inpaint_mask(server: Running, red_box: Image.Image) -> None:
    text = as_text(red_box)
    mask = server.client.post(MASK, json={"image": text}).json()
    record = server.made(inpaint_input_image=text, inpaint_mask_image_upload=mask)
    after = np.asarray(server.picture(record["result"][0]))
    np.testing.assert_array_equal(after[48:], np.asarray(red_box)[48:])


@pytest.mark.contract("0/sam-without-words")
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"image": "None"}, 422),
        ({"image": "!"}, 422),
        ({"mask_model": "sam"}, 422),
        ({"mask_model": "u2nett"}, 422),
        ({"mask_model": "u2net"}, 424),
        ({"box_threshold": 2}, 422),
        ({"cloth_category": "hat"}, 422),
    ],
)
def test_what_cannot_be_done_is_refused(
    server: Running, red_box: Image.Image, body: dict[str, object], status: int
) -> None:
    sent = body if "image" in body or not body else body | {"image": as_text(red_box)}
    answer = server.client.post(MASK, json=sent)
    assert answer.status_code == status, answer.text
