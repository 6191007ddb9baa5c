"""What a scene is painted on, at any size: places are in pixels of the scene, however many pixels the sheet has."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.floating[Any]]


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """`scale` pixels of the sheet lie along one pixel of the scene, whose sides are `width` and `height`."""

    width: int
    height: int
    scale: float = 1.0

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return round(self.height * self.scale), round(self.width * self.scale)

    @cached_property
    def y(self) -> Positions:
        """Where the rows' centres lie in the scene, float64; the first row's is 0 at scale 1."""
        return (np.arange(self.shape[0]) + 0.5) * (self.height / self.shape[0]) - 0.5

    @cached_property
    def x(self) -> Positions:
        return (np.arange(self.shape[1]) + 0.5) * (self.width / self.shape[1]) - 0.5

    def window(self, left: float, top: float, right: float, bottom: float) -> tuple[slice, slice]:
        """Rows and columns that hold this box of the scene, as far as the sheet reaches; an empty one has no rows."""
        rows, columns = self._span(top, bottom, self.shape[0]), self._span(left, right, self.shape[1])
        return rows, columns

    def cover(self, distance: Positions) -> Positions:
        """How much of each pixel lies inside an edge that is `distance` px of the scene away, negative inside."""
        return np.clip(0.5 - distance * self.scale, 0, 1)

    def _span(self, start: float, end: float, length: int) -> slice:
        first, last = (int((at + 0.5) * self.scale - 0.5) for at in (start, end))
        return slice(min(max(first, 0), length), min(max(last, 0), length))
