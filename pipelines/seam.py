"""The seam between what is kept and what is painted: smooth fills, and patches pasted without a step in colour."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masking.shape import surroundings
from pipelines.canvas import KNOWN
from pipelines.plans import Mask, Pixels

Field = NDArray[np.floating[Any]]
"""height × width × channels, 32-bit."""

FEWEST_SWEEPS, MOST_SWEEPS = 2, 60
WORK = 1_000_000
"""Pixels times sweeps on one level of the pyramid: small levels are relaxed well, large ones only touched up."""

SURE = 0.1
"""A cell of a smaller picture is known by the colour of its known part where that is more than this."""

BLENDED = 95
"""Mask values from this on show nothing but the patch."""

RING = 24
"""Known pixels around the hole that the correction looks at."""

SLOPE = 0.6
"""Of the correction's slope beside the hole, what goes on inside: over so few pixels a part of it is chance."""

STEEPEST_BESIDE, STEEPEST = 2.0, 6.0
"""Levels a pixel: no steeper slope beside the hole goes on inside, and no more is taken from the correction's own.

Steeper is the edge of a thing that the hole cuts, which would come to lie inside as a halo.
"""

REACH = 6.0
"""Pixels inside the hole at which the slope at its edge has had its largest effect."""

NEAR, FAR = 2, 6
"""The slope beside the hole: what is off within NEAR pixels of it, less what is off from there to FAR."""

OTHER, TIMES_OTHER = 24.0, 2.0
"""Levels, and times what is usual around the hole: off by more is not another tone but another content."""

FRINGE = 6.0
"""Pixels inside the hole over which that fades (to 1/e), so that a thing that touches the edge keeps its colours."""

TONE_BLUR = 9
"""Side of the square over which colours are averaged before tones are compared: detail is the patch's own affair."""

TONE_CALM = 50.0
"""Variance (levels²) that counts for "no change of contrast": where the ring is flat, its contrast tells nothing."""

GAINS = (0.7, 1.4)
"""No contrast is changed more than this."""

TONE_PIXELS = 1_000_000
"""Of more pixels than this, tones are compared on a shrunk copy."""


def fill(pixels: Pixels, hole: NDArray[np.bool_]) -> Pixels:
    """The picture with its hole (True) filled from the surroundings; all mid-grey where nothing is known."""
    if hole.all():
        return np.full_like(pixels, 128)
    smooth = membrane(pixels.astype(np.float32), ~hole)
    return np.where(hole[..., None], np.clip(np.rint(smooth), 0, 255).astype(np.uint8), pixels)


