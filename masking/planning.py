"""From what was asked of the mask tool to what will be done: fills every gap, refuses what cannot be done."""

from collections.abc import Iterable
from typing import Any

from configs.settings import Settings
from masking import detectors, models, planning_objects, segmenters
from masking.asked import MaskAsked, Usual
from masking.errors import InvalidValue
from masking.names import present, replaced
from masking.plans import CLOTH_CATEGORIES, ClothCategory, MaskPlan, ObjectsPlan

USUAL = "isnet-general-use"
"""FooocusAPI's own default: whoever names it may not have chosen it."""
WITH_WORDS = "sam"

ONLY_OBJECTS: dict[str, Any] = {
    "dino_prompt_text": "",
    "sam_model": "vit_b",
    "dino_model": None,
    "box_threshold": 0.3,
    "text_threshold": 0.25,
    "sam_max_detections": 0,
    "dino_erode_or_dilate": 0,
    "dino_debug": False,
    "points": (),
    "labels": (),
    "boxes": (),
    "mask_input": None,
    "multimask": False,
}
"""What only `mask_model` "sam" reads, with the values that ask for nothing."""
ONLY_SALIENT: dict[str, Any] = {"cloth_category": "full", "post_process": False, "alpha_matting": None}
"""What only models without words read, likewise."""
POINTING = ("dino_prompt_text", "dino_debug", "points", "boxes", "mask_input")
"""Without a named model, these ask for one that can be told what to find."""


def resolve(asked: MaskAsked, settings: Settings, usual: Usual) -> MaskPlan | ObjectsPlan:
    """The plan for a mask.

    Raises NotSupported, InvalidValue or ModelMissing, each with the name of the field. Reads no pixel, but of a picture
    with points or boxes the size.
    """
    segmenter = _segmenter(asked, settings)
    if segmenter is not None:
        return planning_objects.resolve(asked, segmenter, settings, usual, warnings=_unread(asked, "sam", ONLY_SALIENT))
    model, fallback = replaced(
        asked.mask_model or usual.mask_model, USUAL, usual.mask_model, models.installed(settings), "mask_model"
    )
    model = present(model, models.installed(settings), models.known(), "mask_model", settings)
    cloth, unworn = _cloth_category(asked, model)
    return MaskPlan(
        image=asked.image,
        model=model,
        cloth_category=cloth,
        smooth=asked.post_process or False,
        mattings=(asked.alpha_matting,) if asked.alpha_matting else (),
        shaping=asked.shaping,
        warnings=(*fallback, *unworn, *_unread(asked, model, ONLY_OBJECTS)),
    )


def _segmenter(asked: MaskAsked, settings: Settings) -> str | None:
    """The segmenter that was asked for, "" where it is left open; None: what stands out is asked for, without one."""
    name = asked.mask_model
    if name is None:
        return (asked.sam_model or "") if _given(asked, POINTING, ONLY_OBJECTS) else None
    if name == WITH_WORDS:
        return asked.sam_model or ""
    shelves = (segmenters.shelf, detectors.shelf)
    known = {name for shelf in shelves for name in (*shelf.installed(settings), *shelf.known())}
    return name if name in known and name not in models.installed(settings) else None


def _cloth_category(asked: MaskAsked, model: str) -> tuple[ClothCategory, tuple[str, ...]]:
    wanted = asked.cloth_category or "full"
    category = next((known for known in CLOTH_CATEGORIES if known == wanted), None)
    if category is None:
        raise InvalidValue(
            f'cloth_category "{wanted}" does not exist: take one of {", ".join(CLOTH_CATEGORIES)}.',
            field="cloth_category",
        )
    if category == "full" or model == "u2net_cloth_seg":
        return category, ()
    return category, ('cloth_category was not used: only mask_model "u2net_cloth_seg" reads it.',)


def _given(asked: MaskAsked, fields: Iterable[str], neutral: dict[str, Any]) -> list[str]:
    """Those of the fields that ask for something."""
    return [field for field in fields if getattr(asked, field) not in (None, neutral[field])]


def _unread(asked: MaskAsked, model: str, neutral: dict[str, Any]) -> tuple[str, ...]:
    given = _given(asked, neutral, neutral)
    return tuple(f'{field} was not used: mask_model "{model}" does not read it.' for field in given)
