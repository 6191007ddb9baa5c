"""Noise without steps, latents = clean + sigma · noise, and the samplers for it. Karras et al., "EDM", 2022.

The clean latents spread by `sigma_data`. In units of that, and scaled to variance 1, the model's output is a velocity
with its sign turned: clean = signal · latents + level · output. A timestep is ln(sigma) / 4.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipelines.noise import Told
from pipelines.samplers import own_options

if TYPE_CHECKING:
    from torch import Generator, Tensor

SECTION = "edm"
"""Of `configs/samplers.json`."""

TRAINED = ("sigma_min", "sigma_max", "sigma_data", "rho", "prediction_type", "num_train_timesteps")
"""What a checkpoint's scheduler_config.json says about its noise; the rest is the sampler's."""

USUAL = {"sigma_min": 0.002, "sigma_max": 80.0, "sigma_data": 0.5}


class EdmNoise:
    """What the latents hold at a timestep, by a scheduler_config.json."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        told = {name: float(config.get(name, usual)) for name, usual in USUAL.items()}
        self.sigma_data = told["sigma_data"]
        self._first, self._last = (math.log(told[name]) / 4 for name in ("sigma_max", "sigma_min"))
        self.tells: Told = "v_prediction" if config.get("prediction_type") == "v_prediction" else "turned"

    def progress(self, timestep: "Tensor") -> float:
        """In step with the logarithm of sigma."""
        return (self._first - float(timestep)) / (self._first - self._last)

    def levels(self, timestep: "Tensor") -> tuple[float, float]:
        """Of latents that are scaled to variance 1."""
        sigma = math.exp(4 * float(timestep))
        whole = math.hypot(sigma, self.sigma_data)
        return self.sigma_data / whole, sigma / whole

    def clean(self, latents: "Tensor", output: "Tensor", timestep: "Tensor") -> "Tensor":
        """The clean latents, from those the model was given and what it answered."""
        signal, level = self.levels(timestep)
        velocity = output if self.tells == "v_prediction" else -output
        return self.sigma_data * (signal * latents - level * velocity)


class EdmSampler:
    """One request's own scheduler; `timesteps` are what remains to be done after the first `skipped` steps."""

    def __init__(
        self, sampler: str, scheduler: str, config: Mapping[str, Any], *, steps: int, skipped: int, device: str
    ) -> None:
        import diffusers

        options = own_options(SECTION, sampler, scheduler)
        told = {name: config[name] for name in TRAINED if name in config}
        self.diffusers = getattr(diffusers, options.pop("class"))(**told, **options)
        self.diffusers.set_timesteps(steps + skipped, device=device)
        self.diffusers.set_begin_index(skipped)
        self.timesteps = self.diffusers.timesteps[skipped:]
        self.noise = EdmNoise(config)

    def step(self, output: "Tensor", timestep: "Tensor", latents: "Tensor", generator: "Generator") -> "Tensor":
        """The latents one timestep on; noise that the sampler adds is drawn from `generator`."""
        stepped: Tensor = self.diffusers.step(output, timestep, latents, generator=generator, return_dict=False)[0]
        return stepped
