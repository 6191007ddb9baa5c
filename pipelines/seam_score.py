"""How visible the seam of an edit is: steps of colour and of slope across the mask's edge, beside the picture's own."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masking.shape import surroundings
from pipelines.plans import Pixels

SCALES = (1, 4, 16)
"""Widths in pixels of the bands that are compared: a hair line, a rim, a halo."""

JUST_NOTICEABLE = 1.0
"""ΔE (CIE 1976) below which nobody sees a difference: no picture's own steps count as less."""

MOST_PIXELS = 2_000_000
"""A larger surrounding is measured shrunk to this."""

Field = NDArray[np.floating[Any]]


@dataclass(frozen=True, kw_only=True)
class SeamScore:
    """colour, slope: the largest over SCALES of the step across the edge divided by the picture's own nearby; about 1
    and below is what the picture does anyway. colour_step: ΔE from the last pixels that were kept to the first new.
    """

    colour: float
    slope: float
    colour_step: float


def measure(original: Pixels, edited: Pixels, hole: NDArray[np.bool_]) -> SeamScore | None:
    """The seam of `edited` (height × width × 3) around `hole` (True = painted), judged by `original`'s own steps.

    Changes beside the hole count, too, as far as the widest bands reach. None where the hole has no edge.
    """
    import cv2

    if hole.all() or not hole.any():
        return None
    area = surroundings(hole, 3 * max(SCALES))
    before, after, inside = original[area], edited[area], hole[area].astype(np.uint8)
    shrink = min(1.0, (MOST_PIXELS / inside.size) ** 0.5)
    if shrink < 1:
        size = (max(1, round(inside.shape[1] * shrink)), max(1, round(inside.shape[0] * shrink)))
        before, after = (
            cv2.resize(np.ascontiguousarray(x), size, interpolation=cv2.INTER_AREA) for x in (before, after)
        )
        inside = cv2.resize(inside, size, interpolation=cv2.INTER_NEAREST)
    if inside.all() or not inside.any():
        return None
    depth, true, made = _depth(inside), _lab(before), _lab(after)
    steps = [_steps(true, made, depth, scale) for scale in SCALES]
    return SeamScore(
        colour=max(colour / max(own, JUST_NOTICEABLE) for colour, own, _, _ in steps),
        slope=max(slope / max(own, JUST_NOTICEABLE) for _, _, slope, own in steps),
        colour_step=steps[0][0],
    )


def _lab(pixels: Pixels) -> Field:
    import cv2

    lab: Field = cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    return lab


def _depth(inside: NDArray[np.uint8]) -> Field:
    """Pixels from the edge, positive inside the hole; the nearest pixels on both sides have ±0.5."""
    import cv2

    within = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_5)
    beyond = cv2.distanceTransform(1 - inside, cv2.DIST_L2, cv2.DIST_MASK_5)
    depth: Field = np.where(inside > 0, within - 0.5, 0.5 - beyond)
    return depth


def _steps(before: Field, after: Field, depth: Field, scale: int) -> tuple[float, float, float, float]:
    """The mean step of colour and the picture's own, then of slope and the picture's own, at one width of bands.

    Three bands of `scale` pixels lie outside the edge and one within, each averaged around every pixel of the edge.
    """
    edge = np.abs(depth) < 1
    far, outer, near, new = (_local_mean(after, depth, low * scale, scale) for low in (-3, -2, -1, 0))
    true_far, true_outer, true_near = (_local_mean(before, depth, low * scale, scale) for low in (-3, -2, -1))
    colour = max(_mean(new - near, edge), _mean(near - outer, edge))
    slope = max(_mean((new - near) - (near - outer), edge), _mean((near - outer) - (outer - far), edge))
    own = _mean(true_near - true_outer, edge)
    return colour, own, slope, _mean((true_near - true_outer) - (true_outer - true_far), edge)


def _local_mean(lab: Field, depth: Field, low: int, scale: int) -> Field:
    """Each pixel's mean of the band from `low` to `low + scale` in a square that reaches it; NaN where none does."""
    import cv2

    side = 6 * scale + 1
    band = ((depth > low) & (depth <= low + scale)).astype(np.float32)
    mass = cv2.boxFilter(band, -1, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT)
    sums = cv2.boxFilter(lab * band[..., None], -1, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT)
    mean: Field = sums / np.where(mass > 0.5, mass, np.nan)[..., None]
    return mean


def _mean(difference: Field, edge: NDArray[np.bool_]) -> float:
    lengths = np.sqrt(np.square(difference[edge]).sum(-1))
    lengths = lengths[np.isfinite(lengths)]
    return float(lengths.mean()) if lengths.size else 0.0
