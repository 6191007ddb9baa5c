"""Variations over HTTP."""

import numpy as np
import pytest
from PIL import Image

from tests.server.running import Running, as_text


def _varied(server: Running, photo: Image.Image, method: str, **more: object) -> tuple[np.ndarray, dict]:
    record = server.made(uov_input_image=as_text(photo), uov_method=method, image_seed=3, overwrite_step=4, **more)
    return np.asarray(server.picture(record["result"][0])), record


@pytest.mark.contract("7/vary-subtle", "7/vary-strong")
@pytest.mark.parametrize(("method", "strength"), [("Vary (Subtle)", 0.5), ("Vary (Strong)", 0.85)])
def test_each_method_has_its_strength(server: Running, photo: Image.Image, method: str, strength: float) -> None:
    _, record = _varied(server, photo, method)
    assert record["effective_params"]["task"] == "vary"
    assert record["effective_params"]["strength"] == strength
    assert record["req_params"]["current_tab"] == "uov"
    assert record["req_params"]["uov_input_image"].endswith(".png")


def test_a_variation_comes_from_the_picture_and_from_the_seed(server: Running, photo: Image.Image) -> None:
    subtle, record = _varied(server, photo, "Vary (Subtle)")
    other_picture, _ = _varied(server, photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT), "Vary (Subtle)")
    assert (subtle != other_picture).any()
    again, _ = _varied(server, photo, "Vary (Subtle)")
    np.testing.assert_array_equal(subtle, again)
    two = server.made(uov_input_image=as_text(photo), uov_method="Vary (Subtle)", image_seed=3, image_number=2)
    first, second = (np.asarray(server.picture(url)) for url in two["result"])
    assert (first != second).any()
    assert record["result_seeds"] == [3]


@pytest.mark.contract("7/vary-overwrite")
def test_overwrite_vary_strength_takes_the_methods_place(server: Running, photo: Image.Image) -> None:
    usual, _ = _varied(server, photo, "Vary (Subtle)")
    weak, record = _varied(server, photo, "Vary (Subtle)", overwrite_vary_strength=0.2)
    assert record["effective_params"]["strength"] == 0.2
    assert (usual != weak).any()


@pytest.mark.contract("7/vary-size")
@pytest.mark.parametrize(
    ("size", "expected"), [((64, 64), (64, 64)), ((30, 20), (78, 52)), ((400, 200), (181, 91)), ((160, 20), (181, 23))]
)
def test_the_size_keeps_the_shape_within_what_the_checkpoint_paints(
    server: Running, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    record = server.made(uov_input_image=as_text(Image.new("RGB", size, "red")), uov_method="Vary (Strong)")
    made = server.picture(record["result"][0])
    assert made.size == expected
    assert any("The variation has" in warning for warning in record["warnings"]) == (made.size != size)


def test_an_inpaint_image_beside_it_is_told_to_be_unused(server: Running, photo: Image.Image) -> None:
    _, record = _varied(server, photo, "Vary (Subtle)", inpaint_input_image=as_text(photo))
    assert any("inpaint_input_image was not used" in warning for warning in record["warnings"])


def test_vary_without_a_picture_makes_one_from_words_and_says_so(server: Running) -> None:
    record = server.made(uov_method="Vary (Subtle)")
    assert record["effective_params"]["task"] == "text_to_image"
    assert any("uov_input_image is missing" in warning for warning in record["warnings"])


def test_a_strip_is_too_narrow_for_a_variation(server: Running) -> None:
    answer = server.generate(uov_input_image=as_text(Image.new("RGB", (900, 100))), uov_method="Vary (Subtle)")
    assert answer.status_code == 422
    assert "too narrow" in answer.text
    assert "uov_input_image" in answer.text
