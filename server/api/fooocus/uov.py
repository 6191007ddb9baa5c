"""Vary and upscale: from `uov_method` and the picture to a task."""

from pathlib import Path
from typing import Any

from pipelines.tasks import Task
from pipelines.tasks.upscale import Upscale
from pipelines.tasks.vary import Method, Vary
from server.api.fooocus.request import GenerateRequest
from server.inputs import is_given

VARIATIONS: dict[str, Method] = {"Vary (Subtle)": "subtle", "Vary (Strong)": "strong"}
FACTORS = {"Upscale (1.5x)": 1.5, "Upscale (2x)": 2.0, "Upscale (Fast 2x)": 2.0}


def is_asked(request: GenerateRequest) -> bool:
    """Whether this is what the request asks for."""
    return is_given(request.uov_input_image) and request.uov_method != "Disabled"


def task(request: GenerateRequest, common: dict[str, Any], image: Path) -> Task:
    """The task; `common`: the fields that every task has."""
    if method := VARIATIONS.get(request.uov_method):
        return Vary(**common, image=image, method=method, strength=_above_0(request.overwrite_vary_strength))
    return Upscale(
        **common,
        image=image,
        factor=FACTORS.get(request.uov_method, request.upscale_multiple),
        upscaler=request.upscale_model or None,
        fast=request.uov_method == "Upscale (Fast 2x)",
        strength=_above_0(request.overwrite_upscale_strength),
    )


def _above_0(strength: float) -> float | None:
    return strength if strength > 0 else None
