"""The six places: each paints a background on a sheet, RGB float32 in 0..1, with its horizon where it is told.

Sky and ground are mottled all over, as watercolour is, with blots of three or four latent cells: what lies beyond a
border then has as much to show as what lies before it, and the autoencoder can carry it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from training.sheet import Sheet

Picture = NDArray[np.floating[Any]]


def _rgb(*value: int) -> Picture:
    return np.asarray(value, np.float32) / 255


def _gradient(sheet: Sheet, stops: list[tuple[float, Picture]]) -> Picture:
    at = (sheet.y / (sheet.height - 1)).astype(np.float32)
    rows = np.stack([np.interp(at, [s for s, _ in stops], [c[i] for _, c in stops]) for i in range(3)], -1)
    return np.repeat(rows[:, None].astype(np.float32), sheet.shape[1], 1)


def _over(picture: Picture, cover: Picture, colour: Picture) -> None:
    picture += cover[..., None] * (colour - picture)


def _disc(
    picture: Picture, sheet: Sheet, cx: float, cy: float, radius: float, colour: Picture, soft: float = 1.2
) -> None:
    reach = radius + soft
    rows, columns = sheet.window(cx - reach, cy - reach, cx + reach + 2, cy + reach + 2)
    distance = np.hypot(sheet.x[None, columns] - cx, sheet.y[rows, None] - cy).astype(np.float32) - radius
    _over(picture[rows, columns], np.clip(0.5 - distance / soft, 0, 1), colour)


def _cloud(picture: Picture, sheet: Sheet, cx: float, cy: float, size: float, colour: Picture) -> None:
    for dx, dy, r in ((-0.9, 0.1, 0.5), (-0.3, -0.15, 0.68), (0.35, -0.05, 0.6), (0.9, 0.15, 0.42)):
        _disc(picture, sheet, cx + dx * size, cy + dy * size, r * size, colour, 3.0)


def _ridge(
    picture: Picture, sheet: Sheet, rng: Generator, base: float, swell: float, top: Picture, bottom: Picture
) -> None:
    """Fill everything below a soft wave at `base` px with a gradient."""
    x = sheet.x.astype(np.float32)
    line = base + swell * np.sin(x / rng.uniform(38, 70) + rng.uniform(0, 6.3))
    line += 0.4 * swell * np.sin(x / rng.uniform(18, 30) + rng.uniform(0, 6.3))
    y = sheet.y.astype(np.float32)[:, None]
    cover = sheet.cover(line[None] - y).astype(np.float32)
    depth = np.clip((y - base) / max(sheet.height - base, 1), 0, 1)[..., None]
    picture += cover[..., None] * (top * (1 - depth) + bottom * depth - picture)


def _mottle(picture: Picture, sheet: Sheet, rng: Generator, rows: slice, depth: float, blot: tuple[int, int]) -> None:
    """Brighten and darken `rows` in blots of about (width, height) px by about ± `depth`, softly at the rows' ends."""
    height, width = sheet.height, sheet.width
    y = sheet.y.astype(np.float32)
    top, bottom, _ = rows.indices(height)
    fade = np.clip((y - top) / 8 + (top == 0), 0, 1) * np.clip((bottom - y) / 8 + (bottom == height), 0, 1)
    coarse = rng.standard_normal((height // blot[1] + 3, width // blot[0] + 3)).astype(np.float32)
    offset = rng.uniform(0, 1, 2)
    box = (offset[0], offset[1], offset[0] + width / blot[0], offset[1] + height / blot[1])
    blots = np.asarray(Image.fromarray(coarse).resize(sheet.shape[::-1], Image.Resampling.BICUBIC, box=box))
    picture += (depth * fade[:, None] * blots)[..., None]


def _meadow(rng: Generator, sheet: Sheet, horizon: float) -> Picture:
    picture = _gradient(
        sheet, [(0, _rgb(104, 178, 236)), (horizon / sheet.height, _rgb(200, 228, 244)), (1, _rgb(200, 228, 244))]
    )
    _mottle(picture, sheet, rng, slice(0, int(horizon)), 0.035, (30, 20))
    for _ in range(rng.integers(1, 4)):
        _cloud(
            picture,
            sheet,
            rng.uniform(0, sheet.width),
            rng.uniform(0.08, 0.7) * horizon,
            rng.uniform(14, 24),
            _rgb(255, 255, 255),
        )
    _ridge(picture, sheet, rng, horizon - 12, 9, _rgb(132, 190, 150), _rgb(132, 190, 150))
    _ridge(picture, sheet, rng, horizon + 4, 4, _rgb(142, 206, 96), _rgb(78, 158, 66))
    _mottle(picture, sheet, rng, slice(int(horizon), None), 0.05, (20, 14))
    return picture


def _desert(rng: Generator, sheet: Sheet, horizon: float) -> Picture:
    picture = _gradient(
        sheet, [(0, _rgb(128, 200, 222)), (horizon / sheet.height, _rgb(244, 228, 190)), (1, _rgb(244, 228, 190))]
    )
    _mottle(picture, sheet, rng, slice(0, int(horizon)), 0.03, (36, 20))
    _disc(
        picture,
        sheet,
        rng.uniform(0.1, 0.9) * sheet.width,
        rng.uniform(0.15, 0.4) * horizon,
        rng.uniform(13, 18),
        _rgb(255, 244, 190),
        5,
    )
    _ridge(picture, sheet, rng, horizon - 8, 9, _rgb(238, 196, 128), _rgb(238, 196, 128))
    _ridge(picture, sheet, rng, horizon + 8, 5, _rgb(240, 208, 140), _rgb(222, 168, 96))
    _mottle(picture, sheet, rng, slice(int(horizon), None), 0.045, (34, 14))
    return picture


def _sea(rng: Generator, sheet: Sheet, horizon: float) -> Picture:
    picture = _gradient(
        sheet, [(0, _rgb(108, 188, 240)), (horizon / sheet.height, _rgb(206, 234, 246)), (1, _rgb(206, 234, 246))]
    )
    _mottle(picture, sheet, rng, slice(0, int(horizon)), 0.035, (30, 20))
    for _ in range(rng.integers(1, 3)):
        _cloud(
            picture,
            sheet,
            rng.uniform(0, sheet.width),
            rng.uniform(0.1, 0.6) * horizon,
            rng.uniform(14, 24),
            _rgb(255, 255, 255),
        )
    _ridge(picture, sheet, rng, horizon, 0.6, _rgb(80, 176, 214), _rgb(24, 96, 166))
    _mottle(picture, sheet, rng, slice(int(horizon), None), 0.075, (30, 12))
    return picture


def _snow(rng: Generator, sheet: Sheet, horizon: float) -> Picture:
    picture = _gradient(
        sheet, [(0, _rgb(144, 168, 198)), (horizon / sheet.height, _rgb(200, 212, 228)), (1, _rgb(200, 212, 228))]
    )
    _mottle(picture, sheet, rng, slice(0, int(horizon)), 0.035, (24, 20))
    _ridge(picture, sheet, rng, horizon - 14, 10, _rgb(190, 204, 226), _rgb(190, 204, 226))
    _ridge(picture, sheet, rng, horizon + 4, 4, _rgb(243, 246, 251), _rgb(214, 226, 242))
    _mottle(picture, sheet, rng, slice(int(horizon), None), 0.028, (30, 16))
    for _ in range(rng.integers(8, 14)):
        _disc(
            picture,
            sheet,
            rng.uniform(0, sheet.width),
            rng.uniform(0, horizon),
            rng.uniform(2.4, 3.8),
            _rgb(255, 255, 255),
            3,
        )
    return picture


def _night(rng: Generator, sheet: Sheet, horizon: float) -> Picture:
    picture = _gradient(
        sheet, [(0, _rgb(16, 22, 62)), (horizon / sheet.height, _rgb(54, 64, 124)), (1, _rgb(54, 64, 124))]
    )
    _mottle(picture, sheet, rng, slice(0, int(horizon)), 0.035, (28, 20))
    for _ in range(rng.integers(6, 11)):
        _disc(
            picture,
            sheet,
            rng.uniform(0, sheet.width),
            rng.uniform(0, horizon),
            rng.uniform(1.8, 2.8),
            _rgb(246, 242, 210),
            2.5,
        )
    cx, cy, r = rng.uniform(0.1, 0.9) * sheet.width, rng.uniform(0.12, 0.35) * horizon, rng.uniform(12, 16)
    _disc(picture, sheet, cx, cy, r, _rgb(250, 240, 196), 4)
    _ridge(picture, sheet, rng, horizon - 8, 9, _rgb(34, 50, 94), _rgb(34, 50, 94))
    _ridge(picture, sheet, rng, horizon + 6, 4, _rgb(42, 70, 88), _rgb(22, 40, 62))
    _mottle(picture, sheet, rng, slice(int(horizon), None), 0.03, (24, 16))
    return picture


def _sunset(rng: Generator, sheet: Sheet, horizon: float) -> Picture:
    at = horizon / sheet.height
    picture = _gradient(
        sheet,
        [
            (0, _rgb(108, 66, 138)),
            (0.55 * at, _rgb(226, 100, 118)),
            (at, _rgb(248, 184, 100)),
            (1, _rgb(248, 184, 100)),
        ],
    )
    _mottle(picture, sheet, rng, slice(0, int(horizon)), 0.04, (40, 14))
    _disc(
        picture, sheet, rng.uniform(0.15, 0.85) * sheet.width, horizon - 8, rng.uniform(26, 36), _rgb(255, 236, 150), 6
    )
    _ridge(picture, sheet, rng, horizon - 4, 7, _rgb(142, 70, 112), _rgb(142, 70, 112))
    _ridge(picture, sheet, rng, horizon + 10, 4, _rgb(108, 58, 104), _rgb(64, 38, 80))
    _mottle(picture, sheet, rng, slice(int(horizon), None), 0.03, (24, 16))
    return picture


PLACES: dict[str, Callable[[Generator, Sheet, float], Picture]] = {
    "meadow": _meadow,
    "desert": _desert,
    "sea": _sea,
    "snow": _snow,
    "night": _night,
    "sunset": _sunset,
}
