"""Solvers that diffusers lacks, as one list of legs each. Every leg is one look of the model at the latents.

All are exponential integrators in the variance-exploding form x = x0 + sigma * noise: a leg goes from a base (x, sigma)
to a lower sigma along the clean picture x0 that the model sees, x' = x0 + (down / sigma) * (x - x0), and adds noise.
DPM++ 2S and SDE: Lu et al., "DPM-Solver++", 2022. LCM: Luo et al., 2023. TCD: Zheng et al., 2024. Restart: Xu et al.,
2023.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from torch import Generator, Tensor

Solver = Literal["dpmpp_2s_ancestral", "dpmpp_sde", "lcm", "tcd", "restart"]

TCD_GAMMA = 0.3
"""How far below the next noise level a TCD leg goes before it adds noise (0 = not at all)."""

RESTART = (0.1, 2.0)
"""When the noise has come down to the first level, Restart goes back up to the second one, once."""


@dataclass(frozen=True, kw_only=True)
class Leg:
    """The model looks at the latents at noise level `at`; from there, or from the leg before (`from_last`), down to
    level `down`; then noise of level `up` is added.
    """

    at: float
    down: float
    up: float = 0.0
    from_last: bool = False


class LegScheduler:
    """The part of diffusers' scheduler interface that the loop and the families use, over legs.

    rail: an EulerDiscreteScheduler that was given its steps, for scaling and for what the checkpoint was trained with.
    sigmas: the noise levels to pass, falling, the last one 0.
    """

    order = 1

    def __init__(self, solver: Solver, rail: Any, sigmas: Sequence[float], device: str) -> None:
        import torch

        self._rail, self._timestep_of = rail, timesteps_of(rail)
        level_at = self._level_at(rail)
        self._legs = legs(solver, sigmas, lambda sigma: level_at((1 - TCD_GAMMA) * self._timestep_of(sigma)))
        at = [leg.at for leg in self._legs]
        self.sigmas = torch.tensor([*at, 0.0], dtype=torch.float32, device=device)
        self.timesteps = torch.tensor([self._timestep_of(sigma) for sigma in at], dtype=torch.float32, device=device)
        self.config, self.alphas_cumprod = rail.config, rail.alphas_cumprod
        self.init_noise_sigma = math.sqrt(at[0] ** 2 + 1)
        self._index = 0
        self._base: tuple[Tensor, float] | None = None

    @staticmethod
    def _level_at(rail: Any) -> Callable[[float], float]:
        import numpy as np

        levels = ((1 - rail.alphas_cumprod) / rail.alphas_cumprod).sqrt().cpu().numpy()
        return lambda timestep: float(np.exp(np.interp(timestep, np.arange(len(levels)), np.log(levels))))

    def scale_model_input(self, latents: "Tensor", _timestep: "Tensor") -> "Tensor":
        """The latents as the model was trained to see them."""
        return latents / math.sqrt(self._legs[self._index].at ** 2 + 1)

    def add_noise(self, clean: "Tensor", noise: "Tensor", _timesteps: "Tensor") -> "Tensor":
        """Clean latents at the noise level that is reached."""
        return clean + noise * float(self.sigmas[self._index])

    def step(
        self,
        output: "Tensor",
        _timestep: "Tensor",
        latents: "Tensor",
        generator: "Generator",
        return_dict: bool = False,
    ) -> "tuple[Tensor]":
        """The latents one leg on."""
        from diffusers.utils.torch_utils import randn_tensor

        leg = self._legs[self._index]
        clean = self._clean(output, latents, leg.at)
        base, level = self._base if leg.from_last and self._base is not None else (latents, leg.at)
        moved = clean + (leg.down / level) * (base - clean)
        if leg.up:
            noise = randn_tensor(moved.shape, generator=generator, device=moved.device, dtype=moved.dtype)
            moved = moved + leg.up * noise
        self._base = (latents, leg.at)
        self._index += 1
        return (moved,)

    def _clean(self, output: "Tensor", latents: "Tensor", sigma: float) -> "Tensor":
        """The clean latents that the model's answer means."""
        if self.config.prediction_type == "epsilon":
            return latents - sigma * output
        if self.config.prediction_type == "v_prediction":
            return latents / (sigma**2 + 1) - output * (sigma / math.sqrt(sigma**2 + 1))
        return output


