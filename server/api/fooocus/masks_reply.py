"""From a made mask to an answer: one bare string, the picture itself, or an object with everything that was found."""

import base64
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import numpy as np
from fastapi import Response
from fastapi.responses import JSONResponse
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, Field

from masking.made import Made, Thing, unpacked
from masking.plans import MaskPlan, ObjectsPlan, RegionsPlan
from pipelines.events import ToolDone
from server.api.fooocus.headers import headers
from server.outputs import Format, encode

AnyPlan = MaskPlan | ObjectsPlan | RegionsPlan
PNG = Annotated[str, Field(description="PNG in base64")]
UNTOLD = ("image", "earlier", "warnings", "phrases")
"""What of a plan is no parameter of how the mask was made."""


class Candidate(BaseModel):
    """One of three guesses."""

    score: float | None
    mask: PNG


class Object(BaseModel):
    """Something in a picture. score: the detector's, else the segmenter's; null: the model tells none."""

    box: Annotated[list[float], Field(description="left, top, right, bottom in pixels")]
    score: float | None
    phrase: str
    mask: Annotated[str, Field(description="1-bit PNG in base64, the picture's size, of this object alone")]
    candidates: list[Candidate]


class Detail(BaseModel):
    """A mask and what it is made of."""

    mask: PNG
    objects: list[Object]
    models: Annotated[dict[str, str], Field(description="mask_model, sam_model, dino_model, as far as they were used")]
    times: Annotated[dict[str, float], Field(description="milliseconds that each part took in the worker")]
    warnings: list[str]
    effective_params: dict[str, Any]


class Region(BaseModel):
    """One region. stability: how sure its edge is, 0 to 1. point: what it was found by."""

    box: Annotated[list[float], Field(description="left, top, right, bottom in pixels")]
    area: Annotated[int, Field(description="pixels")]
    score: float
    stability: float
    point: list[float]
    mask: Annotated[str, Field(description="1-bit PNG in base64, the picture's size")]


class Regions(BaseModel):
    """All regions of a picture."""

    map: Annotated[
        str, Field(description="grey PNG in base64: 0 = none, else 1 + the index of the smallest region there")
    ]
    regions: list[Region]
    width: int
    height: int
    models: dict[str, str]
    times: dict[str, float]
    warnings: list[str]
    effective_params: dict[str, Any]


def bytes_of(done: ToolDone, plan: AnyPlan, warnings: Sequence[str], form: Format) -> Response:
    """The picture itself."""
    made = _made(done)
    told = headers([*warnings, *made.warnings], _parameters(plan))
    return Response(_file(made, plan, form), media_type=f"image/{form}", headers=told)


def bare(done: ToolDone, plan: AnyPlan, warnings: Sequence[str]) -> Response:
    """One JSON string, as in FooocusAPI."""
    made = _made(done)
    told = headers([*warnings, *made.warnings], _parameters(plan))
    return JSONResponse(_text(_file(made, plan, "png")), headers=told)


def detail(done: ToolDone, plan: AnyPlan, warnings: Sequence[str]) -> Response:
    """Everything."""
    made = _made(done)
    told = Detail(
        mask=_text(_file(made, plan, "png")),
        objects=[_object(thing) for thing in made.things],
        models=_models(plan),
        times=made.times,
        warnings=[*warnings, *made.warnings],
        effective_params=_parameters(plan),
    )
    return JSONResponse(told.model_dump())


def regions(done: ToolDone, plan: RegionsPlan, warnings: Sequence[str]) -> Response:
    """Every region, and the map of them."""
    made = _made(done)
    found = [
        Region(box=list(one.box), score=one.score or 0.0, mask=_text(_one_bit(one.mask)), **one.more)
        for one in made.things
    ]
    told = Regions(
        map=_text(encode(made.mask, "png")),
        regions=found,
        width=made.mask.width,
        height=made.mask.height,
        models=_models(plan),
        times=made.times,
        warnings=[*warnings, *made.warnings],
        effective_params=_parameters(plan),
    )
    return JSONResponse(told.model_dump())


def _made(done: ToolDone) -> Made:
    return unpacked(done.content, json.loads(done.facts))


def _file(made: Made, plan: AnyPlan, form: Format) -> bytes:
    """FooocusAPI answers a mask of objects in RGB, and one of what stands out in grey."""
    return encode(made.mask.convert("RGB") if isinstance(plan, ObjectsPlan) else made.mask, form)


def _models(plan: AnyPlan) -> dict[str, str]:
    if isinstance(plan, MaskPlan):
        return {"mask_model": plan.model}
    used = {"mask_model": "sam", "sam_model": plan.segmenter}
    return used | ({"dino_model": plan.detector} if isinstance(plan, ObjectsPlan) and plan.detector else {})


def _parameters(plan: AnyPlan) -> dict[str, Any]:
    fields = {name: value for name, value in asdict(plan).items() if name not in UNTOLD}
    own_names = {
        "model": "mask_model",
        "segmenter": "sam_model",
        "detector": "dino_model",
        "most": "sam_max_detections",
    }
    own_names |= {"box_growth": "dino_erode_or_dilate", "boxes_only": "dino_debug", "several": "multimask"}
    return {own_names.get(name, name): value for name, value in fields.items()}


def _object(thing: Thing) -> Object:
    return Object(
        box=list(thing.box),
        score=thing.score,
        phrase=thing.phrase,
        mask=_text(_one_bit(thing.mask)),
        candidates=[Candidate(score=one.score, mask=_text(_one_bit(one.mask))) for one in thing.candidates],
    )


def _one_bit(mask: NDArray[np.bool_]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(mask).save(buffer, "PNG")
    return buffer.getvalue()


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
