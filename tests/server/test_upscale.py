"""Upscaling over HTTP, with upscalers that were never trained, and with Gesso's own."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from configs.settings import Settings
from pipelines import upscalers
from tests.server.running import Running, as_text, ready
from tests.toy_masks import red_finder
from tests.toy_upscalers import compact
from tests.toys import stable_diffusion


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("upscaling")
    stable_diffusion(folder / "checkpoints" / "gesso-starter", unet_channels=9)
    red_finder(folder / "rembg" / "gesso-salient.onnx")
    compact(folder / "upscale_models" / "first_x2.pth")
    compact(folder / "upscale_models" / "other_x4.pth", scale=4, seed=1)
    return folder


@pytest.fixture(scope="module")
def enlarging(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[Running]:
    with ready(tmp_path_factory.mktemp("enlarging"), models) as running:
        yield running


def _made(server: Running, photo: Image.Image, method: str, **more: object) -> tuple[np.ndarray, dict]:
    asked = {"uov_input_image": as_text(photo), "uov_method": method, "image_seed": 1} | more
    record = server.made(**asked)
    return np.asarray(server.picture(record["result"][0])), record


@pytest.mark.contract("7/upscale-fast")
@pytest.mark.parametrize("name", ["first_x2.pth", "other_x4.pth"])
def test_fast_2x_is_the_upscalers_own_picture(enlarging: Running, models: Path, photo: Image.Image, name: str) -> None:
    made, record = _made(enlarging, photo, "Upscale (Fast 2x)", upscale_model=name, image_number=3)
    large = upscalers.load(name, Settings(models_path=models), "cpu").enlarge(np.asarray(photo))
    expected = Image.fromarray(large).resize((144, 112), Image.Resampling.LANCZOS) if name == "other_x4.pth" else large
    np.testing.assert_allclose(made.astype(int), np.asarray(expected), atol=1)
    assert len(record["result"]) == 1
    assert any("One picture instead of 3" in warning for warning in record["warnings"])
    assert record["effective_params"]["upscaler"] == name
    assert record["effective_params"]["paints"] is False


@pytest.mark.contract("7/upscale-factors")
@pytest.mark.contract("0/custom-factor")
@pytest.mark.parametrize(
    ("method", "more", "size"),
    [
        ("Upscale (1.5x)", {}, (108, 84)),
        ("Upscale (2x)", {}, (144, 112)),
        ("Upscale (Custom)", {"upscale_multiple": 1.2}, (86, 67)),
        ("Upscale (Custom)", {"upscale_multiple": 2.2}, (158, 123)),
    ],
)
def test_the_size_is_exactly_what_was_asked(
    enlarging: Running, photo: Image.Image, method: str, more: dict, size: tuple[int, int]
) -> None:
    made, record = _made(enlarging, photo, method, **more)
    assert (made.shape[1], made.shape[0]) == size
    assert record["effective_params"]["task"] == "upscale"
    assert record["effective_params"]["paints"] is True
    assert record["effective_params"]["strength"] == 0.382


@pytest.mark.contract("7/upscale-diffusion")
def test_painting_over_changes_the_upscalers_picture_and_heeds_its_strength(
    enlarging: Running, photo: Image.Image
) -> None:
    fast, _ = _made(enlarging, photo, "Upscale (Fast 2x)")
    usual, _ = _made(enlarging, photo, "Upscale (2x)", overwrite_step=5)
    strong, record = _made(enlarging, photo, "Upscale (2x)", overwrite_step=5, overwrite_upscale_strength=0.9)
    assert (fast != usual).any()
    assert (usual != strong).any()
    assert record["effective_params"]["strength"] == 0.9


@pytest.mark.contract("7/upscale-diffusion")
def test_steps_of_the_mode_are_fewer_for_upscaling(enlarging: Running, photo: Image.Image) -> None:
    _, record = _made(
        enlarging, photo, "Upscale (1.5x)", overwrite_step=-1, performance_selection="Speed", preset="starter"
    )
    assert record["effective_params"]["steps"] == 18


@pytest.mark.contract("7/upscale-too-large")
def test_too_large_to_paint_over_is_the_upscalers_own_and_says_so(enlarging: Running, photo: Image.Image) -> None:
    made, record = _made(enlarging, photo, "Upscale (Custom)", upscale_multiple=4.2)
    assert made.shape == (235, 302, 3)
    assert record["effective_params"]["paints"] is False
    assert any("more than the checkpoint can paint over" in warning for warning in record["warnings"])


@pytest.mark.contract("7/upscale-minimum")
def test_a_small_picture_is_raised_to_the_native_area(enlarging: Running) -> None:
    made, record = _made(enlarging, Image.new("RGB", (16, 16), "red"), "Upscale (1.5x)")
    assert made.shape == (64, 64, 3)
    assert any("area that the checkpoint is made for" in warning for warning in record["warnings"])


def test_an_unknown_upscaler_is_refused_with_the_nearest(enlarging: Running, photo: Image.Image) -> None:
    answer = enlarging.generate(uov_input_image=as_text(photo), uov_method="Upscale (2x)", upscale_model="frist_x2.pth")
    assert answer.status_code == 422
    assert "first_x2.pth" in answer.text
    assert answer.json()["detail"][0]["loc"] == ["body", "upscale_model"]


@pytest.mark.parametrize(
    ("multiple", "upscaler"), [(1.2, "first_x2.pth"), (2.0, "first_x2.pth"), (2.2, "other_x4.pth"), (5, "other_x4.pth")]
)
def test_the_smallest_scale_that_is_enough_is_taken(
    enlarging: Running, photo: Image.Image, multiple: float, upscaler: str
) -> None:
    _, record = _made(enlarging, photo, "Upscale (Custom)", upscale_multiple=multiple)
    assert record["effective_params"]["upscaler"] == upscaler


def test_gessos_own_upscaler_takes_its_place_where_a_user_has_none(server: Running, photo: Image.Image) -> None:
    made, record = _made(server, photo, "Upscale (Fast 2x)")
    assert record["effective_params"]["upscaler"] == "gesso-starter-x2.safetensors"
    assert record["warnings"] == []
    large = upscalers.load("gesso-starter-x2.safetensors", Settings(), "cpu").enlarge(np.asarray(photo))
    np.testing.assert_allclose(made.astype(int), large, atol=1)


def test_the_stream_says_that_it_enlarges(enlarging: Running, photo: Image.Image) -> None:
    asked = {"uov_input_image": as_text(photo), "uov_method": "Upscale (Fast 2x)", "stream_output": True}
    assert "Upscaling image from (72, 56)" in enlarging.generate(**asked).text
