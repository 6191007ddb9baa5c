"""From the wire to a task: which one it is, and every field to its own name."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from configs.settings import LIMITS, Settings
from masking.errors import GessoError, InvalidValue
from pipelines.plans import FreeU
from pipelines.tasks import LoraAsked, Task
from pipelines.tasks.inpaint import Inpaint
from pipelines.tasks.inpaint_inputs import InpaintInputs
from pipelines.tasks.text_to_image import TextToImage
from server import paths
from server.api.fooocus import uov
from server.api.fooocus.request import EnhanceControl, GenerateRequest
from server.inputs import Inputs, is_given

IMAGE_FIELDS = ("uov_input_image", "inpaint_input_image", "inpaint_mask_image_upload", "enhance_input_image")
LONGEST_SAVE_NAME = 200

WIRE_NAMES = {
    "checkpoint": "base_model_name",
    "seed": "image_seed",
    "sampler": "sampler_name",
    "scheduler": "scheduler_name",
    "performance": "performance_selection",
    "steps": "overwrite_step",
    "width": "aspect_ratios_selection",
    "height": "aspect_ratios_selection",
    "first_index": "image_index",
    "image": "inpaint_input_image",
    "picture": "uov_input_image",
    "mask": "inpaint_mask_image_upload",
    "additional_prompt": "inpaint_additional_prompt",
    "outpaint": "outpaint_selections",
    "strength": "inpaint_strength",
    "respective_field": "inpaint_respective_field",
    "erode_or_dilate": "inpaint_erode_or_dilate",
    "invert_mask": "invert_mask_checkbox",
    "initial_latent": "inpaint_disable_initial_latent",
    "seed_increment": "disable_seed_increment",
    "styles": "style_selections",
    "vae": "vae_name",
}
"""A task's field → the name by which the client knows it, where they differ."""


@contextmanager
def wire_names() -> Iterator[None]:
    """Errors that blame a task's field blame the client's."""
    try:
        yield
    except GessoError as error:
        error.field = WIRE_NAMES.get(error.field, error.field) if error.field else None
        raise


async def images(request: GenerateRequest, inputs: Inputs) -> dict[str, Path]:
    """The pictures that the task needs, stored, by field. Raises InvalidValue where one that is needed is missing."""
    if uov.is_asked(request):
        return {"uov_input_image": await inputs.keep(str(request.uov_input_image), "uov_input_image")}
    has_image, has_mask = is_given(request.inpaint_input_image), is_given(request.inpaint_mask_image_upload)
    has_words = bool(request.inpaint_mask_prompt.strip())
    if not has_image:
        for needs, field in (
            (has_mask, "inpaint_mask_image_upload"),
            (has_words, "inpaint_mask_prompt"),
            (request.outpaint_selections, "outpaint_selections"),
            (request.outpaint_target, "outpaint_target"),
        ):
            if needs:
                raise InvalidValue(f"{field} needs inpaint_input_image, which is missing.", field="inpaint_input_image")
        return {}
    if not has_mask and not has_words and not request.outpaint_selections and not request.outpaint_target:
        raise InvalidValue(
            "inpaint_input_image needs inpaint_mask_image_upload (white = repaint), inpaint_mask_prompt, "
            "outpaint_selections or outpaint_target; all are missing.",
            field="inpaint_mask_image_upload",
        )
    wanted = {"inpaint_input_image": False} | ({"inpaint_mask_image_upload": True} if has_mask else {})
    kept = [inputs.keep(getattr(request, field), field, mask=is_mask) for field, is_mask in wanted.items()]
    return dict(zip(wanted, await asyncio.gather(*kept), strict=True))


def task(request: GenerateRequest, pictures: dict[str, Path], settings: Settings) -> Task:
    """The task that `request` asks for; what the client did not send stays open. Raises InvalidValue."""
    common = _common(request)
    if "uov_input_image" in pictures:
        return uov.task(request, common, pictures["uov_input_image"])
    if "inpaint_input_image" not in pictures:
        width, height = _size(request)
        return TextToImage(**common, width=width, height=height)
    left, top, right, bottom = [max(0, length) for length in (*request.outpaint_distance, 0, 0, 0, 0)[:4]]
    kind = InpaintInputs if request.debugging_inpaint_preprocessor else Inpaint
    return kind(
        **common,
        image=pictures["inpaint_input_image"],
        mask=pictures.get("inpaint_mask_image_upload"),
        additional_prompt=request.inpaint_additional_prompt or None,
        outpaint=tuple(dict.fromkeys(request.outpaint_selections)),
        outpaint_distance=(left, top, right, bottom),
        outpaint_target=request.outpaint_target or None,
        outpaint_anchor=request.outpaint_anchor,
        strength=request.sent("inpaint_strength"),
        respective_field=request.sent("inpaint_respective_field"),
        erode_or_dilate=request.inpaint_erode_or_dilate,
        invert_mask=request.invert_mask_checkbox,
        initial_latent=not request.inpaint_disable_initial_latent,
        seam_repair=request.seam_repair,
    )


