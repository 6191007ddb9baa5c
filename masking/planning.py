"""From what was asked of the mask tool to what will be done: fills every gap, refuses what cannot be done."""

from difflib import get_close_matches

from configs.settings import Settings
from masking import models
from masking.asked import MaskAsked
from masking.errors import InvalidValue, ModelMissing, NotSupported
from masking.plans import CLOTH_CATEGORIES, ClothCategory, MaskPlan

USUAL = "isnet-general-use"
"""FooocusAPI's own default: whoever names it may not have chosen it."""

WITH_WORDS = "sam"
NEUTRAL = {
    "dino_prompt_text": "",
    "sam_model": "vit_b",
    "box_threshold": 0.3,
    "text_threshold": 0.25,
    "sam_max_detections": 0,
    "dino_erode_or_dilate": 0,
    "dino_debug": False,
}
"""What only `mask_model` "sam" reads, with the values that ask for nothing."""


def resolve(asked: MaskAsked, settings: Settings, default_model: str) -> MaskPlan:
    """The plan for a mask; `default_model` is the preset's own.

    Raises NotSupported, InvalidValue or ModelMissing, each with the name of the field. Reads no pixel.
    """
    model, fallback = _model(asked, settings, default_model)
    cloth, unworn = _cloth_category(asked, model)
    return MaskPlan(
        image=asked.image, model=model, cloth_category=cloth, warnings=(*fallback, *unworn, *_unread(asked, model))
    )


def _model(asked: MaskAsked, settings: Settings, default_model: str) -> tuple[str, tuple[str, ...]]:
    name = asked.mask_model
    installed = models.installed(settings)
    if name == WITH_WORDS:
        raise NotSupported(
            'mask_model "sam" is not supported yet; leave it out for a mask of what stands out.', field="mask_model"
        )
    if name is None:
        _refuse_words(asked)
        return _present(default_model, installed), ()
    if name == USUAL and name not in installed:
        return _present(default_model, installed), (
            f'mask_model "{USUAL}" is not installed; "{default_model}" took its place.',
        )
    return _present(name, installed), ()


def _present(name: str, installed: tuple[str, ...]) -> str:
    if name in installed:
        return name
    known = models.known()
    if name in known:
        raise ModelMissing(f'mask_model "{name}" is not installed. {known[name]}', field="mask_model")
    near = get_close_matches(name, [*installed, *known], n=3, cutoff=0.4) or installed
    raise InvalidValue(f'mask_model "{name}" does not exist. Near it: {", ".join(near)}.', field="mask_model")


def _refuse_words(asked: MaskAsked) -> None:
    """Words without a named model ask for the model that reads them."""
    for field in ("dino_prompt_text", "dino_debug"):
        if getattr(asked, field) not in (None, NEUTRAL[field]):
            way_out = "leave it out for a mask of what stands out"
            raise NotSupported(f'{field} needs mask_model "sam", which is not supported yet; {way_out}.', field=field)


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


def _unread(asked: MaskAsked, model: str) -> tuple[str, ...]:
    sent = [field for field, neutral in NEUTRAL.items() if getattr(asked, field) not in (None, neutral)]
    return tuple(f'{field} was not used: mask_model "{model}" does not read it.' for field in sent)
