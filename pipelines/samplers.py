"""Fooocus's sampler and scheduler names, and the diffusers scheduler that each pair means (`configs/samplers.json`)."""

import difflib
import functools
import inspect
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from configs.settings import ROOT
from masking.errors import InvalidValue, NotSupported

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


def check(part: Part, name: str) -> str:
    """That name. Raises NotSupported for one of Fooocus's that is not here yet, InvalidValue for any other."""
    if name in names(part):
        return name
    if name in _table()["later"][f"{part}s"]:
        raise NotSupported(f"The {part} {name!r} is not there yet; there are {', '.join(names(part))}.", field=part)
    near = difflib.get_close_matches(name, names(part), n=3, cutoff=0)
    raise InvalidValue(f"There is no {part} {name!r}; the nearest are {', '.join(near)}.", field=part)


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
        options = {**entry.get("options", {}), **shape}
        self.diffusers = _build(entry["class"], config, options)
        self.diffusers.set_timesteps(steps + skipped, device=device)
        if "sigmas_of" in entry and "timestep_spacing" not in shape:
            self._take_sigmas(_build(entry["sigmas_of"], config, options), steps + skipped, device)
        first = skipped * self.diffusers.order
        if hasattr(self.diffusers, "set_begin_index"):
            self.diffusers.set_begin_index(first)
        self.timesteps = self.diffusers.timesteps[first:]
        accepted = inspect.signature(self.diffusers.step).parameters
        self._takes_generator = "generator" in accepted

    def _take_sigmas(self, other: Any, steps: int, device: str) -> None:
        # Diffusers' ancestral Euler has no Karras or exponential sigmas of its own; plain Euler's are laid out alike.
        other.set_timesteps(steps, device=device)
        self.diffusers.sigmas, self.diffusers.timesteps = other.sigmas, other.timesteps

    def step(self, output: "Tensor", timestep: "Tensor", latents: "Tensor", generator: "Generator") -> "Tensor":
        """The latents one timestep on; noise that the sampler adds is drawn from `generator`."""
        more = {"generator": generator} if self._takes_generator else {}
        stepped: Tensor = self.diffusers.step(output, timestep, latents, **more, return_dict=False)[0]
        return stepped


def _build(class_name: str, config: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """The scheduler with the checkpoint's noise schedule and our options; what its class does not know is left out."""
    import diffusers

    kind = getattr(diffusers, class_name)
    known = inspect.signature(kind.__init__).parameters
    noise = {name: config[name] for name in NOISE if name in config}
    return kind(**{name: value for name, value in {**noise, **options}.items() if name in known})
