"""`POST /v1/tools/generate_mask`: what is asked of it, and its answer, a bare JSON string or the picture itself."""

import asyncio
import base64
import json
from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from PIL import Image
from pydantic import Field

from masking.asked import MaskAsked
from masking.planning import resolve
from pipelines import planning, presets
from pipelines.events import ToolDone
from server.accept import bytes_wanted
from server.api.fooocus import later
from server.api.fooocus.headers import headers
from server.api.fooocus.request import Image as WireImage
from server.api.fooocus.request import Share, Wire
from server.errors import REFUSALS
from server.outputs import Format, encode
from server.parts import TheParts
from server.tools import use

router = APIRouter(tags=["FooocusAPI"])


class MaskRequest(Wire):
    """A picture, and how its mask is made."""

    image: WireImage
    mask_model: str = "isnet-general-use"
    cloth_category: str = "full"
    dino_prompt_text: str = ""
    sam_model: Literal["vit_b", "vit_l", "vit_h"] = "vit_b"
    box_threshold: Share = 0.3
    text_threshold: Share = 0.25
    sam_max_detections: Annotated[int, Field(ge=0, le=10)] = 0
    dino_erode_or_dilate: Annotated[int, Field(ge=-64, le=64)] = 0
    dino_debug: bool = False


@router.post(
    "/v1/tools/generate_mask",
    responses=REFUSALS | {200: {"description": "The mask, PNG in base64 (white = object)", "model": str}},
)
async def generate_mask(asked: MaskRequest, parts: TheParts, request: Request) -> Response:
    """The mask of what a picture shows. With `Accept: image/png` the picture itself.

    It does not wait for the end of a task that is being painted: the worker makes it between two denoising steps.
    """
    path = await parts.inputs.need(asked.image, "image")
    fields = {name: asked.sent(name) for name in MaskRequest.model_fields if name != "image"}
    preset = await asyncio.to_thread(presets.load, parts.settings.preset, planning.user_folder(parts.settings))
    plan = await asyncio.to_thread(resolve, MaskAsked(image=path, **fields), parts.settings, preset.mask_model)
    done = await use("mask", plan.to_json(), parts.backend)
    used = {"mask_model": plan.model, "cloth_category": plan.cloth_category}
    told = headers([*later.unknown_fields(asked), *plan.warnings], used)
    form = bytes_wanted(request.headers.get("accept"))
    content = await asyncio.to_thread(_file, done, form or "png")
    if form:
        return Response(content, media_type=f"image/{form}", headers=told)
    return JSONResponse(base64.b64encode(content).decode(), headers=told)


def _file(done: ToolDone, form: Format) -> bytes:
    facts = json.loads(done.facts)
    return encode(Image.frombytes("L", (facts["width"], facts["height"]), done.content), form)
