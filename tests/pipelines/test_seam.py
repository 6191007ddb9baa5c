"""The seam: known pixels are untouched, and there is no step in colour."""

import numpy as np
import pytest
from PIL import Image

from pipelines import seam
from tests.pipelines.recipes import picture, round_hole


def smooth(width: int, height: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([80 + 60 * x / width, 150 - 50 * y / height, 100 + 20 * x / width], -1).astype(np.uint8)


def test_a_patch_that_is_off_by_a_colour_is_brought_back():
    original = smooth(200, 150)
    mask = round_hole(200, 150).astype(np.uint8) * 255
    pasted = seam.paste(original, original + 40, mask)
    assert np.abs(pasted.astype(int) - original).max() <= 1


def test_a_patch_whose_light_drifts_leaves_no_step_at_the_seam():
    original = smooth(200, 150)
    hole = round_hole(200, 150)
    drift = np.linspace(-50, 50, 200)[None, :, None]
    patch = np.clip(original + drift, 0, 255).astype(np.uint8)
    pasted = seam.paste(original, patch, hole.astype(np.uint8) * 255)
    across = np.abs(np.diff(pasted.astype(int), axis=1)).max(-1)[hole[:, 1:] != hole[:, :-1]]
    before = np.abs(np.diff(np.where(hole[..., None], patch, original).astype(int), axis=1)).max(-1)
    assert across.mean() <= 2
    assert before[hole[:, 1:] != hole[:, :-1]].mean() > 10


def test_a_patch_that_is_off_unevenly_leaves_no_crease_at_the_seam():
    original = smooth(160, 128)
    mask = np.zeros((128, 160), np.uint8)
    mask[:, :60] = 255
    waves = 12 * np.sin(np.arange(128) * 2 * np.pi / 32)[:, None, None]
    pasted = seam.paste(original, np.rint(original + waves).astype(np.uint8), mask).astype(int)
    steps = np.abs(np.diff(pasted, axis=1)).mean((0, 2))
    assert steps[59] <= 0.6  # a membrane alone leaves 1.2
    assert steps[:59].max() <= 1


def test_a_thing_that_the_hole_cuts_leaves_no_halo_inside():
    original = np.full((128, 160, 3), 120, np.uint8)
    original[40:90, 60:64] = 20  # the outline of what stands beside the hole; the patch does not go on with it
    original[40:90, 64:] = 220
    mask = np.zeros((128, 160), np.uint8)
    mask[:, :60] = 255
    pasted = seam.paste(original, np.full_like(original, 120), mask).astype(int)
    assert pasted[64, 54].min() >= 15  # a membrane alone: 34, with slopes as steep as they come: 5
    assert pasted[:, :60].max() <= 121


def test_what_is_new_in_the_patch_stays():
    original = smooth(200, 150)
    patch = original.copy()
    patch[60:90, 80:100] = (250, 10, 10)
    pasted = seam.paste(original, patch, round_hole(200, 150).astype(np.uint8) * 255)
    assert np.abs(pasted[60:90, 80:100].astype(int) - (250, 10, 10)).max() <= 3


def test_a_new_thing_that_touches_the_edge_keeps_its_colours():
    original = np.full((128, 160, 3), (120, 160, 220), np.uint8)
    mask = np.zeros((128, 160), np.uint8)
    mask[20:108, :70] = 255
    patch = original + 9
    patch[44:84, 30:90] = (200, 40, 30)  # a thing; the model paints it beyond the hole, too
    pasted = seam.paste(original, patch, mask).astype(int)
    assert np.abs(pasted[64, 69] - original[64, 70]).max() <= 12  # no step
    assert np.abs(pasted[64, 34:46] - (200, 40, 30)).max() <= 29  # a membrane alone: 66
    assert np.abs(pasted[24, 4:66] - original[24, 70]).max() <= 4


def mottled(seed: int, depth: float = 14) -> np.ndarray:
    blots = np.random.default_rng(seed).standard_normal((12, 15, 3)) * depth + 128
    small = Image.fromarray(blots.clip(0, 255).astype(np.uint8))
    return np.asarray(small.resize((200, 150), Image.Resampling.BICUBIC))


def test_what_a_model_paints_is_not_pale_where_it_paints_the_surroundings_otherwise():
    original = mottled(0)
    patch = (128 + 0.6 * (original - 128.0) + 0.8 * (mottled(1) - 128.0)).clip(0, 255).astype(np.uint8)
    patch[60:90, 80:100] = (250, 10, 10)
    pasted = seam.paste(original, patch, round_hole(200, 150).astype(np.uint8) * 255)
    assert np.abs(pasted[65:85, 85:95].mean((0, 1)) - (250, 10, 10)).max() < 12


def test_a_contrast_that_the_surroundings_tell_is_given_back():
    original = mottled(2, 30)
    patch = (128 + 0.75 * (original - 128.0)).astype(np.uint8)
    pasted = seam.paste(original, patch, round_hole(200, 150).astype(np.uint8) * 255)
    assert np.abs(pasted.astype(int) - original).mean() < 1


def test_an_outpainted_strip_joins_without_a_step():
    original = np.pad(smooth(120, 90), ((0, 0), (40, 0), (0, 0)), mode="edge")
    mask = np.zeros((90, 160), np.uint8)
    mask[:, :40] = 255
    patch = np.clip(original.astype(int) + 25 + picture(160, 90) // 16, 0, 255).astype(np.uint8)
    pasted = seam.paste(original, patch, mask).astype(int)
    assert np.abs(pasted[:, 40] - pasted[:, 39]).mean() <= np.abs(np.diff(patch.astype(int), axis=1)).mean() * 1.5 + 1


def test_dark_grey_blends_by_degree_and_what_was_painted_by_degree_is_shown():
    original = np.full((40, 40, 3), 100, np.uint8)
    patch = original.copy()
    patch[10:30, 10:30] = 200
    mask = np.zeros((40, 40), np.uint8)
    for grey, shown in ((31 + (95 - 31) // 2, 150), (128, 200)):
        mask[8:32, 8:32] = grey
        assert abs(int(seam.paste(original, patch, mask)[20, 20, 0]) - shown) <= 3


@pytest.mark.parametrize("value", [0, 1, 31])
def test_values_up_to_31_are_known(value):
    mask = np.full((30, 41), value, np.uint8)
    mask[5:9, 5:9] = 255
    pasted = seam.paste(picture(41, 30), picture(41, 30, seed=1), mask)
    np.testing.assert_array_equal(pasted[mask <= 31], picture(41, 30)[mask <= 31])
    assert (pasted[mask > 31] != picture(41, 30)[mask > 31]).any()


def test_from_95_on_the_patch_alone_counts():
    for value in (95, 224, 255):
        mask = np.full((30, 41), value, np.uint8)
        np.testing.assert_array_equal(
            seam.paste(picture(41, 30), picture(41, 30, seed=1), mask), picture(41, 30, seed=1)
        )


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 1), (2, 3), (33, 17), (129, 64)])
def test_the_membrane_takes_every_size(size):
    values = np.random.default_rng(0).random((size[1], size[0], 3)).astype(np.float32)
    known = np.zeros((size[1], size[0]), bool)
    known[0, 0] = True
    surface = seam.membrane(values, known)
    assert np.abs(surface - values[0, 0]).max() < 1e-3


def test_the_membrane_is_the_straight_line_between_two_walls():
    values = np.zeros((40, 65, 1), np.float32)
    values[:, -1] = 64
    known = np.zeros((40, 65), bool)
    known[:, [0, -1]] = True
    assert np.abs(seam.membrane(values, known)[..., 0] - np.arange(65)).max() < 3


def test_a_filled_hole_has_the_colours_around_it():
    pixels = np.full((64, 64, 3), 90, np.uint8)
    pixels[round_hole()] = 255
    assert np.abs(seam.fill(pixels, round_hole()).astype(int) - 90).max() <= 1
    assert (seam.fill(pixels, np.ones((64, 64), bool)) == 128).all()


def test_a_patch_with_too_little_contrast_gets_the_surroundings():
    original = picture(200, 150)
    patch = np.clip(128 + (original.astype(int) - 128) * 0.75 + 20, 0, 255).astype(np.uint8)
    hole = round_hole(200, 150)
    pasted = seam.paste(original, patch, hole.astype(np.uint8) * 255)
    assert (
        np.abs(pasted[hole].astype(int) - original[hole]).mean()
        < 0.2 * np.abs(patch[hole].astype(int) - original[hole]).mean()
    )
