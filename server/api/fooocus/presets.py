"""`GET /v1/engines/presets`: what each preset would use, in the names of the request's own fields."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from masking.errors import GessoError
from pipelines import checkpoints, planning, presets
from server.errors import REFUSALS
from server.parts import Parts, TheParts

router = APIRouter(tags=["FooocusAPI"])

LOADING: dict[int | str, dict[str, Any]] = {202: {"description": "Its models are being loaded."}}
WAIT = Query(description="answer when it is active; false: at once, with 202")


class PresetLora(BaseModel):
    enabled: bool = True
    model_name: str
    weight: float


class PresetFields(BaseModel):
    """The fields of a request that the preset gives where the client sends nothing."""

    prompt: str
    negative_prompt: str
    base_model_name: str
    vae_name: str
    refiner_model_name: str
    loras: list[PresetLora]
    style_selections: list[str]
    performance_selection: str
    overwrite_step: int
    aspect_ratios_selection: str
    guidance_scale: float
    sharpness: float
    adaptive_cfg: float
    sampler_name: str
    scheduler_name: str
    clip_skip: int


class PresetEntry(BaseModel):
    """One preset. active: used where a request names none. loading: it becomes so as soon as its models are loaded.

    own: a user's file. installed: its checkpoint is there. fields is null where the file cannot be read; `error` tells
    why, or why it could not be activated.
    """

    name: str
    active: bool
    loading: bool
    own: bool
    installed: bool
    aspect_ratios: list[str]
    fields: PresetFields | None
    error: str | None = None


@router.get("/v1/engines/presets")
async def engine_presets(parts: TheParts) -> list[PresetEntry]:
    """Every preset that `preset` takes: ours, and a user's own in `presets/` beside the models folder."""
    return await asyncio.to_thread(_entries, parts)


@router.post("/v1/engines/presets/{name}/activate", responses=REFUSALS | LOADING)
async def activate(name: str, parts: TheParts, response: Response, wait: Annotated[bool, WAIT] = True) -> PresetEntry:
    """Make a preset the server's own: its models are loaded after the task that runs, then it is active.

    Tasks that wait keep what was decided for them. It stays active after a restart, unless that names another
    `--preset` than this run did.
    """
    await parts.active.activate(name, wait=wait)
    entries = await asyncio.to_thread(_entries, parts)
    entry = next(entry for entry in entries if entry.name == name)
    response.status_code = 202 if entry.loading else 200
    return entry


def _entries(parts: Parts) -> list[PresetEntry]:
    settings, active = parts.settings, parts.active
    installed = checkpoints.installed(settings)
    entries = []
    for name, path in presets.places(planning.user_folder(settings)).items():
        told, error = None, None
        try:
            told = presets.read(path)
        except GessoError as problem:
            error = str(problem)
        entry = PresetEntry(
            name=name,
            active=name == settings.preset,
            loading=active.is_loading(name),
            own=path.parent != presets.FOLDER,
            installed=told is not None and told.checkpoint in installed,
            aspect_ratios=[f"{width}*{height}" for width, height in told.sizes] if told else [],
            fields=_fields(told) if told else None,
            error=error or active.failure(name),
        )
        entries.append(entry)
    return entries


def _fields(preset: presets.Preset) -> PresetFields:
    return PresetFields(
        prompt=preset.prompt,
        negative_prompt=preset.negative_prompt,
        base_model_name=preset.checkpoint,
        vae_name=preset.vae or "Default (model)",
        refiner_model_name=preset.refiner or "None",
        loras=[PresetLora(model_name=lora.name, weight=lora.weight) for lora in preset.loras],
        style_selections=list(preset.styles),
        performance_selection=preset.performance,
        overwrite_step=preset.steps or -1,
        aspect_ratios_selection=f"{preset.width}*{preset.height}",
        guidance_scale=preset.guidance_scale,
        sharpness=preset.sharpness,
        adaptive_cfg=preset.adaptive_cfg,
        sampler_name=preset.sampler,
        scheduler_name=preset.scheduler,
        clip_skip=preset.clip_skip,
    )
