"""Section 11: the mask tool with rembg's models."""

import base64
import io
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.server.running import Running, as_text

MASK = "/v1/tools/generate_mask"
MODELS = ("u2net", "u2netp", "u2net_human_seg", "silueta", "isnet-general-use", "isnet-anime")


@pytest.fixture(scope="module")
def scene() -> Image.Image:
    """72 × 56: a red, a green and a blue box on black."""
    picture = Image.new("RGB", (72, 56))
    for place, colour in enumerate(("red", "lime", "blue")):
        picture.paste(colour, (4 + 24 * place, 8, 20 + 24 * place, 40))
    return picture


def mask(server: Running, **fields: Any) -> np.ndarray:
    answer = server.client.post(MASK, json=fields)
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(answer.json()))))


@contextmanager
def installed(models: Path, name: str) -> Iterator[None]:
    """A file by the name of one of rembg's models, for a while."""
    file = models / "rembg" / f"{name}.onnx"
    shutil.copy(models / "rembg" / "gesso-salient.onnx", file)
    try:
        yield
    finally:
        file.unlink()


@pytest.mark.contract("11/answer", "11/rembg-mask")
def test_the_answer_is_a_bare_text_of_a_grey_png_in_which_white_is_the_object(
    server: Running, scene: Image.Image
) -> None:
    answer = server.client.post(MASK, json={"image": as_text(scene)})
    assert isinstance(answer.json(), str)
    assert not answer.json().startswith("data:")
    made = Image.open(io.BytesIO(base64.b64decode(answer.json())))
    assert (made.format, made.mode, made.size) == ("PNG", "L", scene.size)
    seen = np.asarray(made)
    assert seen[16:32, 8:16].min() > 200
    assert seen[:, 28:].max() < 60
    assert len(np.unique(seen)) > 2


@pytest.mark.contract("11/image")
def test_a_picture_comes_in_every_form_and_the_wrong_one_is_422(
    server: Running, scene: Image.Image, made_png: str
) -> None:
    text = as_text(scene)
    np.testing.assert_array_equal(mask(server, image=text), mask(server, image=f"data:image/png;base64,{text}"))
    assert mask(server, image=made_png).shape == (64, 64)
    for wrong in ("None", "", None, "!", "aGVsbG8="):
        answer = server.client.post(MASK, json={"image": wrong})
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["body", "image"]
    assert server.client.post(MASK, json={}).status_code == 422


@pytest.mark.contract("11/mask_model")
@pytest.mark.parametrize("name", MODELS)
def test_each_of_rembgs_models_runs_by_its_name_once_its_file_is_there(
    server: Running, scene: Image.Image, toy_models: Path, name: str
) -> None:
    asked = {"image": as_text(scene), "mask_model": name}
    if name != "isnet-general-use":
        missing = server.client.post(MASK, json=asked)
        assert missing.status_code == 424
        assert f"launch.py download {name} " in missing.json()["detail"]
    with installed(toy_models, name):
        answer = server.client.post(MASK, json=asked)
    assert answer.status_code == 200, answer.text
    assert json.loads(answer.headers["x-gesso-effective-params"])["mask_model"] == name
    seen = np.asarray(Image.open(io.BytesIO(base64.b64decode(answer.json()))))
    assert seen[24, 12] > 200
    assert seen[24, 60] < 60


@pytest.mark.contract("11/mask_model")
def test_an_unknown_model_is_refused_with_the_nearest(server: Running, scene: Image.Image) -> None:
    answer = server.client.post(MASK, json={"image": as_text(scene), "mask_model": "u2nett"})
    assert answer.status_code == 422
    assert "u2net" in answer.json()["detail"][0]["msg"]


@pytest.mark.contract("11/default-model")
def test_fooocusapis_default_gives_way_to_the_presets_own(server: Running, scene: Image.Image) -> None:
    answer = server.client.post(MASK, json={"image": as_text(scene), "mask_model": "isnet-general-use"})
    assert json.loads(answer.headers["x-gesso-effective-params"])["mask_model"] == "gesso-salient"
    assert "isnet-general-use" in answer.headers["x-gesso-warnings"]
