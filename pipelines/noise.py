"""What a checkpoint was trained to see at a timestep, and to tell of it, in latents of variance 1."""

from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from torch import Tensor

Told = Literal["epsilon", "v_prediction", "turned", "sample"]
"""What the model tells: the noise, the velocity (signal · noise - noise level · clean), that with its sign turned,
or the clean latents.
"""


class Noise(Protocol):
    """Latents = signal · clean + level · noise, with signal² + level² = 1."""

    @property
    def tells(self) -> Told: ...

    def progress(self, timestep: "Tensor") -> float:
        """How far from noise alone (0) to the picture (1)."""
        ...

    def levels(self, timestep: "Tensor") -> tuple[float, float]:
        """How much of signal and of noise is in the latents."""
        ...


class StepNoise:
    """Noise in so many steps, as diffusers' schedulers know it by their `alphas_cumprod`."""

    def __init__(self, scheduler: Any) -> None:
        self._scheduler = scheduler

    @property
    def tells(self) -> Told:
        told: Told = self._scheduler.config.prediction_type
        return told

    def progress(self, timestep: "Tensor") -> float:
        """By the number of the step."""
        return 1 - float(timestep) / (len(self._scheduler.alphas_cumprod) - 1)

    def levels(self, timestep: "Tensor") -> tuple[float, float]:
        """At a timestep which may lie between whole ones."""
        import numpy as np

        levels = self._scheduler.alphas_cumprod.cpu().numpy()
        signal = float(np.exp(np.interp(float(timestep), np.arange(len(levels)), np.log(levels))))
        return signal**0.5, (1 - signal) ** 0.5
