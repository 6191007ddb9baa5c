"""What the clean latents are, as far as the model can tell at a step of the denoising."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

NOISE = (
    "num_train_timesteps",
    "beta_start",
    "beta_end",
    "beta_schedule",
    "trained_betas",
    "prediction_type",
    "rescale_betas_zero_snr",
)
"""What a checkpoint's scheduler_config.json says that matters here."""


class Denoised:
    """Reads a model's outputs. Every sampler gives the model latents of variance 1, so this holds for all of them.

    In those, latents = √ᾱ · clean + √(1 - ᾱ) · noise, with ᾱ the share of the signal at the timestep.
    """

    def __init__(self, scheduler_config: Mapping[str, Any], device: str) -> None:
        from diffusers import DDPMScheduler

        told = {name: scheduler_config[name] for name in NOISE if name in scheduler_config}
        scheduler = DDPMScheduler(**told)
        self._shares = scheduler.alphas_cumprod.to(device)
        self._predicts: str = scheduler.config.prediction_type

    def __call__(self, latents: "Tensor", output: "Tensor", timestep: "Tensor") -> "Tensor":
        """The clean latents, from those the model was given and what it answered (under guidance: what that makes).

        timestep: a tensor without axes, between whole ones where the sampler works so.
        """
        if self._predicts == "sample":
            return output
        share = self._share(timestep).to(output.dtype)
        signal, noise = share.sqrt().clamp(min=1e-3), (1 - share).sqrt()
        if self._predicts == "v_prediction":
            return signal * latents - noise * output
        return (latents - noise * output) / signal

    def _share(self, timestep: "Tensor") -> "Tensor":
        """ᾱ at a timestep, between two in proportion. Stays on the device, for asking would wait for it."""
        last = len(self._shares) - 1
        place = timestep.to(self._shares.device, self._shares.dtype).clamp(0, last)
        below = place.long()
        return self._shares[below].lerp(self._shares[(below + 1).clamp(max=last)], place - below)
