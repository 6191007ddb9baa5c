"""From words, boxes, points and an earlier mask to what a detector and a segmenter will do."""

import math
from pathlib import Path

from PIL import Image

from configs.settings import Settings
from masking import detectors, phrases, segmenters
from masking.asked import MaskAsked, RegionsAsked, Usual
from masking.errors import InvalidValue
from masking.names import present, replaced
from masking.plans import Box, ObjectsPlan, Point, RegionsPlan

USUAL = "vit_b"
"""FooocusAPI's own default: whoever names it may not have chosen it."""
SAME_SHAPE = 0.01
"""How much an earlier mask's aspect ratio may differ from the picture's."""


def resolve(
    asked: MaskAsked, segmenter: str, settings: Settings, usual: Usual, *, warnings: tuple[str, ...]
) -> ObjectsPlan:
    """The plan for a mask of objects; `segmenter` is the asked one, "" where it is left open.

    Raises InvalidValue or ModelMissing, each with the name of the field.
    """
    words = phrases.split(asked.dino_prompt_text or "")
    boxes, points = _boxes(asked), _points(asked)
    _refuse_nothing(asked, words)
    earlier, resized = _earlier(asked, words)
    pointed = bool(boxes or points or earlier)
    segmenter, fallback = _segmenter(segmenter, settings, usual, words_only=not pointed and bool(words))
    detector = _detector(asked, segmenter, settings, usual) if words else ""
    one_point = len(points) == 1 and not (words or boxes or earlier)
    return ObjectsPlan(
        image=asked.image,
        segmenter=segmenter,
        detector=detector,
        phrases=words,
        box_threshold=0.3 if asked.box_threshold is None else asked.box_threshold,
        text_threshold=0.25 if asked.text_threshold is None else asked.text_threshold,
        most=asked.sam_max_detections or 0,
        box_growth=asked.dino_erode_or_dilate or 0,
        boxes_only=asked.dino_debug or False,
        boxes=boxes,
        points=points,
        points_in_box=len(boxes) == 1 and not words,
        earlier=earlier,
        several=one_point if asked.multimask is None else asked.multimask,
        candidates=asked.multimask or False,
        shaping=asked.shaping,
        warnings=(*warnings, *fallback, *resized),
    )


def resolve_regions(asked: RegionsAsked, settings: Settings, usual: Usual) -> RegionsPlan:
    """The plan for all regions of a picture. Raises InvalidValue or ModelMissing with the name of the field."""
    segmenter, warnings = _segmenter(asked.sam_model or "", settings, usual, words_only=False)
    return RegionsPlan(
        image=asked.image,
        segmenter=segmenter,
        points_per_side=asked.points_per_side or 16,
        overlap=0.8 if asked.overlap is None else asked.overlap,
        stability=0.9 if asked.stability is None else asked.stability,
        smallest=100 if asked.smallest is None else asked.smallest,
        most=asked.most or 255,
        warnings=warnings,
    )


def _segmenter(name: str, settings: Settings, usual: Usual, *, words_only: bool) -> tuple[str, tuple[str, ...]]:
    """words_only: a detector that draws masks itself will do, too."""
    shelf = segmenters.shelf
    installed = shelf.installed(settings)
    name, fallback = replaced(name or usual.sam_model, USUAL, usual.sam_model, installed, "sam_model")
    if name not in installed and name in detectors.shelf.installed(settings):
        if words_only:
            return name, fallback
        raise InvalidValue(f'sam_model "{name}" finds words only, no points or boxes.', field="sam_model")
    return present(name, installed, shelf.known(), "sam_model", settings), fallback


def _detector(asked: MaskAsked, segmenter: str, settings: Settings, usual: Usual) -> str:
    """The one asked for, else the segmenter itself where it reads words, else the preset's own."""
    shelf = detectors.shelf
    installed = shelf.installed(settings)
    if asked.dino_model is None and segmenter in installed:
        return segmenter
    return present(asked.dino_model or usual.dino_model, installed, shelf.known(), "dino_model", settings)


def _refuse_nothing(asked: MaskAsked, words: tuple[str, ...]) -> None:
    if words or asked.points or asked.boxes or asked.mask_input:
        return
    raise InvalidValue(
        'mask_model "sam" must be told what to find: give dino_prompt_text (words), points or boxes.',
        field="dino_prompt_text",
    )


def _boxes(asked: MaskAsked) -> tuple[Box, ...]:
    """Within the picture. Raises InvalidValue for one that is empty or lies outside."""
    width, height = _size(asked.image) if asked.boxes else (0, 0)
    kept = []
    for i, (left, top, right, bottom) in enumerate(asked.boxes):
        if not all(map(math.isfinite, (left, top, right, bottom))) or left >= right or top >= bottom:
            raise InvalidValue(f"boxes[{i}] is no box: give [left, top, right, bottom] in pixels.", field="boxes")
        box = (max(left, 0.0), max(top, 0.0), min(right, float(width)), min(bottom, float(height)))
        if box[0] >= box[2] or box[1] >= box[3]:
            raise InvalidValue(f"boxes[{i}] lies outside the picture ({width}×{height}).", field="boxes")
        kept.append(box)
    return tuple(kept)


def _points(asked: MaskAsked) -> tuple[Point, ...]:
    labels = asked.labels if asked.labels is not None else (1,) * len(asked.points)
    if len(labels) != len(asked.points):
        raise InvalidValue(f"labels has {len(labels)} entries, points {len(asked.points)}.", field="labels")
    width, height = _size(asked.image) if asked.points else (0, 0)
    for i, (x, y) in enumerate(asked.points):
        if not (0 <= x <= width and 0 <= y <= height):
            raise InvalidValue(f"points[{i}] lies outside the picture ({width}×{height}).", field="points")
    return tuple((x, y, label) for (x, y), label in zip(asked.points, labels, strict=True))


def _earlier(asked: MaskAsked, words: tuple[str, ...]) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """The mask to be refined, and a warning where it has another size than the picture."""
    if asked.mask_input is None:
        return (), ()
    if words or len(asked.boxes) > 1:
        raise InvalidValue("mask_input goes with points or one box, not with words or more boxes.", field="mask_input")
    (width, height), (across, down) = _size(asked.image), _size(asked.mask_input)
    if (width, height) == (across, down):
        return (asked.mask_input,), ()
    if abs(across * height - down * width) > SAME_SHAPE * down * width:
        raise InvalidValue(
            f"mask_input is {across}×{down}, the image {width}×{height}: their shapes differ.", field="mask_input"
        )
    return (asked.mask_input,), (f"mask_input was resized from {across}×{down} to {width}×{height}.",)


def _size(file: Path) -> tuple[int, int]:
    with Image.open(file) as header:
        return header.size
