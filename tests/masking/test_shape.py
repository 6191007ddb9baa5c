import numpy as np
import pytest
from PIL import Image, ImageFilter

from masking.shape import bounding_box, grow, invert


def mask_of(height: int, width: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width), dtype=np.uint8))


def same(one: Image.Image, other: Image.Image) -> bool:
    return one.mode == other.mode and np.array_equal(np.asarray(one), np.asarray(other))


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (40, 3), (33, 64)])
@pytest.mark.parametrize("steps", [1, 2, 3, 5, 64, -1, -4, -64])
def test_growing_is_as_many_steps_with_a_kernel_of_three(size, steps):
    mask = stepped = mask_of(*size)
    for _ in range(abs(steps)):
        stepped = stepped.filter(ImageFilter.MaxFilter(3) if steps > 0 else ImageFilter.MinFilter(3))
    assert same(grow(mask, steps), stepped)


def test_no_step_leaves_the_mask_as_it_is():
    assert same(grow(mask_of(9, 4), 0), mask_of(9, 4))


def test_shrinking_does_not_eat_from_the_edge_of_the_picture():
    assert same(grow(Image.new("L", (6, 6), 255), -3), Image.new("L", (6, 6), 255))


def test_inverting_twice_gives_the_mask_back():
    mask = mask_of(8, 11)
    assert same(invert(invert(mask)), mask)
    assert invert(Image.new("L", (1, 1), 200)).getpixel((0, 0)) == 55


def test_the_box_holds_all_that_is_above_and_nothing_around_it():
    mask = Image.new("L", (20, 10), 31)
    mask.paste(255, (4, 2, 9, 8))
    assert bounding_box(mask, above=31) == (4, 2, 9, 8)
    assert bounding_box(mask) == (0, 0, 20, 10)


def test_an_empty_mask_has_no_box():
    assert bounding_box(Image.new("L", (5, 5))) is None


def test_a_large_mask_grows_in_no_time():
    assert grow(Image.new("L", (4096, 4096)), 64).size == (4096, 4096)
