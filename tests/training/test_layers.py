"""What latents are taught to mean says of each thing which it is and where, and of an enlarged part the same."""

import numpy as np
import pytest
import torch

from training import layers
from training.objects import COLOURS, OBJECTS
from training.scenes import Scene, Thing, draw, enlarge, furnish, paint


def thing(kind: str = "ball", colour: str = "red", x: float = 119.5, y: float = 135.5, radius: float = 50) -> Thing:
    return Thing(kind=kind, colour=colour, x=x, y=y, radius=radius)


def test_every_kind_and_every_colour_has_a_code_of_its_own() -> None:
    def code(kind: str, colour: str) -> torch.Tensor:
        return layers.fields([thing(kind, colour)], 256, 256)[:7, 8, 7]

    kinds = torch.stack([code(kind, "red") for kind in OBJECTS])
    assert torch.pdist(kinds).min() >= layers.KIND
    colours = torch.stack([code("ball", colour) for colour in COLOURS])
    assert torch.pdist(colours).min() > 0.5


def test_a_field_tells_where_in_the_thing_a_cell_lies_and_ends_with_it() -> None:
    made = layers.fields([thing()], 256, 256)
    assert made[7:, 8, 7].tolist() == [0, 0]
    assert made[7, 8, 9] == pytest.approx(layers.WHERE * 32 / 50)
    assert made[8, 6, 7] == pytest.approx(-layers.WHERE * 32 / 50)
    assert not made[:, 0].any()
    assert not layers.fields([], 256, 192).any()


def test_fields_tell_what_they_are_of() -> None:
    rng = np.random.default_rng(4)
    for _ in range(30):
        scene = draw(rng)
        kinds, colours, inside = layers.told(layers.fields(scene.things, 256, 256)[None])
        assert len(kinds) == inside.sum() > 0
        seen = {(list(OBJECTS)[k], list(COLOURS)[c]) for k, c in zip(kinds, colours, strict=True)}
        assert seen == {(one.kind, one.colour) for one in scene.things}


def test_the_order_of_things_is_told_where_they_are() -> None:
    left, right = thing(x=60, y=60, radius=40), thing(x=190, y=180, radius=40)
    order = layers.order([left, right], 256, 192)
    assert order.shape == (6, 8)
    assert (order[1, 1], order[5, 5], order[5, 0]) == (0, 1, -1)
    assert (layers.order([], 256, 192) == -1).all()


def test_between_two_things_a_cell_belongs_to_the_nearer_one() -> None:
    ball, boat = thing(x=80), thing("boat", x=176, radius=40)
    both, alone = layers.fields([ball, boat], 256, 256), layers.fields([boat], 256, 256)
    assert torch.equal(both[:, :, 11:], alone[:, :, 11:])
    assert torch.equal(both[:, :, :5], layers.fields([ball], 256, 256)[:, :, :5])


def test_a_thumbnail_is_of_mean_0_and_deviation_1_over_scenes() -> None:
    rng = np.random.default_rng(3)
    pictures = torch.from_numpy(np.stack([paint(draw(rng)).background for _ in range(60)]))
    made = layers.thumbnail(pictures.permute(0, 3, 1, 2) / 127.5 - 1)
    assert made.shape == (60, 3, 16, 16)
    assert made.mean((0, 2, 3)).abs().max() < 0.35
    assert (made.std((0, 2, 3)) - 1).abs().max() < 0.35


def test_an_enlarged_part_has_its_things_where_they_are_seen() -> None:
    painting = paint(draw(np.random.default_rng(5), count=1))
    near = painting.scene.things[0]
    left, top = (int(min(max(at - 90, 0), 76)) for at in (near.x, near.y))
    part = enlarge(painting, (left, top, 180, 180))
    assert part.picture.shape == part.background.shape == painting.picture.shape
    ys, xs = np.nonzero(part.masks[0])
    moved = part.scene.things[0]
    assert moved.radius == pytest.approx(near.radius * 256 / 180)
    assert np.hypot((xs.min() + xs.max()) / 2 - moved.x, (ys.min() + ys.max()) / 2 - moved.y) < moved.radius / 2
    outside = ~np.any(part.masks, axis=0)
    assert np.abs(part.picture[outside].astype(int) - part.background[outside]).mean() < 4


def test_a_place_is_furnished_anew() -> None:
    empty = Scene(place="snow", things=(), width=352, height=192, horizon=100.0, seed=7)
    rng = np.random.default_rng(1)
    scenes = [furnish(rng, empty) for _ in range(40)]
    assert {len(scene.things) for scene in scenes} == {1, 2, 3}
    assert all(scene.place == "snow" and scene.horizon == 100 for scene in scenes)
    assert all(0 < thing.x < 352 and 0 < thing.y < 192 for scene in scenes for thing in scene.things)
