"""What FooocusAPI has and this version has not: refused where the picture would differ, told where it would not."""

import re
from collections.abc import Iterator
from difflib import get_close_matches

from masking.errors import NotSupported
from server.api.fooocus.request import OFFSET_LORA, GenerateRequest, Lora, Wire
from server.inputs import is_given

NEUTRAL: dict[str, tuple[object, ...]] = {
    "webhook_url": ("", None),
    "generate_image_grid": (False,),
    "refiner_model_name": ("None", ""),
    "sharpness": (2.0, 0.0),
    "adm_scaler_positive": (1.5,),
    "adm_scaler_negative": (0.8,),
    "adm_scaler_end": (0.3,),
    "adaptive_cfg": (7.0,),
    "vae_name": ("Default (model)",),
    "overwrite_switch": (-1, 0),
    "freeu_enabled": (False,),
    "black_out_nsfw": (False,),
    "debugging_inpaint_preprocessor": (False,),
    "inpaint_engine": ("v2.6", "None"),
}
"""The values that ask for nothing; the first is FooocusAPI's default."""

SYNTAX = {
    "a weight": re.compile(r"\([^()]+:\s*\d+(\.\d+)?\s*\)"),
}


def refuse(request: GenerateRequest) -> None:
    """Raise NotSupported, naming the first field that asks for what is not there yet."""
    for field, neutral in NEUTRAL.items():
        value = getattr(request, field)
        if value not in neutral:
            raise _refusal(field, value, neutral[0])
    if any(_is_asked(lora) for lora in request.loras):
        raise _refusal("loras", [lora.model_name for lora in request.loras if _is_asked(lora)], [])
    if any(is_given(control.cn_img) for control in request.controlnet_image[:4]):
        raise _refusal("controlnet_image", "an image", [])
    if is_given(request.uov_input_image) and request.uov_method != "Disabled":
        raise _refusal("uov_method", request.uov_method, "Disabled")
    if is_given(request.enhance_input_image):
        raise _refusal("enhance_input_image", "an image", "None")
    works = request.enhance_uov_method != "Disabled" or any(c.enhance_enabled for c in request.enhance_ctrls)
    if request.enhance_checkbox and works:
        raise _refusal("enhance_checkbox", True, False)


def warnings(request: GenerateRequest) -> Iterator[str]:
    """What was sent and changes nothing, field by field."""
    yield from unknown_fields(request)
    if any(lora.enabled and lora.model_name == OFFSET_LORA for lora in request.sent("loras") or ()):
        yield f'loras: "{OFFSET_LORA}" is not installed; the preset goes without it.'
    if request.sent("sharpness"):
        yield "sharpness was not used: it is not applied yet."
    if request.sent("inpaint_engine") == "v2.6" and is_given(request.inpaint_input_image):
        yield 'inpaint_engine "v2.6" is not installed; the checkpoint inpaints by itself.'
    if request.sent("metadata_scheme") and request.save_metadata_to_images:
        yield "metadata_scheme was not used: pictures carry Gesso's own metadata for now."
    if request.uov_method != "Disabled" and not is_given(request.uov_input_image):
        yield "uov_method was not used: uov_input_image is missing."
    for field in ("prompt", "negative_prompt", "inpaint_additional_prompt"):
        for what, pattern in SYNTAX.items():
            if found := pattern.search(getattr(request, field)):
                yield f'{field}: "{found[0][:80]}" looks like {what}, which is read as plain words for now.'


def unknown_fields(request: Wire) -> Iterator[str]:
    """Every field that no one reads, with the one that may be meant."""
    for name in request.model_extra or {}:
        near = get_close_matches(name, type(request).model_fields, n=1)
        hint = f'; did you mean "{near[0]}"?' if near else "."
        yield f'"{name[:80]}" is not a known field and was not used{hint}'


def _is_asked(lora: Lora) -> bool:
    return lora.enabled and lora.weight != 0 and lora.model_name not in ("None", "", OFFSET_LORA)


def _refusal(field: str, value: object, neutral: object) -> NotSupported:
    return NotSupported(
        f"{field} {str(value)[:80]!r} is not supported yet; leave the field out or send {neutral!r}.", field=field
    )
