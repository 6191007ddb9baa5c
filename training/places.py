"""The six places: each paints a background of height × width, RGB float32 in 0..1, and says where its horizon lies."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Picture = NDArray[np.floating[Any]]


def _rgb(*value: int) -> Picture:
    return np.asarray(value, np.float32) / 255


def _gradient(height: int, width: int, stops: list[tuple[float, Picture]]) -> Picture:
    at = np.linspace(0, 1, height, dtype=np.float32)
    rows = np.stack([np.interp(at, [s for s, _ in stops], [c[i] for _, c in stops]) for i in range(3)], -1)
    return np.repeat(rows[:, None].astype(np.float32), width, 1)


def _over(picture: Picture, cover: Picture, colour: Picture) -> None:
    picture += cover[..., None] * (colour - picture)


def _grid(height: int, width: int) -> tuple[Picture, Picture]:
    return np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))


def _disc(picture: Picture, cx: float, cy: float, radius: float, colour: Picture, soft: float = 1.2) -> None:
    x0, x1 = int(max(cx - radius - soft, 0)), int(min(cx + radius + soft + 2, picture.shape[1]))
    y0, y1 = int(max(cy - radius - soft, 0)), int(min(cy + radius + soft + 2, picture.shape[0]))
    if x0 >= x1 or y0 >= y1:
        return
    y, x = np.ogrid[y0:y1, x0:x1]
    distance = np.hypot(x - cx, y - cy).astype(np.float32) - radius
    _over(picture[y0:y1, x0:x1], np.clip(0.5 - distance / soft, 0, 1), colour)


def _cloud(picture: Picture, cx: float, cy: float, size: float, colour: Picture) -> None:
    for dx, dy, r in ((-0.9, 0.1, 0.5), (-0.3, -0.15, 0.68), (0.35, -0.05, 0.6), (0.9, 0.15, 0.42)):
        _disc(picture, cx + dx * size, cy + dy * size, r * size, colour, 3.0)


def _ridge(picture: Picture, rng: Generator, base: float, swell: float, top: Picture, bottom: Picture) -> None:
    """Fill everything below a soft wave at `base` px with a gradient."""
    height, width = picture.shape[:2]
    x = np.arange(width, dtype=np.float32)
    line = base + swell * np.sin(x / rng.uniform(38, 70) + rng.uniform(0, 6.3))
    line += 0.4 * swell * np.sin(x / rng.uniform(18, 30) + rng.uniform(0, 6.3))
    y = np.arange(height, dtype=np.float32)[:, None]
    cover = np.clip(y - line[None] + 0.5, 0, 1).astype(np.float32)
    depth = np.clip((y - base) / max(height - base, 1), 0, 1)[..., None]
    picture += cover[..., None] * (top * (1 - depth) + bottom * depth - picture)


def _meadow(rng: Generator, height: int, width: int, horizon: float) -> Picture:
    picture = _gradient(
        height, width, [(0, _rgb(118, 190, 242)), (horizon / height, _rgb(214, 238, 250)), (1, _rgb(214, 238, 250))]
    )
    for _ in range(rng.integers(1, 4)):
        _cloud(
            picture, rng.uniform(0, width), rng.uniform(0.08, 0.7) * horizon, rng.uniform(14, 24), _rgb(255, 255, 255)
        )
    _ridge(picture, rng, horizon - 12, 9, _rgb(132, 190, 150), _rgb(132, 190, 150))
    _ridge(picture, rng, horizon + 4, 4, _rgb(142, 206, 96), _rgb(78, 158, 66))
    for _ in range(rng.integers(4, 9)):
        y = rng.uniform(horizon + 18, height)
        _disc(picture, rng.uniform(0, width), y, rng.uniform(1.6, 2.6), _rgb(250, 246, 214))
    return picture


def _desert(rng: Generator, height: int, width: int, horizon: float) -> Picture:
    picture = _gradient(
        height, width, [(0, _rgb(134, 206, 226)), (horizon / height, _rgb(252, 236, 196)), (1, _rgb(252, 236, 196))]
    )
    _disc(
        picture,
        rng.uniform(0.1, 0.9) * width,
        rng.uniform(0.15, 0.4) * horizon,
        rng.uniform(13, 18),
        _rgb(255, 244, 190),
        3,
    )
    _ridge(picture, rng, horizon - 8, 9, _rgb(238, 196, 128), _rgb(238, 196, 128))
    _ridge(picture, rng, horizon + 8, 5, _rgb(246, 214, 146), _rgb(222, 168, 96))
    return picture


def _sea(rng: Generator, height: int, width: int, horizon: float) -> Picture:
    picture = _gradient(
        height, width, [(0, _rgb(120, 198, 246)), (horizon / height, _rgb(222, 244, 252)), (1, _rgb(222, 244, 252))]
    )
    for _ in range(rng.integers(1, 3)):
        _cloud(
            picture, rng.uniform(0, width), rng.uniform(0.1, 0.6) * horizon, rng.uniform(14, 24), _rgb(255, 255, 255)
        )
    _ridge(picture, rng, horizon, 0.6, _rgb(80, 176, 214), _rgb(24, 96, 166))
    x, y = _grid(height, width)
    rows = np.arange(horizon + 10, height + 8, 17)
    for row in rows:
        line = row + 2.2 * np.sin(x[0] / rng.uniform(7, 9) + rng.uniform(0, 6.3))
        cover = np.clip(1.6 - np.abs(y - line[None]), 0, 1) * 0.45
        _over(picture, cover.astype(np.float32), _rgb(190, 232, 244))
    return picture


def _snow(rng: Generator, height: int, width: int, horizon: float) -> Picture:
    picture = _gradient(
        height, width, [(0, _rgb(156, 180, 208)), (horizon / height, _rgb(214, 224, 238)), (1, _rgb(214, 224, 238))]
    )
    _ridge(picture, rng, horizon - 14, 10, _rgb(196, 210, 230), _rgb(196, 210, 230))
    _ridge(picture, rng, horizon + 4, 4, _rgb(252, 253, 255), _rgb(216, 228, 244))
    for _ in range(rng.integers(14, 24)):
        _disc(picture, rng.uniform(0, width), rng.uniform(0, horizon), rng.uniform(1.8, 3.0), _rgb(255, 255, 255))
    return picture


def _night(rng: Generator, height: int, width: int, horizon: float) -> Picture:
    picture = _gradient(
        height, width, [(0, _rgb(14, 20, 58)), (horizon / height, _rgb(52, 62, 122)), (1, _rgb(52, 62, 122))]
    )
    for _ in range(rng.integers(10, 18)):
        _disc(picture, rng.uniform(0, width), rng.uniform(0, horizon), rng.uniform(1.1, 2.0), _rgb(246, 242, 210))
    cx, cy, r = rng.uniform(0.1, 0.9) * width, rng.uniform(0.12, 0.35) * horizon, rng.uniform(12, 16)
    _disc(picture, cx, cy, r, _rgb(250, 240, 196), 2)
    _ridge(picture, rng, horizon - 8, 9, _rgb(32, 48, 92), _rgb(32, 48, 92))
    _ridge(picture, rng, horizon + 6, 4, _rgb(38, 66, 84), _rgb(16, 32, 54))
    return picture


def _sunset(rng: Generator, height: int, width: int, horizon: float) -> Picture:
    at = horizon / height
    picture = _gradient(
        height,
        width,
        [
            (0, _rgb(108, 66, 138)),
            (0.55 * at, _rgb(226, 100, 118)),
            (at, _rgb(255, 190, 104)),
            (1, _rgb(255, 190, 104)),
        ],
    )
    _disc(picture, rng.uniform(0.15, 0.85) * width, horizon - 8, rng.uniform(26, 36), _rgb(255, 236, 150), 4)
    _ridge(picture, rng, horizon - 4, 7, _rgb(142, 70, 112), _rgb(142, 70, 112))
    _ridge(picture, rng, horizon + 10, 4, _rgb(104, 54, 100), _rgb(58, 32, 74))
    return picture


PLACES: dict[str, Callable[[Generator, int, int, float], Picture]] = {
    "meadow": _meadow,
    "desert": _desert,
    "sea": _sea,
    "snow": _snow,
    "night": _night,
    "sunset": _sunset,
}
