"""`GET /v1/engines/presets`: what each preset would use, in the names of the request's own fields."""

import asyncio

from fastapi import APIRouter
from pydantic import BaseModel

from configs.settings import Settings
from masking.errors import GessoError
from pipelines import checkpoints, planning, presets
from server.parts import TheParts

router = APIRouter(tags=["FooocusAPI"])


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
    """One preset. active: used where a request names none. own: a user's file. installed: its checkpoint is there.

    fields is null where the file cannot be read, and `error` then tells why.
    """

    name: str
    active: bool
    own: bool
    installed: bool
    aspect_ratios: list[str]
    fields: PresetFields | None
    error: str | None = None


@router.get("/v1/engines/presets")
async def engine_presets(parts: TheParts) -> list[PresetEntry]:
    """Every preset that `preset` takes: ours, and a user's own in `presets/` beside the models folder."""
    return await asyncio.to_thread(_entries, parts.settings)


def _entries(settings: Settings) -> list[PresetEntry]:
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
            own=path.parent != presets.FOLDER,
            installed=told is not None and told.checkpoint in installed,
            aspect_ratios=[f"{width}*{height}" for width, height in told.sizes] if told else [],
            fields=_fields(told) if told else None,
            error=error,
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