def cover(pixels: Pixels, hidden: NDArray[np.bool_], size: tuple[int, int]) -> Pixels:
    """`fill`, so that the picture can be scaled to `size` (w, h) without any of what is hidden showing at the edges.

    Where that is smaller, the filling is no finer.
    """
    import cv2

    width, height = size
    if not hidden.any() or hidden.all() or width * height >= hidden.size:
        return fill(pixels, hidden)
    known = cv2.resize((~hidden).astype(np.float32), size, interpolation=cv2.INTER_AREA)[..., None]
    sums = cv2.resize(np.where(hidden[..., None], np.uint8(0), pixels), size, interpolation=cv2.INTER_AREA)
    sure = known > SURE
    if not sure.any():
        return fill(pixels, hidden)
    means: Field = np.where(sure, sums.astype(np.float32) / np.maximum(known, np.float32(SURE)), np.float32(0))
    smooth = np.clip(np.rint(membrane(means, sure[..., 0])), 0, 255).astype(np.uint8)
    large = cv2.resize(smooth, (pixels.shape[1], pixels.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.where(hidden[..., None], large, pixels)


def paste(original: Pixels, patch: Pixels, mask: Mask) -> Pixels:
    """`original` with `patch` (same size) where the mask says so; every pixel at or below KNOWN stays as it is.

    First the patch gets the tone (contrast and colour, channel by channel) that makes it agree with the known pixels
    around the hole; what it is still off at the hole's edge is carried smoothly into the hole, so that neither a step
    in colour is left at the seam nor a crease. From KNOWN to BLENDED the patch's weight rises with the mask; above that
    it counts in full, for what is less than FULL was painted by degree.
    """
    hole = mask > KNOWN
    if not hole.any():
        return original
    area = surroundings(hole, RING)
    weight = np.clip((mask[area].astype(np.float32) - KNOWN) / (BLENDED - KNOWN), 0, 1)[..., None]
    kept, painted = original[area].astype(np.float32), patch[area].astype(np.float32)
    if not hole.all():
        known = ~hole[area]
        painted = _toned(kept, painted, known)
        painted += _carried(kept - painted, known)
    painted -= kept
    painted *= weight
    painted += kept
    result = original.copy()
    blended = np.clip(np.rint(painted, out=painted), 0, 255, out=painted).astype(np.uint8)
    np.copyto(result[area], blended, where=hole[area][..., None])
    return result


def _toned(kept: Field, painted: Field, known: NDArray[np.bool_]) -> Field:
    """`painted`, given the gain and offset per channel that fit it to `kept` where known, within RING of the hole."""
    import cv2

    small = [kept, painted, known.astype(np.float32)]
    if known.size > TONE_PIXELS:
        share = math.sqrt(TONE_PIXELS / known.size)
        small = [cv2.resize(field, None, fx=share, fy=share, interpolation=cv2.INTER_AREA) for field in small]
    sure = small[2] > 0.999
    beyond = cv2.distanceTransform(sure.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    ring = sure & (beyond <= RING)
    mass = cv2.blur(ring.astype(np.float32), (TONE_BLUR, TONE_BLUR))[ring][:, None]
    theirs, ours = (cv2.blur(field * ring[..., None], (TONE_BLUR, TONE_BLUR))[ring] / mass for field in small[:2])
    if not len(ours):
        return painted
    mean, own = ours.mean(0), theirs.mean(0)
    gain = _contrast(theirs - own, ours - mean)
    np.multiply(painted, gain, out=painted)
    np.add(painted, own - mean * gain, out=painted)
    return painted


def _contrast(theirs: Field, ours: Field) -> Field:
    """How much more contrast `theirs` has, channel by channel; both pixels × channels about a mean of 0.

    The ratio of the deviations, believed as far as the two go together (their correlation to the fourth power). A
    regression's slope would be too low by whatever the model paints otherwise than the picture, and the patch pale.
    """
    spread, known = (np.square(values).mean(0) + TONE_CALM for values in (ours, theirs))
    together = np.clip((theirs * ours).mean(0), 0, None) ** 2 / (spread * known)
    gain: Field = np.clip(1 + together**2 * (np.sqrt(known / spread) - 1), *GAINS).astype(np.float32)
    return gain


def _carried(off: Field, known: NDArray[np.bool_]) -> Field:
    """What a patch is off by (right where known), carried on into the hole without a step or a crease at its edge.

    A membrane alone leaves the edge as steeply as the edge is uneven, which shows as a crease. From it is taken a
    second one, times the distance from the edge: a surface of Laplace's equation squared, whose slope can be chosen.
    What is off because patch and picture show different things goes no farther than FRINGE.
    """
    import cv2

    depth = cv2.distanceTransform((~known).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    beyond = cv2.distanceTransform(known.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    tone = off * _tone_share(off, known, beyond)
    surface = membrane(tone, known)
    other = off - tone
    if other[known & (beyond < NEAR)].any():
        surface += membrane(other, known) * np.exp((1 - depth) / FRINGE)[..., None]
    edge = ~known & (_neighbours(known.astype(np.float32)[..., None])[..., 0] > 0)
    beside = _mean_around(off, known, edge, _neighbours)
    closest = known & (beyond < NEAR)
    near = _mean_around(off, closest, edge, _surrounding)
    far = _mean_around(off, np.where(closest, np.float32(1e-3), known & (beyond < FAR)), edge, _surrounding)
    goes_on = np.clip(SLOPE * (near - far) / ((NEAR + FAR) / 2 - 1), -STEEPEST_BESIDE, STEEPEST_BESIDE)
    slopes = np.zeros_like(off)
    slopes[edge] = np.clip(surface[edge] - beside - goes_on, -STEEPEST, STEEPEST)
    slopes = membrane(slopes, edge)
    slopes *= (depth * np.exp((1 - depth) / REACH))[..., None]
    surface -= slopes
    return surface


def _tone_share(off: Field, known: NDArray[np.bool_], beyond: Field) -> Field:
    """How much of what a patch is off by is a matter of tone, 0..1, height × width × 1, of means over 5² pixels."""
    import cv2

    shares = known.astype(np.float32)[..., None]
    means = cv2.blur(off * shares, (5, 5)) / np.maximum(cv2.blur(shares, (5, 5)), 1e-6)[..., None]
    by = np.abs(means).max(2)
    most = max(OTHER, TIMES_OTHER * float(np.median(by[known & (beyond <= NEAR + 1)])))
    share: Field = (most / np.maximum(by, most))[..., None]
    return share


def _mean_around(
    values: Field, weights: NDArray[Any], where: NDArray[np.bool_], averaged: Callable[[Field], Field]
) -> Field:
    """pixels × channels: for each pixel of `where` the mean of those around it by weight; 0 where none has any."""
    shares = weights.astype(np.float32)[..., None]
    mean: Field = averaged(values * shares)[where] / np.maximum(averaged(shares)[where], np.float32(1e-6))
    return mean


def _surrounding(field: Field) -> Field:
    """The mean of the square of pixels that reaches FAR to each side, there being nothing beyond a border."""
    import cv2

    side = (2 * FAR + 1, 2 * FAR + 1)
    return cv2.blur(field, side, borderType=cv2.BORDER_CONSTANT).reshape(field.shape)


def membrane(values: Field, known: NDArray[np.bool_]) -> Field:
    """`values` where known, and between them the smooth surface they span (Laplace's equation, free at the borders).

    Solved from coarse to fine on a pyramid; `known` must not be empty. Perez et al., "Poisson image editing", 2003.
    """
    weights = known[..., None].astype(np.float32)
    field = _level(values * weights, weights, whole=True)
    np.copyto(field, values, where=known[..., None])
    return field


def _level(sums: Field, weights: Field, *, whole: bool = False) -> Field:
    """The surface through sums / weights; cells without weight are free, others fixed. whole: weights are 0 or 1."""
    fixed = weights > 0
    means = sums if whole else sums / np.maximum(weights, np.float32(1e-6))
    if fixed.all() or max(weights.shape[:2]) == 1:
        return means
    coarse = _level(_halve(sums), _halve(weights))
    field = _double(coarse, sums.shape[:2])
    np.copyto(field, means, where=fixed)
    sweeps = min(MOST_SWEEPS, max(FEWEST_SWEEPS, WORK // fixed.size))
    for _ in range(sweeps):
        field = _neighbours(field)
        np.copyto(field, means, where=fixed)
    return field


def _halve(field: Field) -> Field:
    """Sums over squares of 2 × 2, nothing being beyond an odd side."""
    import cv2

    height, width = field.shape[:2]
    even = cv2.copyMakeBorder(field, 0, height % 2, 0, width % 2, cv2.BORDER_CONSTANT, value=0)
    halved = cv2.resize(even, (even.shape[1] // 2, even.shape[0] // 2), interpolation=cv2.INTER_AREA)
    return (halved * np.float32(4)).reshape(*halved.shape[:2], field.shape[2])


def _double(field: Field, shape: tuple[int, ...]) -> Field:
    """Twice as large, bilinear (each new pixel ¾ of the nearer and ¼ of the farther cell), cut to `shape`."""
    import cv2

    size = (2 * field.shape[1], 2 * field.shape[0])
    doubled: Field = cv2.resize(field, size, interpolation=cv2.INTER_LINEAR).reshape(size[1], size[0], field.shape[2])
    return np.ascontiguousarray(doubled[: shape[0], : shape[1]])


def _neighbours(field: Field) -> Field:
    """The mean of the four neighbours, those beyond a border being the pixel itself."""
    import cv2

    cross = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32) / 4
    mean: Field = cv2.filter2D(field, -1, cross, borderType=cv2.BORDER_REPLICATE)
    return mean.reshape(field.shape)
