"""Exercises: what a painter is shown, and what it is to paint where."""

import numpy as np
import pytest

from training.latents import Exercise, exercise


@pytest.fixture(scope="module")
def holes() -> list[Exercise]:
    drawn = (exercise(np.random.default_rng(seed), 256, 256) for seed in range(60))
    return [one for one in drawn if one.kind == "hole"]


def test_half_of_the_exercises_are_holes_of_many_sizes(holes: list[Exercise]) -> None:
    assert 20 < len(holes) < 40
    shares = [one.mask.mean() for one in holes]
    assert min(shares) < 0.12
    assert max(shares) > 0.4


def test_a_thing_that_a_hole_hides_stands_in_it_or_is_gone(holes: list[Exercise]) -> None:
    free = [one for one in holes if one.inside < 0]
    assert 0.4 < len(free) / len(holes) < 0.8
    for one in free:
        height, width = one.mask.shape
        for thing in one.painting.scene.things:
            if 0 <= thing.x < width and 0 <= thing.y < height:
                assert not one.mask[int(thing.y), int(thing.x)]
