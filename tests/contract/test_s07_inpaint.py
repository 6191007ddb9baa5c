"""Sections 7.1 and 7.2: how inpainting and outpainting go about it."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.contract.looks import Ask, metadata
from tests.server.running import Running, as_text


@pytest.fixture(scope="module")
def inside(box_mask: Image.Image) -> np.ndarray:
    """True where the mask is white."""
    return np.asarray(box_mask) > 0


@pytest.mark.contract("7/inpaint-mask-channels")
def test_a_mask_in_colour_counts_by_its_mean_or_by_its_red(server: Running, ask: Ask, photo: Image.Image) -> None:
    colours = {"red": 255, "blue": 85, "yellow": 255, "cyan": 170, "black": 0, "white": 255}
    mask = Image.new("RGB", photo.size)
    for place, colour in enumerate(colours):
        mask.paste(colour, (place * 12, 0, place * 12 + 12, 56))
    look = ask(inpaint_input_image=as_text(photo), inpaint_mask_image_upload=as_text(mask))
    kept = np.asarray(server.picture(look.record["req_params"]["inpaint_mask_image_upload"]))
    assert [int(kept[20, place * 12 + 6]) for place in range(6)] == list(colours.values())
    changed = (look.pixels != np.asarray(photo)).any(axis=2)
    assert [bool(changed[:, place * 12 : place * 12 + 12].any()) for place in range(6)] == [
        value > 31 for value in colours.values()
    ]


@pytest.fixture(scope="module")
def large(ask: Ask) -> dict[str, Any]:
    """What is used for FooocusAPI's own example: 1024 × 1536, rows 400 to 499 and columns 700 to 899 white, field 0."""
    mask = Image.new("L", (1024, 1536))
    mask.paste(255, (700, 400, 900, 500))
    picture = as_text(Image.new("RGB", (1024, 1536), "green"))
    look = ask(
        inpaint_input_image=picture,
        inpaint_mask_image_upload=as_text(mask),
        inpaint_respective_field=0,
        overwrite_step=1,
    )
    assert look.pixels.shape == (1536, 1024, 3)
    return look.used


@pytest.mark.contract("7/inpaint-crop")
def test_the_crop_around_a_mask_is_fooocus_own(large: dict[str, Any]) -> None:
    assert large["box"] == [686, 336, 913, 563]


@pytest.mark.contract("7/inpaint-crop")
@pytest.mark.parametrize("share", [0.3, 0.618, 0.9])
def test_the_crop_grows_until_it_is_the_share_of_both_sides(ask: Ask, edit: dict[str, str], share: float) -> None:
    left, top, right, bottom = ask(**edit, inpaint_respective_field=share).used["box"]
    assert right - left >= share * 72
    assert bottom - top >= share * 56


@pytest.mark.contract("7/inpaint-crop-scale")
def test_the_crop_is_painted_at_about_the_native_area(large: dict[str, Any]) -> None:
    width, height = large["painted"]
    assert 64 * 64 <= width * height <= 2 * 64 * 64


@pytest.mark.contract("7/inpaint-fill")
def test_at_full_strength_what_is_under_the_mask_does_not_matter(ask: Ask, photo: Image.Image) -> None:
    mask = Image.new("L", (64, 64))
    mask.paste(255, (16, 16, 48, 40))
    picture = photo.resize((64, 64))
    covered = picture.copy()
    covered.paste("red", (16, 16, 48, 40))
    asked = {"inpaint_mask_image_upload": as_text(mask), "inpaint_respective_field": 1, "overwrite_step": 4}
    pictures = [{"inpaint_input_image": as_text(one)} for one in (picture, covered)]
    full = [ask(**asked, **one) for one in pictures]
    part = [ask(**asked, **one, inpaint_strength=0.5) for one in pictures]
    assert full[0].same_as(full[1])
    assert not part[0].same_as(part[1])


@pytest.mark.contract("7/inpaint-latent-mask")
def test_what_is_known_shows_in_what_is_painted(
    ask: Ask, edit: dict[str, str], photo: Image.Image, inside: np.ndarray
) -> None:
    known = np.where(inside[..., None], np.asarray(photo), 40)
    others = edit | {"inpaint_input_image": as_text(Image.fromarray(known.astype(np.uint8)))}
    assert (ask(**edit).pixels[inside] != ask(**others).pixels[inside]).any()


