"""`POST /v1/tools/describe-image`: what a picture shows, as a sentence or as tags."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from pipelines import planning, presets
from pipelines.describers import Kind
from pipelines.describing import DescribeAsked, resolve
from server.api.fooocus import later
from server.api.fooocus.request import Image, Wire
from server.errors import REFUSALS
from server.parts import TheParts
from server.tools import use

router = APIRouter(tags=["FooocusAPI"])


class DescribeRequest(Wire):
    """A picture, and in what manner it is put into words."""

    image: Image
    image_type: Annotated[Kind, Field(description="Photo: a sentence; Anime: tags")] = "Photo"
    describe_model: Annotated[str, Field(description='a folder in `models/describe`; "" = the one there is')] = ""


class Description(BaseModel):
    describe: str
    warnings: list[str]
    effective_params: dict[str, Any]


@router.post("/v1/tools/describe-image", responses=REFUSALS)
async def describe_image(asked: DescribeRequest, parts: TheParts) -> Description:
    """What a picture shows, in words that can be a prompt. The same picture gets the same words.

    It does not wait for the end of a task that is being painted.
    """
    image = await parts.inputs.need(asked.image, "image")
    wanted = DescribeAsked(image=image, kind=asked.sent("image_type"), model=asked.describe_model or None)
    preset = await asyncio.to_thread(presets.load, parts.settings.preset, planning.user_folder(parts.settings))
    plan = await asyncio.to_thread(resolve, wanted, parts.settings, preset.describe_model)
    done = await use("describe", plan.to_json(), parts.backend)
    return Description(
        describe=done.content.decode(),
        warnings=[*later.unknown_fields(asked), *plan.warnings],
        effective_params={"image_type": plan.kind, "describe_model": plan.model},
    )
