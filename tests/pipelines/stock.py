"""What diffusers' own pipelines make of the same recipe."""

import functools
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pipelines.plans import NO_FREEU, Pixels, Recipe
from pipelines.samplers import Sampler

MANY_SAMPLERS = [
    ("euler", "normal"),
    ("euler", "karras"),
    ("euler_ancestral", "normal"),
    ("heun", "karras"),
    ("dpm_2", "exponential"),
    ("dpm_2_ancestral", "karras"),
    ("lms", "karras"),
    ("dpmpp_2m", "karras"),
    ("dpmpp_2m", "sgm_uniform"),
    ("dpmpp_2m_sde_gpu", "karras"),
    ("dpmpp_3m_sde", "exponential"),
    ("ddpm", "normal"),
    ("ddim", "ddim_uniform"),
    ("uni_pc", "karras"),
    ("uni_pc_bh2", "simple"),
]


@functools.cache
def _pipeline(folder: Path, kind: Any) -> tuple[Any, Any]:
    plain = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    pipe = kind.from_pretrained(folder, **({"add_watermarker": False} if "XL" in kind.__name__ else plain))
    pipe.set_progress_bar_config(disable=True)
    # transformers 5 moved the text model's parts up; diffusers 0.42 still looks for them below text_model.
    object.__setattr__(pipe.text_encoder, "text_model", pipe.text_encoder)
    return pipe, pipe.scheduler.config


def stock(
    folder: Path, kind: Any, told: Recipe, *, seed: int, skipped: int = 0, clip_skip_from: int = 1, **more: Any
) -> Pixels:
    """With a scheduler of the same class and options. clip_skip_from: the clip_skip that leaves nothing out."""
    pipe, config = _pipeline(folder, kind)
    pipe.scheduler = Sampler(
        told.sampler, told.scheduler, config, steps=told.steps, skipped=skipped, device="cpu"
    ).diffusers
    if told.freeu != NO_FREEU:
        pipe.enable_freeu(**dict(zip(("b1", "b2", "s1", "s2"), told.freeu, strict=True)))
    made = pipe(
        told.prompt,
        negative_prompt=told.negative_prompt,
        num_inference_steps=told.steps + skipped,
        guidance_scale=told.guidance_scale,
        clip_skip=told.clip_skip - clip_skip_from if told.clip_skip > clip_skip_from else None,
        generator=torch.Generator("cpu").manual_seed(seed),
        **more,
    )
    pipe.disable_freeu()
    return np.asarray(made.images[0])
