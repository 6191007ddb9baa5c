"""Sizes, crops, margins and masks."""

import numpy as np
import pytest
from PIL import Image

from pipelines import canvas
from tests.pipelines.recipes import picture


@pytest.mark.parametrize(
    ("asked", "painted"),
    [
        ((256, 256), (256, 256)),
        ((1152, 896), (288, 224)),
        ((300, 300), (288, 288)),
        ((352, 352), (352, 352)),
        ((64, 64), (256, 256)),
        ((1, 1), (256, 256)),
        ((1728, 576), (448, 160)),
        ((8192, 64), (512, 32)),
    ],
)
def test_pictures_far_from_the_native_area_are_painted_at_it(asked, painted):
    width, height = asked
    assert canvas.paintable_size(width, height, 256, 32) == painted


@pytest.mark.parametrize(
    ("crop", "inner", "painted"),
    [
        ((341, 341), (341, 341), (352, 352)),
        ((256, 200), (290, 226), (320, 256)),
        ((4096, 4096), (256, 256), (256, 256)),
        ((1, 1), (256, 256), (256, 256)),
        ((1, 4096), (1, 512), (32, 512)),
    ],
)
def test_crops_are_brought_to_one_or_two_native_areas(crop, inner, painted):
    width, height = crop
    assert canvas.frame(width, height, 256, 32) == canvas.Frame(inner=inner, painted=painted)


def test_fit_keeps_the_middle_and_gives_the_exact_size():
    pixels = np.zeros((32, 64, 3), np.uint8)
    pixels[:, 16:48] = 255
    fitted = canvas.fit(pixels, 64, 64)
    assert fitted.shape == (64, 64, 3)
    assert fitted[:, 4:-4].min() >= 250
    assert fitted[:, 0].max() < 250
    assert canvas.fit(pixels, 33, 17).shape == (17, 33, 3)


def test_the_contracts_example_of_a_crop():
    mask = np.zeros((1024, 1536), np.uint8)
    mask[400:500, 700:900] = 255
    assert canvas.crop_around(mask, 0) == (686, 336, 913, 563)


def test_a_crop_grows_to_the_asked_share_of_both_sides():
    mask = np.zeros((1024, 1536), np.uint8)
    mask[400:500, 700:900] = 255
    left, top, right, bottom = canvas.crop_around(mask, 0.618)
    assert 0.618 * 1536 <= right - left <= 0.618 * 1536 + 3
    assert 0.618 * 1024 <= bottom - top <= right - left
    assert canvas.crop_around(mask, 1) == (0, 0, 1536, 1024)


@pytest.mark.parametrize("place", [(0, 0), (99, 149), (0, 75), (50, 149)])
@pytest.mark.parametrize("share", [0, 0.3, 0.618, 1])
def test_a_crop_holds_the_whole_mask_and_known_pixels_around_it(place, share):
    mask = np.zeros((100, 150), np.uint8)
    mask[place] = 255
    left, top, right, bottom = canvas.crop_around(mask, share)
    assert left <= place[1] < right
    assert top <= place[0] < bottom
    assert (right - left) * (bottom - top) >= 64


def test_margins_are_a_third_of_the_original_sides_or_the_asked_distance():
    assert canvas.margins(100, 50, ("Left", "Bottom"), (0, 0, 0, 0)) == (33, 0, 0, 16)
    assert canvas.margins(100, 50, ("Left", "Top", "Right"), (7, 0, 9, 11)) == (7, 16, 9, 0)
    assert canvas.margins(2, 2, ("Left",), (0, 0, 0, 0)) == (0, 0, 0, 0)


def test_expanding_repeats_the_edges_and_masks_the_margins():
    pixels, mask = canvas.expand(picture(10, 8), np.zeros((8, 10), np.uint8), (3, 0, 0, 2))
    assert pixels.shape == (10, 13, 3)
    np.testing.assert_array_equal(pixels[:8, 3:], picture(10, 8))
    np.testing.assert_array_equal(pixels[:8, 0], picture(10, 8)[:, 0])
    assert (mask == 255).sum() == 10 * 13 - 8 * 10


def test_a_binary_mask_stays_binary_and_a_grey_one_grey_when_resized():
    binary = Image.fromarray((picture(60, 40)[..., 0] > 127).astype(np.uint8) * 255)
    assert set(np.unique(canvas.shape_mask(binary, (77, 51), inverted=False, grown=0))) == {0, 255}
    grey = Image.linear_gradient("L")
    assert len(np.unique(canvas.shape_mask(grey, (77, 51), inverted=False, grown=0))) > 40


def test_a_mask_is_inverted_before_it_is_grown():
    mask = np.full((9, 9), 255, np.uint8)
    mask[4, 4] = 0
    shaped = canvas.shape_mask(Image.fromarray(mask), (9, 9), inverted=True, grown=2)
    assert (shaped == 255).sum() == 25


def test_every_pixel_to_paint_is_in_a_cell_to_paint():
    hole = np.zeros((16, 24), bool)
    hole[9, 17] = True
    np.testing.assert_array_equal(canvas.cells_of(hole, 8), [[False, False, False], [False, False, True]])


def test_a_hole_is_never_lost_in_a_smaller_picture():
    hole = np.zeros((1000, 1000), bool)
    hole[500, 500] = True
    framed = canvas.frame(1000, 1000, 256, 32)
    small, hidden = canvas.stretch(picture(1000, 1000), hole, framed)
    assert small.shape == (*hidden.shape, 3) == (256, 256, 3)
    assert hidden[128, 128]
    assert 1 <= hidden.sum() <= 4
