"""Model architectures. Each file beside this one is a family: how its checkpoints are recognised, and what they can do.

A family module has `recognise` and `load`. Its top level must not import torch: the HTTP process recognises, too.
"""

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from pipelines.plans import Painting, Pixels

if TYPE_CHECKING:
    from torch import Generator, Tensor


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A model file or folder and what its headers tell.

    side: of the native picture, pixels. multiple: of this are the sides that it paints. cell: pixels per latent cell.
    text_layers: of the text encoder (the most that clip_skip can be). inpainting: made to repaint under a mask.
    """

    name: str
    path: Path
    family: str
    side: int
    multiple: int
    cell: int
    text_layers: int
    inpainting: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Words:
    """A prompt encoded: `embedding` has one row (the prompt), or two (the negative prompt first) under guidance.

    lost: the end of the prompt that did not fit, "" if all did.
    """

    embedding: "Tensor"
    lost: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Start:
    """What the loop starts from; every tensor is 1 × channels × rows × columns of latent cells.

    conditions: further input channels of every forward pass. known: clean latents that are put back, noised to the
    level of the step, wherever `cells` is 0. Both are None where the model or the request has no such thing.
    """

    latents: "Tensor"
    noise: "Tensor"
    conditions: "Tensor | None" = None
    known: "Tensor | None" = None
    cells: "Tensor | None" = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """One request's share of a forward pass: latents scaled for the model; the timestep is a tensor without axes."""

    latents: "Tensor"
    timestep: "Tensor"
    words: "Tensor"
    conditions: "Tensor | None"


class Model(Protocol):
    """A loaded checkpoint: primitives for `pipelines.engine`, which owns the loop."""

    scheduler_config: Mapping[str, Any]
    device: str

    def encode_prompt(self, painting: Painting) -> Words: ...

    def start(self, painting: Painting, scheduler: Any, timestep: "Tensor", generator: "Generator") -> Start: ...

    def predict(self, samples: Sequence[Sample]) -> "list[Tensor]":
        """The model's output for each sample, one row per row of its words; all samples go through in one pass."""
        ...

    def decode(self, latents: "Tensor") -> Pixels: ...


class Family(Protocol):
    """A family module."""

    def recognise(self, name: str, path: Path) -> Checkpoint | None:
        """What lies at `path`, or None if it is no checkpoint of this family. Raises NotSupported or BrokenModel."""
        ...

    def load(self, checkpoint: Checkpoint, device: str) -> Model: ...


def families() -> dict[str, Family]:
    """Every family by the name of its module."""
    found = [module.name for module in pkgutil.iter_modules(__path__)]
    return {name: cast(Family, importlib.import_module(f"{__name__}.{name}")) for name in found}
