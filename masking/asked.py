"""What one may ask of the mask tool."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class MaskAsked:
    """A mask of what is in a picture; None = decide for me.

    `image`: an upright 8-bit RGB PNG on disk. Thresholds lie in 0..1; `sam_max_detections` in 0..10, 0 = all;
    `dino_erode_or_dilate` is -64..64 pixels added to each side of a box. The last seven concern "sam" only.
    """

    image: Path
    mask_model: str | None = None
    cloth_category: str | None = None
    dino_prompt_text: str | None = None
    sam_model: str | None = None
    box_threshold: float | None = None
    text_threshold: float | None = None
    sam_max_detections: int | None = None
    dino_erode_or_dilate: int | None = None
    dino_debug: bool | None = None
