"""`POST /v1/tools/segment_everything`: every region of a picture, computed at once, so that a page can offer them."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from masking.asked import RegionsAsked
from masking.planning_objects import resolve_regions
from pipelines import planning, presets
from server.api.fooocus import later, masks_reply
from server.api.fooocus.masks import usual
from server.api.fooocus.request import Image, Share, Wire
from server.errors import REFUSALS
from server.parts import TheParts
from server.tools import use

router = APIRouter(tags=["Gesso"])


class RegionsRequest(Wire):
    """A picture, and how closely it is looked at."""

    image: Image
    sam_model: str = "vit_b"
    points_per_side: Annotated[int, Field(ge=1, le=64, description="the grid's")] = 16
    pred_iou_thresh: Annotated[Share, Field(description="of the model's own score")] = 0.8
    stability_score_thresh: Annotated[Share, Field(description="how sure an edge must be")] = 0.9
    min_mask_region_area: Annotated[int, Field(ge=0, description="pixels")] = 100
    max_regions: Annotated[int, Field(ge=1, le=255)] = 255


@router.post("/v1/tools/segment_everything", responses=REFUSALS, response_model=masks_reply.Regions)
async def segment_everything(asked: RegionsRequest, parts: TheParts) -> Response:
    """All that the segmenter sees as one thing, the best first, each with its own mask; and a map of them."""
    image = await parts.inputs.need(asked.image, "image")
    preset = await asyncio.to_thread(presets.load, parts.settings.preset, planning.user_folder(parts.settings))
    wanted = RegionsAsked(
        image=image,
        sam_model=asked.sent("sam_model"),
        points_per_side=asked.points_per_side,
        overlap=asked.pred_iou_thresh,
        stability=asked.stability_score_thresh,
        smallest=asked.min_mask_region_area,
        most=asked.max_regions,
    )
    plan = await asyncio.to_thread(resolve_regions, wanted, parts.settings, usual(preset))
    done = await use("regions", plan.to_json(), parts.backend)
    warnings = (*later.unknown_fields(asked), *plan.warnings)
    return await asyncio.to_thread(masks_reply.regions, done, plan, warnings)
