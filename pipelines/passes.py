"""The runs of the model that an edit is made of: one, or for long extensions several, each going on from the last."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipelines import canvas
from pipelines.canvas import Box
from pipelines.plans import Size


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One run. region: what it paints, None: what the mask says. box: the part that the model sees.

    Both lie in the picture with its margins. inner, painted: see `canvas.Frame`.
    """

    region: Box | None
    box: Box
    inner: tuple[int, int]
    painted: tuple[int, int]


def framed(region: Box | None, box: Box, side: int, multiple: int) -> Pass:
    """A pass for a checkpoint of native side `side`."""
    frame = canvas.frame(box[2] - box[0], box[3] - box[1], side, multiple)
    return Pass(region=region, box=box, inner=frame.inner, painted=frame.painted)


def largest(runs: Sequence[Pass], share: float, side: int, multiple: int) -> Size:
    """The most that is painted at once, if the picture had `share` of its sides."""
    boxes = ([max(1, round((run.box[i + 2] - run.box[i]) * share)) for i in (0, 1)] for run in runs)
    return max((canvas.frame(width, height, side, multiple).painted for width, height in boxes), key=math.prod)


def are_long(size: tuple[int, int], margins: Box, side: int) -> bool:
    """Whether a margin (left, top, right, bottom) of a picture is more than one run may invent: half of what it sees.

    It sees the native side, or of a larger picture a square of its other side.
    """
    limits = _limits(size, side)
    return any(margin > limits[i % 2] for i, margin in enumerate(margins))


def _limits(size: tuple[int, int], side: int) -> tuple[int, int]:
    """How deep a strip at the left or right, and one at the top or bottom, may be."""
    return max(side, size[1]) // 2, max(side, size[0]) // 2


def strips(size: tuple[int, int], margins: Box, side: int) -> Iterator[tuple[Box, Box]]:
    """Region and box of each run that fills the margins: top, bottom, left, right, each from the inside outwards.

    A strip runs along all that is known by then, so that corners go on from both of their sides.
    """
    known = [margins[0], margins[1], margins[0] + size[0], margins[1] + size[1]]
    for end in (1, 3, 0, 2):
        axis, across = end % 2, 1 - end % 2
        length = known[across + 2] - known[across]
        seen = max(side, length)
        runs = -(-margins[end] // max(1, seen // 2))
        for run in range(runs):
            depth = margins[end] * (run + 1) // runs - margins[end] * run // runs
            region, box = list(known), list(known)
            if end < 2:
                region[axis], region[axis + 2] = known[axis] - depth, known[axis]
                box[axis], box[axis + 2] = region[axis], min(known[axis + 2], region[axis] + seen)
            else:
                region[axis], region[axis + 2] = known[axis + 2], known[axis + 2] + depth
                box[axis], box[axis + 2] = max(known[axis], region[axis + 2] - seen), region[axis + 2]
            known[end] = region[end]
            yield (region[0], region[1], region[2], region[3]), (box[0], box[1], box[2], box[3])
