"""What FooocusAPI has and this version has not: refused where the picture would differ, told where it would not."""

from collections.abc import Iterator
from difflib import get_close_matches

from masking.errors import NotSupported
from server.api.fooocus.request import GenerateRequest, Wire
from server.inputs import is_given


def refuse(request: GenerateRequest) -> None:
    """Raise NotSupported, naming the first field that asks for what is not there yet."""
    if request.refiner_model_name not in ("None", "", request.base_model_name):
        raise _refusal("refiner_model_name", request.refiner_model_name, "None")
    if any(is_given(one.cn_img) and one.cn_weight and one.cn_stop for one in request.controlnet_image[:4]):
        raise _refusal("controlnet_image", "an image", [])
    if is_given(request.enhance_input_image):
        raise _refusal("enhance_input_image", "an image", "None")
    works = request.enhance_uov_method != "Disabled" or any(c.enhance_enabled for c in request.enhance_ctrls)
    if request.enhance_checkbox and works:
        raise _refusal("enhance_checkbox", True, False)


def warnings(request: GenerateRequest) -> Iterator[str]:
    """What was sent and changes nothing, field by field."""
    yield from unknown_fields(request)
    if request.generate_image_grid and request.image_number == 1:
        yield "generate_image_grid was not used: one picture alone makes no grid."
    if request.uov_method != "Disabled" and not is_given(request.uov_input_image):
        yield "uov_method was not used: uov_input_image is missing."
    if request.uov_method != "Disabled" and is_given(request.uov_input_image):
        for field in ("inpaint_input_image", "inpaint_mask_image_upload", "inpaint_mask_prompt"):
            if is_given(getattr(request, field)):
                yield f"{field} was not used: uov_method {request.uov_method!r} comes before it."
    elif request.inpaint_mask_prompt.strip() and is_given(request.inpaint_mask_image_upload):
        yield "inpaint_mask_prompt was not used: inpaint_mask_image_upload is the mask."


def unknown_fields(request: Wire) -> Iterator[str]:
    """Every field that no one reads, with the one that may be meant."""
    for name in request.model_extra or {}:
        near = get_close_matches(name, type(request).model_fields, n=1)
        hint = f'; did you mean "{near[0]}"?' if near else "."
        yield f'"{name[:80]}" is not a known field and was not used{hint}'


def _refusal(field: str, value: object, neutral: object) -> NotSupported:
    return NotSupported(
        f"{field} {str(value)[:80]!r} is not supported yet; leave the field out or send {neutral!r}.", field=field
    )
