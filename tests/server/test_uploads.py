"""Pictures as files: what `POST /v1/inputs` keeps is what base64 would have been."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.server.running import GENERATE, Running, as_text

INPUTS = "/v1/inputs"


def as_file(picture: Image.Image, form: str = "PNG", **more: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **more)
    return buffer.getvalue()


def sent(server: Running, *contents: bytes) -> Any:
    files = [("files", (f"{place}.bin", content)) for place, content in enumerate(contents)]
    return server.client.post(INPUTS, files=files)


def test_uploaded_files_go_into_any_field_and_give_the_same_pixels_as_base64(
    server: Running, photo: Image.Image, box_mask: Image.Image
) -> None:
    answer = sent(server, as_file(photo), as_file(box_mask, "WEBP", lossless=True))
    assert answer.status_code == 201
    image, mask = answer.json()
    assert (image["width"], image["height"], image["name"]) == (72, 56, "0.bin")
    assert image["url"] == f"http://127.0.0.1:{server.port}/inputs/{image['sha256']}.png"
    assert np.array_equal(np.asarray(server.picture(image["url"])), np.asarray(photo))
    small = {"overwrite_step": 2, "image_seed": 5, "deterministic": True}
    pixels = []
    for fields in (
        {"inpaint_input_image": image["url"], "inpaint_mask_image_upload": mask["url"]},
        {"inpaint_input_image": as_text(photo), "inpaint_mask_image_upload": as_text(box_mask)},
    ):
        record = server.client.post(GENERATE, json=small | fields).json()
        pixels.append(np.asarray(server.picture(record["result"][0])))
    assert np.array_equal(pixels[0], pixels[1])


def test_it_is_kept_upright_and_without_alpha_and_once(server: Running) -> None:
    lying = Image.new("RGB", (40, 20), "red")
    turned = Image.Exif()
    turned[0x0112] = 6
    clear = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    told = sent(server, as_file(lying, "JPEG", exif=turned), as_file(clear), as_file(clear)).json()
    assert (told[0]["width"], told[0]["height"]) == (20, 40)
    assert server.picture(told[1]["url"]).getpixel((0, 0)) == (255, 255, 255)
    assert told[1]["url"] == told[2]["url"]


@pytest.mark.parametrize(
    ("content", "status", "says"),
    [
        (b"no picture", 422, "files[1] is no picture"),
        (b"", 422, "files[1] is empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 422, "SVG"),
        (as_file(Image.new("1", (8193, 8))), 413, "8192 a side"),
    ],
    ids=["text", "empty", "svg", "wide"],
)
def test_what_is_no_picture_is_refused_by_its_place(
    server: Running, photo: Image.Image, content: bytes, status: int, says: str
) -> None:
    answer = sent(server, as_file(photo), content)
    assert answer.status_code == status
    assert says in answer.text
    assert "files[1]" in answer.text


def test_what_is_too_heavy_is_413(server: Running) -> None:
    assert sent(server, b"x" * (128 * 1024 * 1024 + 1)).status_code == 413


@pytest.mark.parametrize(
    "how",
    [
        {"files": {"picture": ("a.png", b"x")}},
        {"files": [("files", ("a.png", b"x")), ("mask", ("b.png", b"x"))]},
        {"data": {"files": "text"}},
        {"json": {"files": []}},
        {"content": b"--x", "headers": {"Content-Type": "multipart/form-data; boundary=y"}},
        {"content": b"", "headers": {"Content-Type": "multipart/form-data"}},
    ],
    ids=["other name", "one too many", "no file", "json", "broken", "no boundary"],
)
def test_what_is_no_upload_is_refused(server: Running, how: dict[str, Any]) -> None:
    answer = server.client.post(INPUTS, **how)
    assert answer.status_code in (400, 422)
    assert "detail" in answer.json()
