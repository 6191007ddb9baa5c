"""Section 4: fields of inpainting, outpainting, vary and upscale. Each shows in pixels."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from masking.shape import grow
from tests.contract.looks import Ask
from tests.server.running import Running, as_text

PART = {"inpaint_strength": 0.5, "overwrite_step": 4}


@pytest.fixture(scope="module")
def inside(box_mask: Image.Image) -> np.ndarray:
    """True where the mask is white."""
    return np.asarray(box_mask) > 0


@pytest.mark.contract("4/inpaint_input_image")
def test_the_picture_outside_the_mask_is_the_one_that_was_sent(
    ask: Ask, edit: dict[str, str], photo: Image.Image, inside: np.ndarray
) -> None:
    turned = photo.transpose(Image.Transpose.ROTATE_180)
    for picture in (photo, turned):
        made = ask(**edit | {"inpaint_input_image": as_text(picture)}).pixels
        np.testing.assert_array_equal(made[~inside], np.asarray(picture)[~inside])


@pytest.mark.contract("4/inpaint_mask_image_upload", "5/inpaint")
def test_what_is_white_is_painted_and_nothing_else(ask: Ask, edit: dict[str, str], photo: Image.Image) -> None:
    mask = Image.new("L", photo.size)
    mask.paste(255, (0, 0, 12, 56))
    look = ask(**edit | {"inpaint_mask_image_upload": as_text(mask)})
    changed = (look.pixels != np.asarray(photo)).any(axis=2)
    assert look.used["task"] == "inpaint"
    assert not changed[:, 12:].any()
    assert changed[:, :12].mean() > 0.9


@pytest.mark.contract("4/inpaint_additional_prompt")
def test_the_additional_prompt_is_line_1_or_stands_alone(ask: Ask, edit: dict[str, str]) -> None:
    both = ask(**edit, inpaint_additional_prompt="a hat", prompt="a ball")
    assert both.same_as(ask(**edit, prompt="a hat\na ball"))
    assert not both.same_as(ask(**edit, prompt="a ball"))
    assert ask(**edit, inpaint_additional_prompt="a hat", prompt="").same_as(ask(**edit, prompt="a hat"))


@pytest.mark.contract("4/inpaint_additional_prompt")
def test_the_additional_prompt_is_for_inpainting_alone(ask: Ask) -> None:
    assert ask(inpaint_additional_prompt="a hat").same_as(ask())


@pytest.mark.contract("4/inpaint_disable_initial_latent")
def test_without_the_initial_latent_a_part_strength_starts_from_noise_alone(
    ask: Ask, edit: dict[str, str], photo: Image.Image, inside: np.ndarray
) -> None:
    other_hole = np.where(inside[..., None], 255 - np.asarray(photo), np.asarray(photo))
    others = edit | {"inpaint_input_image": as_text(Image.fromarray(other_hole))}
    with_latent = ask(**edit, **PART)
    without = ask(**edit, **PART, inpaint_disable_initial_latent=True)
    assert not without.same_as(with_latent)
    assert without.used["initial_latent"] is False
    assert not with_latent.same_as(ask(**others, **PART))


@pytest.mark.contract("4/inpaint_strength")
def test_a_weaker_strength_leaves_more_of_the_picture(ask: Ask, edit: dict[str, str], photo: Image.Image) -> None:
    before = np.asarray(photo)
    np.testing.assert_array_equal(ask(**edit, inpaint_strength=0).pixels, before)
    part, full = ask(**edit, **PART), ask(**edit, inpaint_strength=1, overwrite_step=4)
    assert (part.used["strength"], full.used["strength"]) == (0.5, 1)
    assert (part.used["skipped"], full.used["skipped"]) == (4, 0)
    assert not part.same_as(full)


@pytest.mark.contract("4/inpaint_respective_field")
def test_the_respective_field_is_how_much_the_model_sees(ask: Ask, edit: dict[str, str]) -> None:
    looks = [ask(**edit, inpaint_respective_field=share) for share in (0, 0.618, 1)]
    boxes = [look.used["box"] for look in looks]
    assert boxes[2] == [0, 0, 72, 56]
    areas = [(right - left) * (bottom - top) for left, top, right, bottom in boxes]
    assert areas == sorted(set(areas))
    assert not looks[0].same_as(looks[1])
    assert not looks[1].same_as(looks[2])
    assert ask(**edit).used["box"] == boxes[1]


@pytest.mark.contract("4/inpaint_advanced_masking_checkbox")
@pytest.mark.parametrize("sent", [True, False])
def test_advanced_masking_is_on_exactly_where_there_is_a_mask(ask: Ask, edit: dict[str, str], sent: bool) -> None:
    look = ask(**edit, inpaint_advanced_masking_checkbox=sent)
    assert look.same_as(ask(**edit))
    assert look.record["req_params"]["inpaint_advanced_masking_checkbox"] is True
    bare = ask(inpaint_advanced_masking_checkbox=sent)
    assert bare.record["req_params"]["inpaint_advanced_masking_checkbox"] is False
    assert "inpaint_advanced_masking_checkbox" not in look.warnings


@pytest.mark.contract("4/invert_mask_checkbox")
def test_an_inverted_mask_keeps_what_is_white(
    ask: Ask, edit: dict[str, str], photo: Image.Image, inside: np.ndarray
) -> None:
    changed = (ask(**edit, invert_mask_checkbox="true").pixels != np.asarray(photo)).any(axis=2)
    assert not changed[inside].any()
    assert changed[~inside].mean() > 0.9


@pytest.mark.contract("4/inpaint_erode_or_dilate", "7/inpaint-grows-mask")
@pytest.mark.parametrize("by", [-5, 0, 5])
def test_the_mask_grows_by_a_square_of_one_pixel_each_time(
    ask: Ask, edit: dict[str, str], photo: Image.Image, by: int
) -> None:
    changed = (ask(**edit, inpaint_erode_or_dilate=by).pixels != np.asarray(photo)).any(axis=2)
    grown = np.zeros((56, 72), bool)
    grown[16 - by : 40 + by, 20 - by : 44 + by] = True
    assert not changed[~grown].any()
    assert changed[grown].mean() > 0.9
    assert changed[16 - by, 20 - by : 44 + by].any()


@pytest.mark.contract("4/outpaint_selections", "4/outpaint_distance", "7/outpaint-distance")
@pytest.mark.parametrize(
    ("side", "place"), [("Left", 0), ("Top", 1), ("Right", 2), ("Bottom", 3)]
)  # fmt: skip
def test_each_side_grows_by_its_own_number_and_only_where_it_is_chosen(
    ask: Ask, photo: Image.Image, side: str, place: int
) -> None:
    distances = [8, 10, 12, 14]
    made = ask(inpaint_input_image=as_text(photo), outpaint_selections=[side], outpaint_distance=distances).pixels
    added = [distances[at] if at == place else 0 for at in range(4)]
    assert made.shape == (56 + added[1] + added[3], 72 + added[0] + added[2], 3)
    kept = made[added[1] : added[1] + 56, added[0] : added[0] + 72]
    np.testing.assert_array_equal(kept, np.asarray(photo))


@pytest.mark.contract("4/outpaint_selections")
@pytest.mark.parametrize("wrong", ["left", "Up", "", 1])
def test_sides_are_spelled_with_their_capital(server: Running, edit: dict[str, str], wrong: Any) -> None:
    answer = server.generate(**edit, outpaint_selections=[wrong])
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][:2] == ["body", "outpaint_selections"]


@pytest.mark.contract("4/uov_method", "4/uov_input_image")
@pytest.mark.parametrize(
    ("method", "kind", "size"),
    [
        ("Disabled", "text_to_image", (64, 64)),
        ("Vary (Subtle)", "vary", (73, 56)),
        ("Vary (Strong)", "vary", (73, 56)),
        ("Upscale (1.5x)", "upscale", (108, 84)),
        ("Upscale (2x)", "upscale", (144, 112)),
        ("Upscale (Fast 2x)", "upscale", (144, 112)),
        ("Upscale (Custom)", "upscale", (73, 56)),
    ],
)
def test_every_method_does_its_own(ask: Ask, photo: Image.Image, method: str, kind: str, size: tuple[int, int]) -> None:
    look = ask(uov_input_image=as_text(photo), uov_method=method)
    assert (look.used["task"], look.pixels.shape) == (kind, (size[1], size[0], 3))
    if kind != "text_to_image":
        red = as_text(Image.new("RGB", photo.size, "red"))
        assert not look.same_as(ask(uov_input_image=red, uov_method=method))


@pytest.mark.contract("4/upscale_multiple", "7/upscale-factors")
def test_the_multiple_is_for_custom_alone_and_taken_as_it_is(ask: Ask, photo: Image.Image) -> None:
    picture = as_text(photo)
    for multiple, size in ((1.2, (86, 67)), (2.2, (158, 123)), (3.2, (230, 179)), (5, (360, 280))):
        look = ask(uov_input_image=picture, uov_method="Upscale (Custom)", upscale_multiple=multiple)
        assert look.pixels.shape[1::-1] == size
    other = ask(uov_input_image=picture, uov_method="Upscale (1.5x)", upscale_multiple=3)
    assert other.pixels.shape[1::-1] == (108, 84)


@pytest.mark.parametrize(
    ("name", "method", "usual"),
    [
        pytest.param("overwrite_vary_strength", "Vary (Subtle)", 0.5,
                     marks=pytest.mark.contract("4/overwrite_vary_strength", "7/vary-overwrite")),
        pytest.param("overwrite_upscale_strength", "Upscale (1.5x)", 0.382,
                     marks=pytest.mark.contract("4/overwrite_upscale_strength", "7/upscale-diffusion")),
    ],
)  # fmt: skip
def test_a_strength_above_0_wins(ask: Ask, photo: Image.Image, name: str, method: str, usual: float) -> None:
    asked = {"uov_input_image": as_text(photo), "uov_method": method, "overwrite_step": 4}
    own = ask(**asked)
    assert own.used["strength"] == usual
    assert ask(**asked, **{name: -1}).same_as(own)
    assert ask(**asked, **{name: 0}).same_as(own)
    stronger = ask(**asked, **{name: 0.9})
    assert stronger.used["strength"] == 0.9
    assert not stronger.same_as(own)


@pytest.mark.contract("4/inpaint_engine", "7/inpaint-engine-sdxl")
def test_the_inpaint_engine_is_for_sdxl_and_other_checkpoints_inpaint_by_themselves(
    server: Running, ask: Ask, edit: dict[str, str]
) -> None:
    alone = ask(**edit, inpaint_engine="None")
    usual = ask(**edit, inpaint_engine="v2.6")
    assert usual.same_as(alone)
    assert 'inpaint_engine "v2.6"' in usual.warnings
    assert "inpaint_engine" not in alone.warnings
    answer = server.generate(**edit, inpaint_engine="v1")
    assert (answer.status_code, answer.json()["field"]) == (424, "inpaint_engine")


@pytest.mark.contract("4/debugging_inpaint_preprocessor")
def test_what_an_inpaint_gives_the_model_to_see_is_shown_and_nothing_is_painted(
    server: Running, ask: Ask, edit: dict[str, str], photo: Image.Image, box_mask: Image.Image
) -> None:
    whole = {"inpaint_respective_field": 1, "debugging_inpaint_preprocessor": True, "image_number": 2}
    look = ask(**edit, **whole)
    width, height = look.used["painted"]
    assert look.pixels.shape == (height, 3 * width, 3)
    crop, mask, filled = (look.pixels[:, i * width : (i + 1) * width] for i in range(3))
    wide, high = look.used["inner"]
    assert set(np.unique(mask)) == {0, 255}
    hole = mask[..., 0] > 0
    # Scaling mixes what lies within a few pixels: there the filling shows instead of what it hides.
    far = np.asarray(grow(Image.fromarray(np.ascontiguousarray(mask[..., 0])), 6)) == 0
    np.testing.assert_array_equal(crop[far], filled[far])
    assert (crop[hole] != filled[hole]).any()
    share = np.asarray(box_mask).mean() / 255
    assert hole[:high, :wide].mean() == pytest.approx(share, rel=0.2)
    assert np.abs(crop[:high, :wide].mean((0, 1)) - np.asarray(photo).mean((0, 1))).max() < 3
    assert len(look.record["result"]) == 1
    assert "nothing was painted" in look.warnings
    assert look.record["task_status"] == "finished"


@pytest.mark.contract("4/outpaint_distance")
def test_distances_below_zero_and_beyond_the_fourth_change_nothing(ask: Ask, photo: Image.Image) -> None:
    asked = {"inpaint_input_image": as_text(photo), "outpaint_selections": ["Left"], "overwrite_step": 1}
    usual = ask(**asked)
    assert ask(**asked, outpaint_distance=[-5, -1, 0, 0, 700]).same_as(usual)
    assert ask(**asked, outpaint_distance=[]).same_as(usual)
