"""What one look of the model at the latents comes to: guidance, its mimicking (adaptive_cfg), and sharpness."""

from typing import TYPE_CHECKING

from pipelines.families import Sample
from pipelines.noise import Noise
from pipelines.plans import Recipe

if TYPE_CHECKING:
    from torch import Tensor

SHARPNESS = 0.001
"""The share of the smoothed noise at the last step, for each unit of sharpness."""

WINDOW = 5
"""Rows and columns of latent cells that the smoothing looks at."""


def guide(output: "Tensor", sample: Sample, noise: Noise | None, recipe: Recipe) -> "Tensor":
    """The model's output rows [negative, prompt] (or the prompt's alone) as one row.

    noise: how the checkpoint was trained, None for one that has guided its output itself.
    """
    if noise is None or (len(output) == 1 and not recipe.sharpness):
        return output
    progress = noise.progress(sample.timestep)
    if recipe.sharpness:
        output = _sharpened(output, sample, noise, SHARPNESS * recipe.sharpness * progress)
    if len(output) == 1:
        return output
    negative, prompt = output.chunk(2)
    return negative + _scale(recipe, progress) * (prompt - negative)


def _scale(recipe: Recipe, progress: float) -> float:
    """The guidance scale; one above adaptive_cfg is reached from there, in step with the noise that is gone."""
    if recipe.guidance_scale <= recipe.adaptive_cfg:
        return recipe.guidance_scale
    return recipe.adaptive_cfg + (recipe.guidance_scale - recipe.adaptive_cfg) * progress


def _sharpened(output: "Tensor", sample: Sample, trained: Noise, share: float) -> "Tensor":
    """The prompt's row, with a share of the noise that it sees smoothed: what is no noise then stays in the picture."""
    import torch

    signal, noise = trained.levels(sample.timestep)
    seen, told = sample.latents, output[-1:]
    if trained.tells == "epsilon":
        clean = (seen - noise * told) / signal
        told = told + share * (_smoothed(told, clean) - told)
    elif trained.tells in ("v_prediction", "turned"):
        velocity = told if trained.tells == "v_prediction" else -told
        clean, epsilon = signal * seen - noise * velocity, noise * seen + signal * velocity
        velocity = velocity + share * (_smoothed(epsilon, clean) - epsilon) / signal
        told = velocity if trained.tells == "v_prediction" else -velocity
    return torch.cat([output[:-1], told])


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
