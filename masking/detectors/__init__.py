"""From words to boxes. One file here per kind of detector; it is found by being here.

Such a file has a `library`: a `masking.shelf.Library[Detector]`. It imports heavy libraries inside its functions only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from masking.pictures import Picture
from masking.plans import Box
from masking.shelf import Shelf


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """Something that words name. score: 0..1. mask: rows × columns of bool, where the detector draws it itself."""

    box: Box
    score: float
    phrase: str
    mask: NDArray[np.bool_] | None = None


class Detector(Protocol):
    """A loaded detector."""

    def find(
        self, picture: Picture, phrases: Sequence[str], *, box_threshold: float, text_threshold: float
    ) -> Sequence[Found]:
        """All that one of the phrases (in small letters) names, with a score above `box_threshold`, in any order.

        text_threshold: how sure a single word must be to stand in what is told as `phrase`.
        """


shelf: Shelf[Detector] = Shelf(__name__, __path__, "detector")