def save_name(request: GenerateRequest) -> str | None:
    """The file's name that the client wishes for; only a plain name. Raises InvalidValue."""
    name = request.save_name
    if not name:
        return None
    if not paths.is_plain(name, LONGEST_SAVE_NAME):
        raise InvalidValue(
            f"save_name {name!r} cannot be a file's name: take a shorter one, without / \\ : * ? \" < > | "
            "without a dot in front, and none that Windows takes for a device.",
            field="save_name",
        )
    return name


def shown(request: GenerateRequest, pictures: dict[str, Path], base_url: str) -> dict[str, Any]:
    """The request as its record shows it (contract 3.5): pictures as URLs, lists padded, the tab that was chosen."""
    known = set(type(request).model_fields)
    asked = request.model_dump(mode="json", include=known)
    asked |= dict.fromkeys(IMAGE_FIELDS, "")
    asked |= {field: f"{base_url}/inputs/{path.name}" for field, path in pictures.items()}
    asked["aspect_ratios_selection"] = re.sub(r"\s*[*xX]\s*", "×", request.aspect_ratios_selection.strip())
    nothing = {"cn_img": "", "cn_stop": 0.6, "cn_weight": 0.6, "cn_type": "ImagePrompt"}
    asked["controlnet_image"] = [*({**one, "cn_img": ""} for one in asked["controlnet_image"]), *[nothing] * 4][:4]
    unused = EnhanceControl().model_dump(mode="json")
    asked["enhance_ctrls"] = [*asked["enhance_ctrls"], *[unused] * 3][:3]
    asked["input_image_checkbox"] = True
    asked["inpaint_advanced_masking_checkbox"] = "inpaint_mask_image_upload" in pictures
    tab = "uov" if "uov_input_image" in pictures else "inpaint"
    asked["current_tab"] = tab if pictures else request.current_tab
    return asked


def _common(request: GenerateRequest) -> dict[str, Any]:
    preset = request.sent("preset")
    return {
        "prompt": request.sent("prompt"),
        "negative_prompt": request.sent("negative_prompt"),
        "checkpoint": request.sent("base_model_name"),
        "image_number": request.image_number,
        "first_index": request.image_index,
        "seed": request.image_seed if request.image_seed >= 0 else None,
        "seed_increment": not request.disable_seed_increment,
        "steps": request.overwrite_step if request.overwrite_step > 0 else None,
        "guidance_scale": request.sent("guidance_scale"),
        "sampler": request.sent("sampler_name"),
        "scheduler": request.sent("scheduler_name"),
        "clip_skip": request.sent("clip_skip"),
        "performance": request.sent("performance_selection"),
        "preset": None if preset in (None, "", "initial") else preset,
        "styles": None if request.sent("style_selections") is None else tuple(request.style_selections),
        "wildcards_in_order": request.read_wildcards_in_order,
        "deterministic": request.deterministic,
        "sharpness": request.sent("sharpness"),
        "adaptive_cfg": request.sent("adaptive_cfg"),
        "freeu": _freeu(request),
        "adm": (request.adm_scaler_positive, request.adm_scaler_negative, request.adm_scaler_end),
        "vae": request.sent("vae_name"),
        "loras": _loras(request),
        "inpaint_engine": request.sent("inpaint_engine") if is_given(request.inpaint_input_image) else None,
        "black_out_nsfw": request.black_out_nsfw,
    }


def _freeu(request: GenerateRequest) -> FreeU | None:
    return (request.freeu_b1, request.freeu_b2, request.freeu_s1, request.freeu_s2) if request.freeu_enabled else None


def _loras(request: GenerateRequest) -> tuple[LoraAsked, ...] | None:
    if request.sent("loras") is None:
        return None
    asked = (lora for lora in request.loras if lora.enabled and lora.model_name not in ("", "None"))
    return tuple(LoraAsked(name=lora.model_name, weight=lora.weight) for lora in asked)


def _size(request: GenerateRequest) -> tuple[int | None, int | None]:
    """Width and height in pixels as far as they were sent. Raises InvalidValue beyond the limits."""
    width: int | None = None
    height: int | None = None
    if sent := request.sent("aspect_ratios_selection"):
        width, height = (int(side) for side in re.split(r"[*×xX]", sent))
    width = request.overwrite_width if request.overwrite_width > 0 else width
    height = request.overwrite_height if request.overwrite_height > 0 else height
    for side in (width, height):
        if side is not None and not 1 <= side <= LIMITS.max_side:
            raise InvalidValue(
                f"A side of {side} pixels cannot be made; 1 to {LIMITS.max_side} can.", field="aspect_ratios_selection"
            )
    return width, height
