"""What was decided about a mask: nothing open, ready for the worker."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, cast, get_args

from pydantic import TypeAdapter

ClothCategory = Literal["full", "upper", "lower"]
CLOTH_CATEGORIES = cast(tuple[ClothCategory, ...], get_args(ClothCategory))
Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels."""
Point = tuple[float, float, int]
"""x and y in pixels; 1 = on the object, 0 = beside it."""


@dataclass(frozen=True, kw_only=True)
class Shaping:
    """What is done to a finished mask, in this order. grow: pixels, below 0 it shrinks. feather: radius in pixels."""

    invert: bool = False
    grow: int = 0
    feather: float = 0.0


AS_IT_IS = Shaping()


@dataclass(frozen=True, kw_only=True)
class Matting:
    """rembg's alpha matting: above `foreground` and below `background` a mask is sure, `erode` pixels farther in."""

    foreground: int = 240
    background: int = 10
    erode: int = 10


@dataclass(frozen=True, kw_only=True)
class _Decided:
    """`image`: an upright 8-bit RGB PNG on disk. `warnings`: every fallback."""

    image: Path
    warnings: tuple[str, ...] = ()

    def to_json(self) -> str:
        return self._adapter().dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The plan that `to_json` wrote."""
        plan: Self = cls._adapter().validate_json(text)
        return plan

    @classmethod
    @functools.cache
    def _adapter(cls) -> TypeAdapter[Any]:
        """Kept, for to make one takes some ten milliseconds."""
        return TypeAdapter(cls)


@dataclass(frozen=True, kw_only=True)
class MaskPlan(_Decided):
    """The mask of what stands out. `model`: an installed mask model's name. mattings: one, or none for no matting.

    smooth: rembg's own post-processing, after which the mask is black and white.
    """

    model: str
    cloth_category: ClothCategory = "full"
    smooth: bool = False
    mattings: tuple[Matting, ...] = ()
    shaping: Shaping = AS_IT_IS


@dataclass(frozen=True, kw_only=True)
class ObjectsPlan(_Decided):
    """The mask of what words, boxes and points name. Each box is an object; the points together are one.

    segmenter, detector: installed names; "" where none is needed. phrases: in small letters, none where there are no
    words. most: how many of the detections count, the best by score; 0 = all. box_growth: pixels added to each side of
    a detection's box. boxes_only: white boxes instead of masks. earlier: masks ("L", the picture's shape) to be
    refined: one, or none. points_in_box: the points belong to the only box. several: the segmenter guesses three times
    and the best is taken; candidates: all three are told.
    """

    segmenter: str = ""
    detector: str = ""
    phrases: tuple[str, ...] = ()
    box_threshold: float = 0.3
    text_threshold: float = 0.25
    most: int = 0
    box_growth: int = 0
    boxes_only: bool = False
    boxes: tuple[Box, ...] = ()
    points: tuple[Point, ...] = ()
    points_in_box: bool = False
    earlier: tuple[Path, ...] = ()
    several: bool = False
    candidates: bool = False
    shaping: Shaping = AS_IT_IS


@dataclass(frozen=True, kw_only=True)
class RegionsPlan(_Decided):
    """All that a segmenter sees as one thing, asked by a grid of `points_per_side` squared points.

    overlap: a guess whose model-made score, `stability` one whose edge is less sure, is left out. smallest: pixels of
    a region. most: regions, the best by score.
    """

    segmenter: str
    points_per_side: int
    overlap: float
    stability: float
    smallest: int
    most: int
