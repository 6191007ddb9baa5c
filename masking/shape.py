"""The shape of a mask: inverted, grown, shrunk, boxed, tidied.

Masks are PIL "L" images, 255 = paint here, or arrays of bool (rows × columns) where there is no grey.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from masking.plans import Shaping

Grey = NDArray[np.uint8]
Bits = NDArray[np.bool_]


def invert(mask: Image.Image) -> Image.Image:
    """255 - value, pixel by pixel; "L", same size."""
    return Image.fromarray(255 - np.asarray(mask.convert("L")))


def grow(mask: Image.Image, steps: int) -> Image.Image:
    """`steps` dilations with a 3 x 3 kernel, or -`steps` erosions when it is negative; "L", same size.

    Grey is kept: each pixel takes the largest (smallest) value in a square of side 2·|steps| + 1 around it.
    What lies beyond the edge counts for nothing, as in OpenCV.
    """
    if steps == 0:
        return mask.convert("L")
    pick: Callable[..., Grey] = np.maximum if steps > 0 else np.minimum
    pixels = np.asarray(mask.convert("L"))
    for axis in (0, 1):
        pixels = _reach(pixels, abs(steps), axis, pick)
    return Image.fromarray(pixels)


def bounding_box(mask: Image.Image, *, above: int = 0) -> tuple[int, int, int, int] | None:
    """(left, top, right, bottom) in pixels, the last two excluded, around all values over `above`; None if none is."""
    seen = np.asarray(mask.convert("L")) > above
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    if not rows.size:
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def surroundings(mask: Bits, reach: int) -> tuple[slice, slice]:
    """Rows and columns of all that is True, and `reach` pixels more on each side, as far as the picture has them."""
    left, top, right, bottom = bounding_box(Image.fromarray(mask.astype(np.uint8))) or (0, 0, 1, 1)
    return slice(max(top - reach, 0), bottom + reach), slice(max(left - reach, 0), right + reach)


def _reach(pixels: Grey, steps: int, axis: int, pick: Callable[..., Grey]) -> Grey:
    """The extreme of `steps` pixels to either side along `axis`: windows that double, so log2(steps) passes."""
    line = np.moveaxis(pixels, axis, 0)
    steps = min(steps, line.shape[0] - 1)
    worst = 0 if pick is np.maximum else 255
    padded = np.pad(line, [(steps, steps), (0, 0)], constant_values=worst)
    width, window = 2 * steps + 1, 1
    while window < width:
        stride = min(window, width - window)
        padded = pick(padded[:-stride], padded[stride:])
        window += stride
    return np.ascontiguousarray(np.moveaxis(padded, 0, axis))


def feather(mask: Image.Image, radius: float) -> Image.Image:
    """Soft edges: a Gaussian blur whose standard deviation is `radius` pixels; "L", same size."""
    grey = mask.convert("L")
    return grey.filter(ImageFilter.GaussianBlur(radius)) if radius > 0 else grey


def shaped(mask: Image.Image, shaping: Shaping) -> Image.Image:
    """Inverted, grown and feathered, as asked; "L", same size."""
    turned = invert(mask) if shaping.invert else mask
    return feather(grow(turned, shaping.grow), shaping.feather)


def close_holes(mask: Bits, smaller_than: int) -> Bits:
    """Fill what is False, smaller than that many pixels, and enclosed: no part of it lies at the picture's edge."""
    rows, columns = surroundings(mask, 1)
    inside = mask[rows, columns]
    labels, areas, boxes = _parts(~inside)
    height, width = inside.shape
    left, top, across, down = boxes.T
    at_edge = (left == 0) | (top == 0) | (left + across == width) | (top + down == height)
    fill = (areas < smaller_than) & ~at_edge
    if not fill[1:].any():
        return mask
    closed = mask.copy()
    closed[rows, columns] |= fill[labels]
    return closed


def drop_islands(mask: Bits, smaller_than: int) -> Bits:
    """Leave out parts of fewer pixels than that which are also less than a tenth of the largest part."""
    rows, columns = surroundings(mask, 1)
    labels, areas, _ = _parts(mask[rows, columns])
    drop = (areas < smaller_than) & (areas * 10 < areas[1:].max(initial=0))
    if not drop[1:].any():
        return mask
    left = mask.copy()
    left[rows, columns] &= ~drop[labels]
    return left


def _parts(mask: Bits) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Which part (8-connected, from 1; 0 = False) each pixel is of; areas; boxes (left, top, width, height).

    Part 0 has a huge area, so that no limit takes it for small.
    """
    import cv2

    _, labels, told, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    areas = told[:, cv2.CC_STAT_AREA].copy()
    areas[0] = np.iinfo(np.int32).max // 16
    return labels, areas, told[:, :4]