@pytest.mark.contract("7/inpaint-size")
@pytest.mark.parametrize("size", [(37, 91), (64, 64), (301, 203)])
def test_the_answer_has_the_pictures_size(ask: Ask, size: tuple[int, int]) -> None:
    mask = Image.new("L", size)
    mask.paste(255, (5, 5, 25, 25))
    picture = Image.effect_noise(size, 60).convert("RGB")
    look = ask(inpaint_input_image=as_text(picture), inpaint_mask_image_upload=as_text(mask))
    assert look.pixels.shape[1::-1] == size
    np.testing.assert_array_equal(look.pixels[30:], np.asarray(picture)[30:])


@pytest.mark.parametrize(
    ("fields", "used"),
    [
        pytest.param(
            {"inpaint_engine": "None", "inpaint_strength": 0.5, "inpaint_respective_field": 0},
            {"strength": 0.5, "respective_field": 0, "initial_latent": True},
            marks=pytest.mark.contract("7/inpaint-improve-detail"),
        ),
        pytest.param(
            {"inpaint_strength": 1, "inpaint_respective_field": 0, "inpaint_disable_initial_latent": True},
            {"strength": 1, "respective_field": 0, "initial_latent": False},
            marks=pytest.mark.contract("7/inpaint-modify-content"),
        ),
    ],
)
def test_the_pages_modes_are_their_four_fields(
    ask: Ask, edit: dict[str, str], photo: Image.Image, inside: np.ndarray, fields: dict[str, Any], used: dict[str, Any]
) -> None:
    look = ask(**edit, **fields)
    assert {name: look.used[name] for name in used} == used
    assert not look.same_as(ask(**edit))
    np.testing.assert_array_equal(look.pixels[~inside], np.asarray(photo)[~inside])
    assert (look.pixels[inside] != np.asarray(photo)[inside]).any()


@pytest.mark.contract("7/outpaint-order", "7/outpaint-default-distance", "7/outpaint-keeps-the-old")
@pytest.mark.parametrize(
    "sides", [["Left"], ["Bottom", "Left"], ["Top", "Right"], ["Right", "Bottom", "Left", "Top"], ["Left", "Left"]]
)
def test_every_side_grows_by_a_third_of_the_original_around_the_old_picture(
    ask: Ask, photo: Image.Image, sides: list[str]
) -> None:
    made = ask(inpaint_input_image=as_text(photo), outpaint_selections=sides).pixels
    left, top, right, bottom = ((side in sides) for side in ("Left", "Top", "Right", "Bottom"))
    assert made.shape == (56 + 18 * (top + bottom), 72 + 24 * (left + right), 3)
    kept = made[18 * top : 18 * top + 56, 24 * left : 24 * left + 72]
    np.testing.assert_array_equal(kept, np.asarray(photo))


@pytest.mark.contract("7/outpaint-strength")
def test_outpainting_works_at_full_strength_and_field_whatever_is_asked(ask: Ask, photo: Image.Image) -> None:
    asked = {"inpaint_input_image": as_text(photo), "outpaint_selections": ["Left"]}
    own = ask(**asked)
    assert (own.used["strength"], own.used["respective_field"]) == (1, 1)
    assert own.used["box"] == [0, 0, 96, 56]
    weak = ask(**asked, inpaint_strength=0.3, inpaint_respective_field=0.2)
    assert weak.same_as(own)
    assert "respective_field had no effect" in weak.warnings


@pytest.mark.contract("7/outpaint-with-mask")
def test_a_mask_may_come_along(ask: Ask, edit: dict[str, str], photo: Image.Image, inside: np.ndarray) -> None:
    made = ask(**edit, outpaint_selections=["Left"]).pixels
    assert made.shape == (56, 96, 3)
    changed = (made[:, 24:] != np.asarray(photo)).any(axis=2)
    assert not changed[~inside].any()
    assert changed[inside].mean() > 0.9


@pytest.mark.contract("7/outpaint-without-prompt")
def test_without_a_prompt_nothing_is_expanded(server: Running, ask: Ask, photo: Image.Image) -> None:
    asked = {"inpaint_input_image": as_text(photo), "outpaint_selections": ["Left"], "style_selections": ["Fooocus V2"]}
    silent, told = ask(**asked, prompt=""), ask(**asked, prompt="a ball")
    assert metadata(server, silent)["prompt_expansion"] == ""
    assert metadata(server, told)["prompt_expansion"].startswith("a ball, ")
    assert silent.same_as(ask(**asked | {"style_selections": []}, prompt=""))
