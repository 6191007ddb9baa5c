"""Where a picture is painted: sizes, the crop around a mask, margins, and the way there and back. Pure arrays."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from masking.shape import bounding_box, grow, invert
from pipelines.plans import Mask, Pixels

KNOWN = 31
"""Mask values up to this are known: the picture stays as it is."""

FULL = 224
"""Mask values from this on are fully repainted; those between it and KNOWN by degree."""

LEAST_MARGIN = 8
"""Known pixels that a crop leaves around the mask on each side, where the picture has them."""

Box = tuple[int, int, int, int]
"""left, top, right, bottom; the last two excluded."""


@dataclass(frozen=True, kw_only=True)
class Frame:
    """How a part of a picture meets the model, (w, h): `inner` is its size when scaled, `painted` that rounded up."""

    inner: tuple[int, int]
    painted: tuple[int, int]


def paintable_size(width: int, height: int, side: int, multiple: int) -> tuple[int, int]:
    """The size at which a model of native side `side` paints a picture that is to be `width` × `height`.

    From half to twice the native area the picture's own, else the native area in the same shape (longest side at most
    twice the native one); always rounded to multiples of `multiple`.
    """
    area = width * height
    scale = 1.0 if side * side <= 2 * area <= 4 * side * side else side / math.sqrt(area)
    scale = min(scale, 2 * side / max(width, height))
    rounded = [max(1, round(length * scale / multiple)) * multiple for length in (width, height)]
    return rounded[0], rounded[1]


def varied_size(width: int, height: int, side: int) -> tuple[int, int]:
    """The size of a picture's variation: its own shape, from the native area to four times that (contract 7.3)."""
    scale = min(max(side / math.sqrt(width * height), 1.0), 2 * side / math.sqrt(width * height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def frame(width: int, height: int, side: int, multiple: int) -> Frame:
    """How a crop is painted: as it is from the native area to twice that, else scaled to the native area."""
    area = width * height
    scale = 1.0 if side * side <= area <= 2 * side * side else side / math.sqrt(area)
    scale = min(scale, 2 * side / max(width, height))
    inner = max(1, round(width * scale)), max(1, round(height * scale))
    return Frame(inner=inner, painted=(round_up(inner[0], multiple), round_up(inner[1], multiple)))


def round_up(length: int, multiple: int) -> int:
    """The next multiple that is not below `length`."""
    return -(-length // multiple) * multiple


def fit(pixels: Pixels, width: int, height: int) -> Pixels:
    """The picture scaled (Lanczos) to cover `width` × `height`, what hangs over cut off evenly."""
    scale = max(width / pixels.shape[1], height / pixels.shape[0])
    covering = max(width, round(pixels.shape[1] * scale)), max(height, round(pixels.shape[0] * scale))
    scaled = resize(pixels, *covering)
    left, top = (covering[0] - width) // 2, (covering[1] - height) // 2
    return np.ascontiguousarray(scaled[top : top + height, left : left + width])


def resize(pixels: Pixels, width: int, height: int) -> Pixels:
    """The picture at exactly that size, Lanczos; untouched where it has that size already."""
    if pixels.shape[:2] == (height, width):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS))


def margins(width: int, height: int, sides: Collection[str], distance: Box) -> Box:
    """Pixels added left, top, right, bottom: a chosen side's distance, or a third of the picture where that is 0."""
    thirds = {"Left": width // 3, "Top": height // 3, "Right": width // 3, "Bottom": height // 3}
    added = [
        (asked if asked > 0 else thirds[side]) if side in sides else 0
        for side, asked in zip(thirds, distance, strict=True)
    ]
    return added[0], added[1], added[2], added[3]


def expand(pixels: Pixels, mask: Mask, added: Box) -> tuple[Pixels, Mask]:
    """Picture and mask with margins (left, top, right, bottom): edges replicated, the margins masked."""
    left, top, right, bottom = added
    rows_columns = ((top, bottom), (left, right))
    return (
        np.pad(pixels, (*rows_columns, (0, 0)), mode="edge"),
        np.pad(mask, rows_columns, constant_values=255),
    )


def shape_mask(mask: Image.Image | None, size: tuple[int, int], *, inverted: bool, grown: int) -> Mask:
    """The mask as it counts, height × width, 255 = paint: at `size` (w, h), inverted, then grown. None is empty.

    A mask of nothing but 0 and 255 stays so when it is resized.
    """
    if mask is None:
        return np.zeros((size[1], size[0]), np.uint8)
    mask = mask.convert("L")
    if mask.size != size:
        binary = not any(mask.histogram()[1:255])
        mask = mask.resize(size, Image.Resampling.NEAREST if binary else Image.Resampling.BILINEAR)
    if inverted:
        mask = invert(mask)
    return np.asarray(grow(mask, grown))


def crop_around(mask: Mask, share: float) -> Box:
    """The part of a picture that the model sees: a square around the mask, grown until it is `share` of both sides.

    Contract section 7.1, steps 2 and 3. `mask` must not be empty. 0 = little more than the mask, 1 = the whole picture.
    """
    box = bounding_box(Image.fromarray(mask), above=KNOWN)
    if box is None:
        raise ValueError("an empty mask has no surroundings")
    height, width = mask.shape
    half = max((box[2] - 1 - box[0]) // 2, (box[3] - 1 - box[1]) // 2)
    half = max(int(half * 1.15), half + LEAST_MARGIN)
    x, y = (box[0] + box[2] - 1) // 2, (box[1] + box[3] - 1) // 2
    left, right = max(0, x - half), min(width, x + half + 1)
    top, bottom = max(0, y - half), min(height, y + half + 1)
    while right - left < share * width or bottom - top < share * height:
        if right - left == width or (bottom - top < right - left and bottom - top < height):
            top, bottom = max(0, top - 1), min(height, bottom + 1)
        else:
            left, right = max(0, left - 1), min(width, right + 1)
    return min(left, box[0]), min(top, box[1]), max(right, box[2]), max(bottom, box[3])


def stretch(pixels: Pixels, hole: NDArray[np.bool_], framed: Frame) -> tuple[Pixels, NDArray[np.bool_]]:
    """Crop and hole as the model sees them, at `framed.painted`; what the rounding up adds is part of the hole.

    A pixel of the small hole is set where it covers any of the large one.
    """
    grey = Image.fromarray(hole.astype(np.uint8) * 255).resize(framed.inner, Image.Resampling.BOX)
    right, bottom = (framed.painted[i] - framed.inner[i] for i in (0, 1))
    small = np.pad(resize(pixels, *framed.inner), ((0, bottom), (0, right), (0, 0)), mode="edge")
    return small, np.pad(np.asarray(grey) > 0, ((0, bottom), (0, right)), constant_values=True)


def degrees(mask: Mask) -> NDArray[np.float32]:
    """How much of each pixel is to be painted anew: 0 up to KNOWN, 1 from FULL on, between them by degree."""
    share: NDArray[np.float32] = np.clip((mask.astype(np.float32) - KNOWN) / (FULL - KNOWN), 0, 1)
    return share


def stretch_degrees(share: NDArray[np.float32], framed: Frame) -> NDArray[np.float32]:
    """`degrees` of a crop as the model sees them: each small pixel the mean of those it covers that are painted.

    So what was 0 or 1 stays so. What the rounding up adds is painted.
    """
    means, painted = (
        np.asarray(Image.fromarray(layer).resize(framed.inner, Image.Resampling.BOX))
        for layer in (share, (share > 0).astype(np.float32))
    )
    small = np.where(painted > 1e-6, means / np.maximum(painted, 1e-6), 0).astype(np.float32)
    right, bottom = (framed.painted[i] - framed.inner[i] for i in (0, 1))
    return np.pad(np.minimum(small, 1), ((0, bottom), (0, right)), constant_values=1)


def cells_of(share: NDArray[Any], cell: int) -> NDArray[np.float32]:
    """For each latent cell, `cell` × `cell` pixels, the largest of its pixels' values, 0..1."""
    height, width = share.shape
    blocks = share.astype(np.float32).reshape(height // cell, cell, width // cell, cell)
    cells: NDArray[np.float32] = blocks.max(axis=(1, 3))
    return cells
