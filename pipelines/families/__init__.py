"""Model architectures. Each file beside this one is a family: how its checkpoints are recognised, and what they can do.

Which family a checkpoint is of is told by `configs/kinds.json`; its module has `describe`, `fits_vae` and `load`. Its
top level must not import torch: the HTTP process describes, too.
"""

import functools
import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from configs.settings import Settings
from pipelines.compiling import Forms
from pipelines.noise import Noise
from pipelines.parts import Parts
from pipelines.plans import Painting, Pixels
from pipelines.usual import Usual

if TYPE_CHECKING:
    from torch import Generator, Tensor


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A model file or folder and what its headers tell.

    kind: in words. side: of the native picture, pixels. multiple: of this are the sides that it paints. cell: pixels
    per latent cell. text_layers: of the text encoder (the most that clip_skip can be). inpainting: made to repaint
    under a mask. shown: made to see the picture and to change it as it is asked. told_size: whether it is told the
    picture's size, which adm_scaler_* change. sampling: the section of `configs/samplers.json` that its samplers are
    in, "" for Stable Diffusion's. usual: see `pipelines.usual`, None for one that does all that Stable Diffusion does,
    as presets say. caveats: what is to be told of every picture that it paints.
    """

    name: str
    path: Path
    family: str
    kind: str
    parts: Parts
    side: int
    multiple: int
    cell: int
    text_layers: int
    inpainting: bool
    shown: bool = False
    told_size: bool = False
    sampling: str = ""
    usual: Usual | None = None
    caveats: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Words:
    """A prompt encoded: `embedding` has one row (the prompt), or two (the negative prompt first) under guidance.

    pooled: of the prompt as a whole, as many rows × width, for models that ask for it.
    lost: the end of the prompt that did not fit, "" if all did. kept, anew: how many texts' encodings were there from
    before, and were made.
    """

    embedding: "Tensor"
    lost: str
    pooled: "Tensor | None" = None
    kept: int = 0
    anew: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Start:
    """What the loop starts from; every tensor is 1 × channels × rows × columns of latent cells.

    conditions: further input channels of every forward pass. known: clean latents that are put back, noised to the
    level of the step, where `cells` (see Repainting) is less than the share of the run that is left. Each is None where
    the model or the request has no such thing.
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
    words: Words
    conditions: "Tensor | None"
    painting: Painting


class Sampling(Protocol):
    """One request's own sampler, set to its steps. timesteps: those that remain to be done.

    noise: what the model was trained to see, None for one that guides its output itself. diffusers: its scheduler, with
    `scale_model_input`, `add_noise` and `init_noise_sigma` as diffusers has them.
    """

    diffusers: Any
    timesteps: Any

    @property
    def noise(self) -> Noise | None: ...

    def step(self, output: "Tensor", timestep: "Tensor", latents: "Tensor", generator: "Generator") -> "Tensor":
        """The latents one timestep on; noise that the sampler adds is drawn from `generator`."""
        ...


class Model(Protocol):
    """A loaded checkpoint: primitives for `pipelines.engine`, which owns the loop.

    lean: where memory has run out, whether `predict` shall work with as few rows at a time as it can. forms: what
    compiles its passes, None where nothing does.
    """

    device: str
    lean: bool
    forms: Forms | None

    def sampling(self, painting: Painting) -> Sampling:
        """The sampler of a painting, which has its own."""
        ...

    def denoised(self) -> "Callable[[Tensor, Tensor, Tensor], Tensor]":
        """What tells the clean latents from those the model saw, its guided output, and the timestep."""
        ...

    def encode_prompt(self, painting: Painting) -> Words: ...

    def start(self, painting: Painting, scheduler: Any, timestep: "Tensor", generator: "Generator") -> Start: ...

    def predict(self, samples: Sequence[Sample]) -> "list[Tensor]":
        """The model's output for each sample: one row per row of its words, which the engine guides, or one, guided.

        All samples have the same LoRAs, and go through in one pass where that is quicker.
        """
        ...

    def encode(self, pixels: Pixels) -> "Tensor":
        """A picture's latents, 1 × channels × rows × columns, without any chance in them."""
        ...

    def decode(self, latents: "Tensor") -> Pixels: ...

    def with_vae(self, path: Path) -> "Model":
        """This model with another VAE, everything else shared. Raises BrokenModel."""
        ...


class Family(Protocol):
    """A family module."""

    def describe(self, name: str, parts: Parts) -> Checkpoint:
        """What the settings of the parts tell. Raises NotSupported or BrokenModel."""
        ...

    def load(self, checkpoint: Checkpoint, device: str, settings: Settings) -> Model:
        """The model, in main memory but made for `device`; it finds its LoRAs by `settings`. Raises BrokenModel."""
        ...

    def fits_vae(self, checkpoint: Checkpoint, path: Path) -> bool:
        """Whether the VAE at `path` may take the place of the checkpoint's own. Raises NotSupported or BrokenModel."""
        ...


@functools.cache
def families() -> dict[str, Family]:
    """Every family by the name of its module."""
    found = [module.name for module in pkgutil.iter_modules(__path__)]
    return {name: cast(Family, importlib.import_module(f"{__name__}.{name}")) for name in found}
