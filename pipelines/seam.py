"""The seam between what is kept and what is painted: smooth fills, and patches pasted without a step in colour."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.canvas import FULL, KNOWN
from pipelines.plans import Mask, Pixels

Field = NDArray[np.floating[Any]]
"""height × width × channels, 32-bit."""

FEWEST_SWEEPS, MOST_SWEEPS = 2, 60
WORK = 1_000_000
"""Pixels times sweeps on one level of the pyramid: small levels are relaxed well, large ones only touched up."""

RING = 24
"""Known pixels around the hole that the correction looks at."""


def fill(pixels: Pixels, hole: NDArray[np.bool_]) -> Pixels:
    """The picture with its hole (True) filled from the surroundings; all mid-grey where nothing is known."""
    if hole.all():
        return np.full_like(pixels, 128)
    smooth = membrane(pixels.astype(np.float32), ~hole)
    return np.where(hole[..., None], np.clip(np.rint(smooth), 0, 255).astype(np.uint8), pixels)


def paste(original: Pixels, patch: Pixels, mask: Mask) -> Pixels:
    """`original` with `patch` (same size) where the mask says so; every pixel at or below KNOWN stays as it is.

    The patch is shifted by what it is off at the hole's edge, carried smoothly into the hole, so that no step in colour
    is left at the seam. From KNOWN to FULL the mask is the patch's weight.
    """
    hole = mask > KNOWN
    if not hole.any():
        return original
    area = _surroundings(hole)
    weight = np.clip((mask[area].astype(np.float32) - KNOWN) / (FULL - KNOWN), 0, 1)[..., None]
    kept, painted = original[area].astype(np.float32), patch[area].astype(np.float32)
    if not hole.all():
        painted += membrane(kept - painted, ~hole[area])
    blended = np.clip(np.rint(kept + weight * (painted - kept)), 0, 255).astype(np.uint8)
    result = original.copy()
    result[area] = np.where(hole[area][..., None], blended, original[area])
    return result


def _surroundings(hole: NDArray[np.bool_]) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(hole.any(axis=1)), np.flatnonzero(hole.any(axis=0))
    return (
        slice(max(0, rows[0] - RING), rows[-1] + 1 + RING),
        slice(max(0, columns[0] - RING), columns[-1] + 1 + RING),
    )


def membrane(values: Field, known: NDArray[np.bool_]) -> Field:
    """`values` where known, and between them the smooth surface they span (Laplace's equation, free at the borders).

    Solved from coarse to fine on a pyramid; `known` must not be empty. Perez et al., "Poisson image editing", 2003.
    """
    weights = known[..., None].astype(np.float32)
    field = _level(values * weights, weights)
    return np.where(known[..., None], values, field)


def _level(sums: Field, weights: Field) -> Field:
    """The surface through sums / weights; cells with no weight are free, all others fixed."""
    fixed = weights > 0
    means: Field = sums / np.maximum(weights, np.float32(1e-6))
    if fixed.all():
        return means
    if max(weights.shape[:2]) == 1:
        return means
    coarse = _level(_halve(sums), _halve(weights))
    field = np.where(fixed, means, _double(coarse, sums.shape[:2]))
    sweeps = min(MOST_SWEEPS, max(FEWEST_SWEEPS, WORK // fixed.size))
    for _ in range(sweeps):
        field = np.where(fixed, means, _neighbours(field))
    return field


def _halve(field: Field) -> Field:
    height, width = field.shape[:2]
    even = np.pad(field, ((0, height % 2), (0, width % 2), (0, 0)))
    return even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]


def _double(field: Field, shape: tuple[int, ...]) -> Field:
    """Twice as large, bilinear (each new pixel ¾ of the nearer and ¼ of the farther cell), cut to `shape`."""
    near, far = np.float32(0.75), np.float32(0.25)
    for axis in (0, 1):
        before = np.concatenate([field.take([0], axis), field.take(range(field.shape[axis] - 1), axis)], axis)
        after = np.concatenate([field.take(range(1, field.shape[axis]), axis), field.take([-1], axis)], axis)
        pair = np.stack([near * field + far * before, near * field + far * after], axis + 1)
        field = pair.reshape(*field.shape[:axis], -1, *field.shape[axis + 1 :])
    return field[: shape[0], : shape[1]]


def _neighbours(field: Field) -> Field:
    """The mean of the four neighbours, those beyond a border being the pixel itself."""
    padded = np.pad(field, ((1, 1), (1, 1), (0, 0)), mode="edge")
    return (padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]) * np.float32(0.25)
