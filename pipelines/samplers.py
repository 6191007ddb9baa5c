"""Fooocus's sampler and scheduler names, and the diffusers scheduler that each pair means (`configs/samplers.json`)."""

import difflib
import functools
import inspect
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from configs.settings import ROOT
from masking.errors import InvalidValue
from pipelines.noise import StepNoise
from pipelines.solvers import LegScheduler, timesteps_of

if TYPE_CHECKING:
    from torch import Generator, Tensor

Part = Literal["sampler", "scheduler"]

NOISE = (
    "num_train_timesteps",
    "beta_start",
    "beta_end",
    "beta_schedule",
    "trained_betas",
    "prediction_type",
    "rescale_betas_zero_snr",
    "steps_offset",
    "set_alpha_to_one",
)
"""What a checkpoint's scheduler_config.json says about the noise it was trained with; the rest is the sampler's."""


@functools.cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads((ROOT / "configs" / "samplers.json").read_text(encoding="utf-8"))
    return table


def names(part: Part) -> tuple[str, ...]:
    """The samplers or schedulers that can be used."""
    return tuple(_table()[f"{part}s"])


def check(part: Part, name: str, warnings: list[str]) -> str:
    """That name, or the nearest one to it where it is only known, which `warnings` tell. Raises InvalidValue."""
    if name in names(part):
        return name
    if nearest := _table()["nearest"][f"{part}s"].get(name):
        warnings.append(f"The {part} {name} is not there; {nearest}, the nearest one, takes its place.")
        return str(nearest)
    near = difflib.get_close_matches(name, names(part), n=3, cutoff=0)
    raise InvalidValue(f"There is no {part} {name!r}; the nearest are {', '.join(near)}.", field=part)


def own_names(section: str, part: Part) -> tuple[str, ...]:
    """The samplers or schedulers of models that have their own, the usual one first. section: of the table."""
    return tuple(_table()[section][f"{part}s"])


def check_own(section: str, part: Part, name: str, kind: str, warnings: list[str]) -> str:
    """That name, or the nearest one that models of a section can use, which `warnings` tell with the model's kind.

    Raises InvalidValue for a name that is none at all.
    """
    if name in own_names(section, part):
        return name
    check(part, name, [])
    nearest: str = _table()[section]["nearest"][f"{part}s"].get(name, own_names(section, part)[0])
    warnings.append(f"The {part} {name} cannot be used with {kind}: {nearest} takes its place.")
    return nearest


def own_options(section: str, sampler: str, scheduler: str) -> dict[str, Any]:
    """What a pair of names of a section means to diffusers' scheduler."""
    own = _table()[section]
    return {**own["samplers"][sampler], **own["schedulers"][scheduler]}


def schedulers_of(sampler: str) -> tuple[str, ...]:
    """The schedulers that a sampler can follow, the most natural one first."""
    chosen: list[str] = _table()["samplers"][sampler].get("schedulers", names("scheduler"))
    return tuple(chosen)


class Sampler:
    """One request's own diffusers scheduler, set to its steps. `timesteps` are what remains to be done.

    steps + skipped are the whole schedule; its first `skipped` steps are left out (a second-order sampler has more
    timesteps than steps: it asks the model twice for most of them).
    """

    def __init__(
        self, sampler: str, scheduler: str, config: Mapping[str, Any], *, steps: int, skipped: int, device: str
    ) -> None:
        entry, shape = _table()["samplers"][sampler], _table()["schedulers"][scheduler]
        options, count = {**entry.get("options", {}), **shape}, steps + skipped
        rail = _build("EulerDiscreteScheduler", config, options)
        rail.set_timesteps(count, device=device)
        ladder = _ladder(shape, rail, count)
        if "solver" in entry:
            sigmas = [float(sigma) for sigma in rail.sigmas[:-1]] if ladder is None else ladder
            self.diffusers: Any = LegScheduler(entry["solver"], rail, [*sigmas[skipped:], 0.0], device)
            self.timesteps = self.diffusers.timesteps
        else:
            self.diffusers = _build(entry["class"], config, options)
            self.diffusers.set_timesteps(count, device=device)
            # Diffusers' ancestral Euler has no Karras or exponential sigmas; plain Euler's are laid out alike.
            if entry.get("takes_ladder") and "timestep_spacing" not in shape:
                self.diffusers.sigmas, self.diffusers.timesteps = rail.sigmas, rail.timesteps
            if ladder is not None:
                self._climb(ladder, rail, device)
            first = skipped * self.diffusers.order
            if hasattr(self.diffusers, "set_begin_index"):
                self.diffusers.set_begin_index(first)
            self.timesteps = self.diffusers.timesteps[first:]
        self.noise = StepNoise(self.diffusers)
        self._takes_generator = "generator" in inspect.signature(self.diffusers.step).parameters

    def _climb(self, ladder: list[float], rail: Any, device: str) -> None:
        """Put the noise levels of a table in place of the scheduler's own; the last one stays."""
        import torch

        timestep_of, kind = timesteps_of(rail), self.diffusers.timesteps.dtype
        last = self.diffusers.sigmas[-1:].cpu()
        self.diffusers.sigmas = torch.cat([torch.tensor(ladder, dtype=last.dtype), last]).to(
            self.diffusers.sigmas.device
        )
        timesteps = torch.tensor([timestep_of(sigma) for sigma in ladder], device=device)
        self.diffusers.timesteps = timesteps.to(kind) if kind.is_floating_point else timesteps.round().to(kind)

    def step(self, output: "Tensor", timestep: "Tensor", latents: "Tensor", generator: "Generator") -> "Tensor":
        """The latents one timestep on; noise that the sampler adds is drawn from `generator`."""
        more = {"generator": generator} if self._takes_generator else {}
        stepped: Tensor = self.diffusers.step(output, timestep, latents, **more, return_dict=False)[0]
        return stepped


def _ladder(shape: Mapping[str, Any], rail: Any, count: int) -> list[float] | None:
    """The noise levels of a scheduler that is a table, falling, without the last 0; None for one that is a formula."""
    import numpy as np

    levels = ((1 - rail.alphas_cumprod) / rail.alphas_cumprod).sqrt().cpu().numpy()
    if table := shape.get("sigmas"):
        # Log-linear between the published levels (Sabour et al., "Align Your Steps", 2024), at most the checkpoint's.
        told = np.exp(np.interp(np.linspace(0, 1, count + 1), np.linspace(0, 1, len(table)), np.log(table)))
        return [float(min(sigma, levels[-1])) for sigma in told[:-1]]
    if (most := shape.get("first_of", 0)) and count < most:
        # SD-Turbo's own: the first steps of a schedule of ten.
        return [float(levels[round(len(levels) * (most - i) / most) - 1]) for i in range(count)]
    return None


def _build(class_name: str, config: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """The scheduler with the checkpoint's noise schedule and our options; what its class does not know is left out."""
    import diffusers

    kind = getattr(diffusers, class_name)
    known = inspect.signature(kind.__init__).parameters
    noise = {name: config[name] for name in NOISE if name in config}
    return kind(**{name: value for name, value in {**noise, **options}.items() if name in known})
