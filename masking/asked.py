"""What one may ask of the mask tools."""

from dataclasses import dataclass
from pathlib import Path

from masking.plans import AS_IT_IS, Box, Matting, Shaping


@dataclass(frozen=True, kw_only=True)
class Usual:
    """The names that the preset takes where none is asked for."""

    mask_model: str
    sam_model: str
    dino_model: str


@dataclass(frozen=True, kw_only=True)
class MaskAsked:
    """A mask of what is in a picture; None = decide for me.

    `image`: an upright 8-bit RGB PNG on disk; `mask_input`: an "L" PNG, a mask to be refined. Thresholds lie in 0..1;
    `sam_max_detections` in 0..10, 0 = all; `dino_erode_or_dilate` is -64..64 pixels added to each side of a detection's
    box. points: (x, y) in pixels, with a label each (1 = on the object, 0 = beside it; None: all 1).
    """

    image: Path
    mask_model: str | None = None
    cloth_category: str | None = None
    dino_prompt_text: str | None = None
    sam_model: str | None = None
    dino_model: str | None = None
    box_threshold: float | None = None
    text_threshold: float | None = None
    sam_max_detections: int | None = None
    dino_erode_or_dilate: int | None = None
    dino_debug: bool | None = None
    points: tuple[tuple[float, float], ...] = ()
    labels: tuple[int, ...] | None = None
    boxes: tuple[Box, ...] = ()
    mask_input: Path | None = None
    multimask: bool | None = None
    post_process: bool | None = None
    alpha_matting: Matting | None = None
    shaping: Shaping = AS_IT_IS


@dataclass(frozen=True, kw_only=True)
class RegionsAsked:
    """Everything in a picture, each on its own; see `masking.plans.RegionsPlan`."""

    image: Path
    sam_model: str | None = None
    points_per_side: int | None = None
    overlap: float | None = None
    stability: float | None = None
    smallest: int | None = None
    most: int | None = None
