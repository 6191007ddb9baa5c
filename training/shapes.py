"""Signed distance functions the picture-book world is drawn with.

Every function takes `x` and `y`, float32 arrays of one shape in the object's own units (y grows downwards), and
returns distances of that shape: negative inside, positive outside, 0 on the edge.
Formulas after Inigo Quilez, "2D distance functions" (https://iquilezles.org/articles/distfunctions2d/).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.floating[Any]]


def circle(x: Field, y: Field, cx: float, cy: float, radius: float) -> Field:
    return np.hypot(x - cx, y - cy) - radius


def ellipse(x: Field, y: Field, cx: float, cy: float, rx: float, ry: float) -> Field:
    """First-order distance: exact on the edge, close to it near the edge."""
    u, v = (x - cx) / rx, (y - cy) / ry
    norm = np.hypot(u, v) + 1e-6
    slope = np.hypot(u / rx, v / ry) + 1e-6
    return norm * (norm - 1.0) / slope


def box(x: Field, y: Field, cx: float, cy: float, hx: float, hy: float, round_: float = 0.0) -> Field:
    dx, dy = np.abs(x - cx) - hx + round_, np.abs(y - cy) - hy + round_
    outside = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0))
    return outside + np.minimum(np.maximum(dx, dy), 0) - round_


def polygon(x: Field, y: Field, points: list[tuple[float, float]], round_: float = 0.0) -> Field:
    """`points` in order, either way round; `round_` grows the polygon and rounds its corners."""
    px, py = points[0]
    nearest = (x - px) ** 2 + (y - py) ** 2
    inside = np.zeros(x.shape, bool)
    previous = points[-1]
    for current in points:
        ex, ey = previous[0] - current[0], previous[1] - current[1]
        wx, wy = x - current[0], y - current[1]
        along = np.clip((wx * ex + wy * ey) / (ex * ex + ey * ey), 0, 1)
        nearest = np.minimum(nearest, (wx - ex * along) ** 2 + (wy - ey * along) ** 2)
        crosses = (y >= current[1]) != (y >= previous[1])
        left = wx * ey < ex * wy if ey > 0 else wx * ey > ex * wy
        inside ^= crosses & left
        previous = current
    return np.where(inside, -1, 1).astype(np.float32) * np.sqrt(nearest) - round_


def segment(x: Field, y: Field, a: tuple[float, float], b: tuple[float, float], width: float) -> Field:
    ex, ey = b[0] - a[0], b[1] - a[1]
    wx, wy = x - a[0], y - a[1]
    along = np.clip((wx * ex + wy * ey) / (ex * ex + ey * ey), 0, 1)
    return np.hypot(wx - ex * along, wy - ey * along) - width


def star(outer: float, inner: float, points: int = 5) -> list[tuple[float, float]]:
    corners = []
    for k in range(2 * points):
        radius = outer if k % 2 == 0 else inner
        angle = np.pi * k / points - np.pi / 2
        corners.append((float(radius * np.cos(angle)), float(radius * np.sin(angle))))
    return corners
