"""Samplers of flow matching: latents go on a straight line from noise (level 1) to a picture (level 0).

latents = (1 - level) * clean + level * noise, and the model tells noise - clean. Liu et al., 2022; Lipman et al., 2022.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipelines.samplers import own_options

if TYPE_CHECKING:
    from torch import Generator, Tensor

SECTION = "flow"
"""Of `configs/samplers.json`."""

TRAINED = 1000
"""Timesteps are levels times this."""


class FlowSampler:
    """One request's own scheduler; `timesteps` are what remains to be done after the first `skipped` steps.

    It is its own `diffusers`: it has those parts of a diffusers scheduler that the loop uses.
    """

    init_noise_sigma = 1.0
    noise = None

    def __init__(
        self,
        sampler: str,
        scheduler: str,
        config: Mapping[str, Any],
        *,
        course: Mapping[str, Any],
        skipped: int,
        device: str,
    ) -> None:
        """course: what the checkpoint's own pipeline gives to `set_timesteps`."""
        from diffusers import FlowMatchEulerDiscreteScheduler

        told = {name: value for name, value in config.items() if not name.startswith("_")}
        self._scheduler = FlowMatchEulerDiscreteScheduler.from_config(told | own_options(SECTION, sampler, scheduler))
        self._scheduler.set_timesteps(device=device, **course)
        self._scheduler.set_begin_index(skipped)
        self.timesteps = self._scheduler.timesteps[skipped:]
        self.diffusers = self

    def scale_model_input(self, latents: "Tensor", _timestep: "Tensor") -> "Tensor":
        """As they are."""
        return latents

    def add_noise(self, clean: "Tensor", noise: "Tensor", timestep: "Tensor") -> "Tensor":
        """Clean latents at the level that has been reached."""
        noised: Tensor = self._scheduler.scale_noise(clean, timestep, noise)
        return noised

    def step(self, output: "Tensor", timestep: "Tensor", latents: "Tensor", generator: "Generator") -> "Tensor":
        """The latents one timestep on; noise that the sampler adds is drawn from `generator`."""
        stepped: Tensor = self._scheduler.step(output, timestep, latents, generator=generator, return_dict=False)[0]
        return stepped


def clean_latents(latents: "Tensor", output: "Tensor", timestep: "Tensor") -> "Tensor":
    """The clean latents, from those the model saw and what it told."""
    return latents - (timestep / TRAINED).to(latents) * output
