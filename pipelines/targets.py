"""A shape or size that a picture shall be continued to, and how far that is on each side."""

import re
from typing import Literal, get_args

from masking.errors import InvalidValue
from pipelines.canvas import Box

Anchor = Literal[
    "center", "left", "right", "top", "bottom", "top-left", "top-right", "bottom-left", "bottom-right"
]  # fmt: skip
"""Where in the larger picture the given one lies."""

RATIO = re.compile(r"\s*(\d{1,5}(?:\.\d+)?)\s*:\s*(\d{1,5}(?:\.\d+)?)\s*")
SIZE = re.compile(r"\s*(\d{1,5})\s*[*×xX]\s*(\d{1,5})\s*")


def margins_to(size: tuple[int, int], target: str, anchor: str) -> Box:
    """Pixels left, top, right, bottom that make a picture of `size` (w, h) one of the target's: "16:9" or "1920x1080".

    Raises InvalidValue for a target that cannot be read, is smaller than the picture, or is reached already.
    """
    if anchor not in get_args(Anchor):
        raise InvalidValue(
            f"{anchor!r} is no anchor: take one of {', '.join(get_args(Anchor))}.", field="outpaint_anchor"
        )
    width, height = _target(size, target)
    if (width, height) == size:
        raise InvalidValue(f"The picture has the shape {target.strip()} already.", field="outpaint_target")
    if width < size[0] or height < size[1]:
        raise InvalidValue(
            f"{target.strip()} is smaller than the picture of {size[0]}x{size[1]} pixels: give a shape such as 16:9, "
            "or make the picture smaller.",
            field="outpaint_target",
        )
    left = _before(width - size[0], "left" in anchor, "right" in anchor)
    top = _before(height - size[1], "top" in anchor, "bottom" in anchor)
    return left, top, width - size[0] - left, height - size[1] - top


def _before(room: int, first: bool, last: bool) -> int:
    """How much of the room lies before the picture, which lies first, last, or in the middle."""
    return 0 if first else room if last else room // 2


def _target(size: tuple[int, int], target: str) -> tuple[int, int]:
    if found := SIZE.fullmatch(target):
        return int(found[1]), int(found[2])
    found = RATIO.fullmatch(target)
    if not found or not float(found[1]) or not float(found[2]):
        raise InvalidValue(
            f'outpaint_target {target!r} is neither a shape like "16:9" nor a size like "1920x1080".',
            field="outpaint_target",
        )
    shape = float(found[1]) / float(found[2])
    return max(size[0], round(size[1] * shape)), max(size[1], round(size[0] / shape))
