"""The eight things that live in the world, each as parts painted one over the other.

An object's own units: it fits the square [-1, 1]², y grows downwards, and y = 1 is where it stands.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from training.shapes import Field, box, circle, ellipse, polygon, segment, star

Tint = Literal["own", "own_dark", "own_light", "wood", "cream", "glass", "ink"]
Shade = Literal["flat", "round", "soft"]


@dataclass(frozen=True, kw_only=True)
class Part:
    """One shape: its distance field in the object's units, what colours it, how light falls on it."""

    distance: Callable[[Field, Field], Field]
    tint: Tint
    shade: Shade = "soft"
    outline: bool = True


def _crown(x: Field, y: Field) -> Field:
    low = np.minimum(circle(x, y, -0.38, -0.08, 0.42), circle(x, y, 0.38, -0.08, 0.42))
    return np.minimum(low, np.minimum(circle(x, y, 0, -0.5, 0.48), circle(x, y, 0, 0.02, 0.4)))


def _cap(x: Field, y: Field) -> Field:
    return np.maximum(ellipse(x, y, 0, 0.1, 0.92, 0.98), y - 0.12)


OBJECTS: dict[str, tuple[Part, ...]] = {
    "ball": (Part(distance=lambda x, y: circle(x, y, 0, 0.12, 0.86), tint="own", shade="round"),),
    "box": (
        Part(
            distance=lambda x, y: polygon(x, y, [(-0.85, -0.28), (-0.45, -0.7), (0.9, -0.7), (0.5, -0.28)]),
            tint="own_light",
            shade="flat",
        ),
        Part(
            distance=lambda x, y: polygon(x, y, [(0.5, -0.28), (0.9, -0.7), (0.9, 0.55), (0.5, 0.97)]),
            tint="own_dark",
            shade="flat",
        ),
        Part(distance=lambda x, y: box(x, y, -0.175, 0.345, 0.675, 0.625), tint="own", shade="soft"),
    ),
    "star": (Part(distance=lambda x, y: polygon(x, y - 0.06, star(0.93, 0.44), 0.05), tint="own"),),
    "tree": (
        Part(distance=lambda x, y: polygon(x, y, [(-0.13, 0.2), (0.13, 0.2), (0.2, 0.98), (-0.2, 0.98)]), tint="wood"),
        Part(distance=_crown, tint="own"),
    ),
    "house": (
        Part(distance=lambda x, y: box(x, y, 0, 0.42, 0.68, 0.55), tint="own"),
        Part(distance=lambda x, y: polygon(x, y, [(-0.9, -0.1), (0, -0.92), (0.9, -0.1)], 0.04), tint="own_dark"),
        Part(distance=lambda x, y: box(x, y, 0.28, 0.62, 0.18, 0.35), tint="wood"),
        Part(distance=lambda x, y: box(x, y, -0.3, 0.38, 0.2, 0.2), tint="glass"),
    ),
    "boat": (
        Part(distance=lambda x, y: segment(x, y, (0, -0.88), (0, 0.4), 0.035), tint="wood", outline=False),
        Part(distance=lambda x, y: polygon(x, y, [(0.1, -0.85), (0.1, 0.26), (0.78, 0.26)]), tint="cream"),
        Part(distance=lambda x, y: polygon(x, y, [(-0.1, -0.62), (-0.1, 0.26), (-0.6, 0.26)]), tint="cream"),
        Part(
            distance=lambda x, y: polygon(x, y, [(-0.9, 0.4), (0.9, 0.4), (0.56, 0.9), (-0.56, 0.9)], 0.06), tint="own"
        ),
    ),
    "balloon": (
        Part(distance=lambda x, y: segment(x, y, (0, 0.5), (0.05, 0.98), 0.02), tint="ink", outline=False),
        Part(distance=lambda x, y: polygon(x, y, [(0, 0.4), (0.12, 0.6), (-0.12, 0.6)]), tint="own_dark"),
        Part(distance=lambda x, y: ellipse(x, y, 0, -0.24, 0.64, 0.72), tint="own", shade="round"),
    ),
    "mushroom": (
        Part(distance=lambda x, y: box(x, y, 0, 0.45, 0.26, 0.52, 0.15), tint="cream"),
        Part(distance=_cap, tint="own"),
        Part(distance=lambda x, y: circle(x, y, -0.42, -0.24, 0.15), tint="cream", shade="flat", outline=False),
        Part(distance=lambda x, y: circle(x, y, 0.1, -0.5, 0.17), tint="cream", shade="flat", outline=False),
        Part(distance=lambda x, y: circle(x, y, 0.5, -0.16, 0.14), tint="cream", shade="flat", outline=False),
    ),
}
FLOATING = frozenset({"balloon", "star"})

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (214, 44, 46),
    "orange": (244, 136, 32),
    "yellow": (252, 216, 56),
    "green": (58, 160, 72),
    "blue": (44, 104, 222),
    "purple": (132, 70, 188),
    "pink": (248, 150, 196),
    "white": (246, 246, 246),
    "black": (44, 42, 50),
    "brown": (126, 80, 46),
}