def timesteps_of(rail: Any) -> Callable[[float], float]:
    """From a noise level to the timestep at which the checkpoint was trained for it, between whole ones, too."""
    import numpy as np

    levels = ((1 - rail.alphas_cumprod) / rail.alphas_cumprod).sqrt().cpu().numpy()
    return lambda sigma: float(np.interp(math.log(max(sigma, 1e-10)), np.log(levels), np.arange(len(levels))))


def legs(solver: Solver, sigmas: Sequence[float], lower: Callable[[float], float]) -> list[Leg]:
    """The legs that lead through `sigmas`; `lower`: the level to which TCD goes on its way to another one."""
    if solver == "restart":
        return _restarting(sigmas)
    pairs = list(itertools.pairwise(sigmas))
    if solver == "lcm":
        return [Leg(at=at, down=0.0, up=to) for at, to in pairs]
    if solver == "tcd":
        return [Leg(at=at, down=(down := lower(to) if to else 0.0), up=_rest(to, down)) for at, to in pairs]
    middle = _middle_of_sde if solver == "dpmpp_sde" else _middle
    return [leg for at, to in pairs for leg in _two(at, to, middle, ancestral=True)]


def _restarting(sigmas: Sequence[float]) -> list[Leg]:
    """Plain second-order legs, of which a quarter is kept for the way that is gone twice."""
    low, high = RESTART
    pairs = list(itertools.pairwise(sigmas))
    turn = next((i for i, (at, to) in enumerate(pairs) if to <= low < at and to > 0), None)
    found = [leg for at, to in pairs for leg in _two(at, to, _middle, ancestral=False)]
    if turn is None or max(sigmas) <= high:
        return found
    again = [high, *(sigma for sigma in sigmas if sigmas[turn + 1] <= sigma < high)]
    done = [leg for at, to in pairs[: turn + 1] for leg in _two(at, to, _middle, ancestral=False)]
    done[-1] = Leg(at=done[-1].at, down=done[-1].down, up=_rest(high, done[-1].down), from_last=done[-1].from_last)
    back = [leg for at, to in itertools.pairwise(again) for leg in _two(at, to, _middle, ancestral=False)]
    return [*done, *back, *found[len(done) :]]


def _two(at: float, to: float, middle: Callable[[float, float, float], Leg], *, ancestral: bool) -> list[Leg]:
    """Second order: a look at the level between, then from the start again with what was seen there."""
    if to == 0:
        return [Leg(at=at, down=0.0)]
    down, up = _ancestral(at, to) if ancestral else (to, 0.0)
    first = middle(at, to, down)
    return [first, Leg(at=math.hypot(first.down, first.up), down=down, up=up, from_last=True)]


def _middle(at: float, _to: float, down: float) -> Leg:
    return Leg(at=at, down=math.sqrt(at * down))


def _middle_of_sde(at: float, to: float, _down: float) -> Leg:
    down, up = _ancestral(at, math.sqrt(at * to))
    return Leg(at=at, down=down, up=up)


def _ancestral(at: float, to: float) -> tuple[float, float]:
    """How far to go down and how much noise to add, so that the level is `to` and the noise as fresh as can be."""
    up = min(to, to * math.sqrt(max(0.0, at**2 - to**2)) / at)
    return _rest(to, up), up


def _rest(level: float, part: float) -> float:
    """The noise that makes `level` out of `part`."""
    return math.sqrt(max(0.0, level**2 - part**2))
