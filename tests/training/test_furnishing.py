"""What an exercise asks for is what its fields are, and what shows beside the hole tells nothing of it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from training import furnishing, layers
from training.furnishing import furnished
from training.scenes import Scene, Thing

BALL = Thing(kind="ball", colour="red", x=64, y=160, radius=40)
STAR = Thing(kind="star", colour="blue", x=190, y=60, radius=36)
SCENE = Scene(place="meadow", things=(BALL, STAR), width=256, height=256, horizon=130.0, seed=3)


def box(left: int, top: int, right: int, bottom: int) -> Tensor:
    """A hole, in cells."""
    hole = torch.zeros(16, 16, dtype=torch.bool)
    hole[top:bottom, left:right] = True
    return hole


def test_a_whole_picture_shows_nothing_and_gets_what_is_said() -> None:
    made = [furnished(np.random.default_rng(i), "whole", SCENE, box(0, 0, 16, 16), -1) for i in range(6)]
    assert len({one.text for one in made}) == 6
    assert all(one.fields.any() and not one.seen.any() for one in made)


def test_a_whole_picture_says_where_in_its_text_each_thing_is() -> None:
    for i in range(12):
        made = furnished(np.random.default_rng(i), "whole", SCENE, box(0, 0, 16, 16), -1)
        firsts = [
            np.flatnonzero((made.order == number).any(0).numpy()).mean() for number in range(int(made.order.max()) + 1)
        ]
        assert firsts == sorted(firsts)


@pytest.mark.parametrize("seed", range(8))
def test_a_hole_says_that_its_thing_is_named_first(seed: int) -> None:
    made = furnished(np.random.default_rng(seed), "hole", SCENE, box(8, 0, 16, 8), 1)
    assert set(made.order.unique().tolist()) == {-1, 0}
    assert (made.order[:4, 4:] == 0).any()
    assert (made.order[:, :4] == -1).all()


def test_a_thing_in_a_hole_is_exchanged_for_one_that_fills_it() -> None:
    hole = box(9, 1, 15, 7)
    made = [furnished(np.random.default_rng(i), "hole", SCENE, hole, 1).fields for i in range(20)]
    assert all(torch.equal(one[:, :, :6], layers.fields([BALL], 256, 256)[:, :, :6]) for one in made)
    assert len({tuple(one[:7, 3, 11].tolist()) for one in made}) > 10
    filled = [(one[:4].abs().amax(0) > 0.99 * layers.KIND)[hole].float().mean().item() for one in made]
    assert min(filled) > 0.22
    assert np.mean(filled) > 0.28


def test_a_thing_in_a_hole_that_is_too_small_stays_where_it_was() -> None:
    hole = box(10, 2, 13, 5)
    for i in range(6):
        made = furnished(np.random.default_rng(i), "hole", SCENE, hole, 1)
        assert torch.equal(made.fields[7:, 3, 11], layers.fields([STAR], 256, 256)[7:, 3, 11])


def test_nothing_of_what_a_hole_is_to_have_shows_beside_it() -> None:
    made = furnished(np.random.default_rng(1), "hole", SCENE, box(10, 2, 13, 5), 1)
    assert torch.equal(made.seen, layers.fields([BALL], 256, 256))


def test_an_empty_hole_may_get_a_thing_that_fits() -> None:
    empty, hole = replace(SCENE, things=(BALL,)), box(9, 1, 15, 7)
    made = [furnished(np.random.default_rng(i), "hole", empty, hole, -1) for i in range(30)]
    filled = [one for one in made if one.fields[:, hole].any()]
    assert 15 < len(filled) < 30
    for one in filled:
        deep = one.fields[:4].abs().amax(0) > 0.99 * layers.KIND
        assert not (deep & ~hole)[:, 8:].any()
    small = [furnished(np.random.default_rng(i), "hole", empty, box(9, 1, 12, 7), -1) for i in range(30)]
    assert not any(one.fields[:, box(9, 1, 12, 7)].any() for one in small)


def test_a_place_with_nothing_in_it_can_be_told_of() -> None:
    made = [furnished(np.random.default_rng(i), "border", SCENE, box(0, 0, 16, 16), -1) for i in range(40)]
    assert any(one.text and not one.fields.any() for one in made)


@pytest.mark.parametrize("seed", range(12))
def test_beyond_a_border_there_is_only_what_is_said_or_began_before_it(seed: int) -> None:
    made = furnished(np.random.default_rng(seed), "border", SCENE, box(9, 0, 16, 16), -1)
    assert torch.equal(made.seen[:, :, :9], layers.fields([BALL], 256, 256)[:, :, :9])
    assert not made.seen[:, :, 9:].any()
    if made.fields[:4, :, 9:].any():
        assert sum(made.text.count(word) for word in _words_of_kinds()) > 1
    cut = furnished(np.random.default_rng(seed), "border", SCENE, box(11, 0, 16, 16), -1)
    assert torch.equal(cut.fields[:, 3, 11], layers.fields([STAR], 256, 256)[:, 3, 11])


def _words_of_kinds() -> set[str]:
    from training.captions import KIND_WORDS

    return {word for words in KIND_WORDS.values() for word in words}


def test_a_thing_shows_only_if_some_of_it_lies_beside_the_hole() -> None:
    assert furnishing._shows(BALL, box(9, 0, 16, 16))
    assert not furnishing._shows(STAR, box(9, 0, 16, 16))
