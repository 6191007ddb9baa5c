"""The shape of a mask: inverted, grown, shrunk, boxed. Masks are PIL "L" images, 255 = paint here."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Grey = NDArray[np.uint8]


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
