"""`POST /v1/tools/generate_mask`: what is asked of it, in the words of the wire, and what the mask tools are asked."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field

from masking.asked import MaskAsked, Usual
from masking.planning import resolve
from masking.plans import MaskPlan, Matting, ObjectsPlan, Shaping
from pipelines import planning, presets
from server.accept import bytes_wanted, full_detail_wanted
from server.api.fooocus import later
from server.api.fooocus.masks_reply import Detail, bare, bytes_of, detail
from server.api.fooocus.request import Growth, Share, Wire
from server.api.fooocus.request import Image as WireImage
from server.errors import REFUSALS
from server.inputs import is_given
from server.parts import Parts, TheParts
from server.tools import use

router = APIRouter(tags=["FooocusAPI"])

MOST_PROMPTS = 256
Level = Annotated[int, Field(ge=0, le=255)]
Place = Annotated[list[float], Field(min_length=2, max_length=2)]
Corners = Annotated[list[float], Field(min_length=4, max_length=4)]
Places = Annotated[list[Place], Field(max_length=MOST_PROMPTS, description="[x, y] in pixels each")]
Labels = Annotated[list[Literal[0, 1]], Field(description="one per point: 1 on the object, 0 beside it")]
Boxes = Annotated[list[Corners], Field(max_length=MOST_PROMPTS, description="[left, top, right, bottom] each")]
TOOLS = {MaskPlan: "mask", ObjectsPlan: "objects"}


class MaskRequest(Wire):
    """A picture, and how its mask is made. From `dino_model` on, the fields are ours."""

    image: WireImage
    mask_model: str = "isnet-general-use"
    cloth_category: str = "full"
    dino_prompt_text: Annotated[str, Field(description='what to find, as in "cat . red car"')] = ""
    sam_model: str = "vit_b"
    box_threshold: Share = 0.3
    text_threshold: Share = 0.25
    sam_max_detections: Annotated[int, Field(ge=0, le=10)] = 0
    dino_erode_or_dilate: Growth = 0
    dino_debug: bool = False
    dino_model: Annotated[str, Field(description="the detector; empty: the preset's own")] = ""
    points: Places = Field(default_factory=list)
    labels: Labels = Field(default_factory=list)
    boxes: Boxes = Field(default_factory=list)
    multimask: Annotated[bool | None, Field(description="guess three times, and tell all three with `detail`")] = None
    mask_input: Annotated[WireImage, Field(description="an earlier mask, to be refined by points")] = None
    post_process: bool = False
    alpha_matting: bool = False
    alpha_matting_foreground_threshold: Level = Matting.foreground
    alpha_matting_background_threshold: Level = Matting.background
    alpha_matting_erode_size: Annotated[int, Field(ge=0, le=100)] = Matting.erode
    invert: bool = False
    grow: Growth = 0
    feather: Annotated[float, Field(ge=0, le=256)] = 0.0
    detail: Annotated[bool, Field(description="answer with an object instead of one string")] = False


@router.post(
    "/v1/tools/generate_mask",
    responses=REFUSALS
    | {
        200: {"description": "The mask, PNG in base64 (white = object); with `detail` an object", "model": str | Detail}
    },
)
async def generate_mask(asked: MaskRequest, parts: TheParts, request: Request) -> Response:
    """The mask of what a picture shows, or of what words, points or boxes name in it. With `Accept: image/png` the
    picture itself; with `detail`, or `Accept: application/json; detail=full`, every object of it, too.

    It does not wait for the end of a task that is being painted: the worker makes it between two denoising steps.
    """
    accept = request.headers.get("accept")
    form = bytes_wanted(accept)
    plan = await _plan(asked, parts)
    done = await use(TOOLS[type(plan)], plan.to_json(), parts.backend)
    warnings = (*later.unknown_fields(asked), *plan.warnings)
    if form:
        return await asyncio.to_thread(bytes_of, done, plan, warnings, form)
    answer = detail if asked.detail or full_detail_wanted(accept) else bare
    return await asyncio.to_thread(answer, done, plan, warnings)


async def _plan(asked: MaskRequest, parts: Parts) -> MaskPlan | ObjectsPlan:
    """Raises what is wrong with the request."""
    image = await parts.inputs.need(asked.image, "image")
    earlier = None
    if is_given(asked.mask_input):
        earlier = await parts.inputs.keep(str(asked.mask_input), "mask_input", mask=True)
    preset = await asyncio.to_thread(presets.load, parts.settings.preset, planning.user_folder(parts.settings))
    named = {
        name: asked.sent(name)
        for name in ("mask_model", "cloth_category", "dino_prompt_text", "sam_model", "box_threshold", "text_threshold")
    }
    named |= {name: asked.sent(name) for name in ("sam_max_detections", "dino_erode_or_dilate", "dino_debug")}
    return await asyncio.to_thread(
        resolve,
        MaskAsked(image=image, mask_input=earlier, **named, **_additions(asked)),
        parts.settings,
        usual(preset),
    )


def usual(preset: presets.Preset) -> Usual:
    return Usual(mask_model=preset.mask_model, sam_model=preset.sam_model, dino_model=preset.dino_model)


def _additions(asked: MaskRequest) -> dict[str, Any]:
    matting = Matting(
        foreground=asked.alpha_matting_foreground_threshold,
        background=asked.alpha_matting_background_threshold,
        erode=asked.alpha_matting_erode_size,
    )
    return {
        "dino_model": asked.dino_model or None,
        "points": tuple((x, y) for x, y in asked.points),
        "labels": tuple(asked.labels) if asked.labels else None,
        "boxes": tuple((left, top, right, bottom) for left, top, right, bottom in asked.boxes),
        "multimask": asked.multimask,
        "post_process": asked.post_process,
        "alpha_matting": matting if asked.alpha_matting else None,
        "shaping": Shaping(invert=asked.invert, grow=asked.grow, feather=asked.feather),
    }
