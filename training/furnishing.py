"""An exercise with other things in it each time it is seen: what is said of it, and the fields that belong to that.

Backgrounds are slow to paint and to encode; things are known from the scene, so that they may change for nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.random import Generator
from scipy import ndimage
from torch import Tensor

from training import captions, layers
from training.objects import COLOURS, OBJECTS
from training.scenes import Scene, Thing, furnish

Kind = Literal["whole", "hole", "border"]

FILLED = 0.75
"""Of the holes where nothing stood, so many get a thing."""

SMALLEST = 4
"""Cells: in a narrower hole nothing could be told."""


@dataclass(frozen=True, kw_only=True)
class Furnished:
    """`fields`: 9 × rows × columns, as `layers.fields` has them; `seen`: those of what shows beside the hole.

    `order`: as `layers.order` has it, of the things that the text names, counted from the left.
    """

    text: str
    fields: Tensor
    seen: Tensor
    order: Tensor


def furnished(rng: Generator, kind: Kind, scene: Scene, hole: Tensor, inside: int) -> Furnished:
    """hole: rows × columns of cells, True = paint. inside: which of the scene's things stands in the hole; -1: none."""
    if kind == "whole":
        scene = furnish(rng, scene)
        return _told(captions.of_scene(rng, scene), scene, hole, (), captions.left_to_right(scene))
    if kind == "hole":
        scene, thing = _exchanged(rng, scene, hole, inside)
        text = captions.of_hole(rng, scene, thing) if thing else captions.of_place(rng, scene)
        others = [other for other in scene.things if other is not thing]
        return _told(text, scene, hole, others, [thing] if thing else ())
    shown = tuple(thing for thing in scene.things if _shows(thing, hole))
    if rng.random() < 0.4:
        scene = replace(scene, things=shown)
        return _told(captions.of_place(rng, scene), scene, hole, shown)
    changed = tuple(thing if thing in shown else _other(rng, thing) for thing in scene.things)
    scene = replace(scene, things=changed)
    return _told(captions.of_scene(rng, scene), scene, hole, shown, captions.left_to_right(scene))


def _told(text: str, scene: Scene, hole: Tensor, shown: Sequence[Thing], named: Sequence[Thing] = ()) -> Furnished:
    """named: the things that the text names, in its order."""
    size = scene.width, scene.height
    seen = layers.fields(shown, *size) * ~hole
    fields, order = layers.fields(scene.things, *size), layers.order(named, *size)
    return Furnished(text=text, fields=fields, seen=seen, order=order)


def _exchanged(rng: Generator, scene: Scene, hole: Tensor, inside: int) -> tuple[Scene, Thing | None]:
    """The scene with another thing where one stood in the hole, or with one where none did; and that thing.

    It fills the hole, if that is not too small, for so people mean a mask.
    """
    things = list(scene.things)
    if inside >= 0:
        thing = things[inside] = _fitting(rng, hole) or _other(rng, things[inside])
    elif rng.random() < FILLED and (made := _fitting(rng, hole)):
        thing = made
        things.append(thing)
    else:
        return scene, None
    return replace(scene, things=tuple(things)), thing


def _other(rng: Generator, thing: Thing) -> Thing:
    return replace(thing, kind=str(rng.choice(list(OBJECTS))), colour=str(rng.choice(list(COLOURS))))


def _fitting(rng: Generator, hole: Tensor) -> Thing | None:
    """A thing that nearly fills the hole where that is widest; none if the hole is too narrow even there."""
    room = ndimage.distance_transform_edt(np.pad(hole.numpy(), 1))[1:-1, 1:-1] - 0.5
    if 2 * room.max() < SMALLEST:
        return None
    row, column = rng.choice(np.argwhere(room >= 0.9 * room.max()))
    radius = float(rng.uniform(0.78, 0.92)) * float(room[row, column])
    x, y = ((float(cell) + 0.5 + float(rng.uniform(-0.25, 0.25))) * layers.CELL for cell in (column, row))
    kind, colour = str(rng.choice(list(OBJECTS))), str(rng.choice(list(COLOURS)))
    return Thing(kind=kind, colour=colour, x=x, y=y, radius=radius * layers.CELL)


def _shows(thing: Thing, hole: Tensor) -> bool:
    """Whether any of its cells lies beside the hole."""
    alone = layers.fields([thing], hole.shape[1] * layers.CELL, hole.shape[0] * layers.CELL)
    inner = alone[:4].abs().amax(0) > 0.99 * layers.KIND
    return bool((inner & ~hole).any())
