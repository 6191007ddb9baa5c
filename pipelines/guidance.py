"""What one look of the model at the latents comes to: guidance, its mimicking (adaptive_cfg), and sharpness."""

from typing import TYPE_CHECKING, Any

from pipelines.families import Sample
from pipelines.plans import Recipe

if TYPE_CHECKING:
    from torch import Tensor

SHARPNESS = 0.001
"""The share of the smoothed noise at the last step, for each unit of sharpness."""

WINDOW = 5
"""Rows and columns of latent cells that the smoothing looks at."""


def guide(output: "Tensor", sample: Sample, scheduler: Any, recipe: Recipe) -> "Tensor":
    """The model's output rows [negative, prompt] (or the prompt's alone) as one row.

    scheduler: the request's own, whose `alphas_cumprod` and `config` tell how the checkpoint was trained.
    """
    if len(output) == 1 and not recipe.sharpness:
        return output
    progress = 1 - float(sample.timestep) / (len(scheduler.alphas_cumprod) - 1)
    if recipe.sharpness:
        output = _sharpened(output, sample, scheduler, SHARPNESS * recipe.sharpness * progress)
    if len(output) == 1:
        return output
    negative, prompt = output.chunk(2)
    return negative + _scale(recipe, progress) * (prompt - negative)


def _scale(recipe: Recipe, progress: float) -> float:
    """The guidance scale; one above adaptive_cfg is reached from there, in step with the noise that is gone."""
    if recipe.guidance_scale <= recipe.adaptive_cfg:
        return recipe.guidance_scale
    return recipe.adaptive_cfg + (recipe.guidance_scale - recipe.adaptive_cfg) * progress


def _sharpened(output: "Tensor", sample: Sample, scheduler: Any, share: float) -> "Tensor":
    """The prompt's row, with a share of the noise that it sees smoothed: what is no noise then stays in the picture."""
    import torch

    signal, noise = _levels(sample, scheduler)
    seen, told = sample.latents, output[-1:]
    if scheduler.config.prediction_type == "epsilon":
        clean = (seen - noise * told) / signal
        told = told + share * (_smoothed(told, clean) - told)
    elif scheduler.config.prediction_type == "v_prediction":
        clean, epsilon = signal * seen - noise * told, noise * seen + signal * told
        told = told + share * (_smoothed(epsilon, clean) - epsilon) / signal
    return torch.cat([output[:-1], told])


def _levels(sample: Sample, scheduler: Any) -> tuple[float, float]:
    """How much of signal and of noise is in latents at the sample's timestep, which may lie between whole ones."""
    import numpy as np

    levels = scheduler.alphas_cumprod.cpu().numpy()
    signal = float(np.exp(np.interp(float(sample.timestep), np.arange(len(levels)), np.log(levels))))
    return signal**0.5, (1 - signal) ** 0.5


def _smoothed(values: "Tensor", guide: "Tensor") -> "Tensor":
    """`values` (1 × channels × rows × columns) by a joint bilateral filter: the mean of the cells around, those near
    and alike in `guide` counting most. Petschnigg et al., 2004.
    """
    import torch
    from torch.nn import functional

    half = WINDOW // 2
    offsets = torch.arange(-half, half + 1, device=values.device, dtype=torch.float32)
    near = (offsets[:, None] ** 2 + offsets[None] ** 2).flatten()
    normal = (guide.float() - guide.float().mean((-2, -1), keepdim=True)) / (guide.float().std() + 1e-6)

    def around(field: "Tensor") -> "Tensor":
        padded = functional.pad(field.float(), [half] * 4, mode="replicate")
        return padded.unfold(2, WINDOW, 1).unfold(3, WINDOW, 1).flatten(-2)

    unlike = (around(normal) - normal[..., None]).square().mean(1, keepdim=True)
    weights = torch.exp(-near / 2 - unlike * 2)
    smooth: Tensor = (around(values) * weights).sum(-1) / weights.sum(-1)
    return smooth.to(values.dtype)
