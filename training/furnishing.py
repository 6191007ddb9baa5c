"""An exercise with other things in it each time it is seen: what is said of it, and the fields that belong to that.

Backgrounds are slow to paint and to encode; things are known from the scene, so that they may change for nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.random import Generator
from torch import Tensor

from training import captions, layers
from training.objects import COLOURS, OBJECTS
from training.scenes import Scene, Thing, furnish

Kind = Literal["whole", "hole", "border"]

FILLED = 0.6
"""Of the holes where nothing stood, so many get a thing."""


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
        return _told(captions.of_scene(rng, scene), scene, hole, (), named=True)
    if kind == "hole":
        scene, thing = _exchanged(rng, scene, hole, inside)
        text = captions.of_hole(rng, scene, thing) if thing else captions.of_place(rng, scene)
        return _told(text, scene, hole, [other for other in scene.things if other is not thing])
    shown = tuple(thing for thing in scene.things if _shows(thing, hole))
    if rng.random() < 0.4:
        scene = replace(scene, things=shown)
        return _told(captions.of_place(rng, scene), scene, hole, shown)
    changed = tuple(thing if thing in shown else _other(rng, thing) for thing in scene.things)
    scene = replace(scene, things=changed)
    return _told(captions.of_scene(rng, scene), scene, hole, shown, named=True)


def _told(text: str, scene: Scene, hole: Tensor, shown: Sequence[Thing], *, named: bool = False) -> Furnished:
    """named: whether the text is one of the whole scene."""
    size = scene.width, scene.height
    order = layers.order(captions.left_to_right(scene) if named else (), *size)
    seen = layers.fields(shown, *size) * ~hole
    return Furnished(text=text, fields=layers.fields(scene.things, *size), seen=seen, order=order)


def _exchanged(rng: Generator, scene: Scene, hole: Tensor, inside: int) -> tuple[Scene, Thing | None]:
    """The scene with another thing where one stood in the hole, or with one where none did; and that thing."""
    things = list(scene.things)
    if inside >= 0:
        thing = things[inside] = _other(rng, things[inside])
    elif rng.random() < FILLED and (made := _fitting(rng, hole)):
        thing = made
        things.append(thing)
    else:
        return scene, None
    return replace(scene, things=tuple(things)), thing


def _other(rng: Generator, thing: Thing) -> Thing:
    return replace(thing, kind=str(rng.choice(list(OBJECTS))), colour=str(rng.choice(list(COLOURS))))


def _fitting(rng: Generator, hole: Tensor) -> Thing | None:
    """A thing about as large as the hole's box, if that is larger than three cells."""
    rows, columns = (np.flatnonzero(hole.any(axis).numpy()) for axis in (1, 0))
    if min(len(rows), len(columns)) < 4:
        return None
    top, bottom = rows[0] * layers.CELL, (rows[-1] + 1) * layers.CELL
    left, right = columns[0] * layers.CELL, (columns[-1] + 1) * layers.CELL
    radius = float(rng.uniform(0.34, 0.48)) * min(bottom - top, right - left)
    x, y = (float(rng.uniform(low + radius, high - radius)) for low, high in ((left, right), (top, bottom)))
    kind, colour = str(rng.choice(list(OBJECTS))), str(rng.choice(list(COLOURS)))
    return Thing(kind=kind, colour=colour, x=x, y=y, radius=radius)


def _shows(thing: Thing, hole: Tensor) -> bool:
    """Whether any of its cells lies beside the hole."""
    alone = layers.fields([thing], hole.shape[1] * layers.CELL, hole.shape[0] * layers.CELL)
    inner = alone[:4].abs().amax(0) > 0.99 * layers.KIND
    return bool((inner & ~hole).any())
