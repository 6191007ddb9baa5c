"""What the families of flow matching have in common: a transformer over patches of latents, told the words it reads."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from configs.settings import Settings
from masking.errors import BrokenModel
from pipelines import compiling, eight_bits, emphasis, layout, unet_model
from pipelines.adapters import Adapters
from pipelines.families import Checkpoint, Sample, Start, Words
from pipelines.flow_sampling import SECTION, FlowSampler, clean_latents
from pipelines.latent_spaces import KlSpace
from pipelines.parts import Parts
from pipelines.plans import Painting, Pixels, Recipe, Repainting
from pipelines.unet_model import picture_of, signed
from pipelines.usual import Usual
from pipelines.weights import Weights, number_for

if TYPE_CHECKING:
    from torch import Generator, Tensor

SIDE = 1024
"""The native side of a checkpoint whose VAE does not tell it."""

Told = Mapping[str, Any]
"""What a transformer is given of a text, by the names of its arguments."""


@dataclass(frozen=True, kw_only=True)
class Build:
    """The components of a family by their names in its folder, and the names of their classes.

    pipeline: of diffusers', whose encode_prompt and LoRA loader are used. optional: parts it can do without.
    """

    pipeline: str
    models: Mapping[str, str]
    text_encoders: Mapping[str, str]
    tokenizers: Mapping[str, str]
    processors: Mapping[str, str] = field(default_factory=dict)
    optional: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class FlowWords(Words):
    """told: of the prompt; against: of the negative prompt, None where nothing is guided against one.

    embedding: the prompt's, by whose shape the engine knows who might share a pass.
    """

    told: Told
    against: Told | None


def describe(
    name: str,
    parts: Parts,
    *,
    usual: Usual,
    cell: int,
    patch: int = 2,
    side: int = SIDE,
    inpainting: bool = False,
    shown: bool = False,
    caveats: tuple[str, ...] = (),
) -> Checkpoint:
    """cell: pixels per latent cell, of which `patch` × `patch` are one token."""
    return Checkpoint(
        name=name,
        path=parts.path,
        family=parts.family,
        kind=parts.kind,
        parts=parts,
        side=side,
        multiple=cell * patch,
        cell=cell,
        text_layers=1,
        inpainting=inpainting,
        shown=shown,
        sampling=SECTION,
        usual=usual,
        caveats=caveats,
    )


def fits_vae(checkpoint: Checkpoint, path: Path) -> bool:
    """Whether a VAE makes latents of the same shape."""
    return unet_model.fits_vae(checkpoint, path)


def build(checkpoint: Checkpoint, told: Build, device: str) -> Any:
    """diffusers' pipeline of the checkpoint's components, in main memory and without a scheduler. Raises BrokenModel.

    device: what they are made for.
    """
    import diffusers
    import transformers

    weights = Weights(checkpoint.parts, number_for(device))
    complete = all(checkpoint.parts.has(name) for name in told.optional)
    missing = () if complete else told.optional
    components: dict[str, Any] = dict.fromkeys(missing)
    for name, kind in told.models.items():
        components[name] = weights.model(name, getattr(diffusers, kind))
    for name, kind in told.text_encoders.items():
        if name not in missing:
            components[name] = weights.text_encoder(name, getattr(transformers, kind))
    for name, kind in told.tokenizers.items():
        if name not in missing:
            components[name] = weights.tokenizer(name, getattr(transformers, kind))
    for name, kind in told.processors.items():
        components[name] = weights.processor(name, getattr(transformers, kind))
    return getattr(diffusers, told.pipeline)(**components, scheduler=None)


class FlowModel(ABC):
    """The primitives over diffusers' own components; alone on a CPU bit-equal to its stock pipelines."""

    room = 512
    """Tokens of a prompt that are read."""

    even = True
    """Whether all texts are as long as that to the transformer."""

    def __init__(self, pipeline: Any, checkpoint: Checkpoint, settings: Settings, device: str) -> None:
        assert checkpoint.usual is not None
        self.pipeline, self.device, self.usual = pipeline, device, checkpoint.usual
        self.transformer, self.parts = pipeline.transformer, checkpoint.parts
        self.scheduler_config = checkpoint.parts.config("scheduler")
        self.dtype = self.transformer.dtype
        self.latent_dtype = self.dtype
        self.lean = False
        self.adapters = Adapters(pipeline, settings)
        if settings.fp8:
            eight_bits.narrow(self.transformer, device)
        self.forms = compiling.forms(self.transformer, device, settings)
        if self.forms and not self.even:
            self.forms.give_up("texts are of any length to a model of this kind")
        self.space = self._space(pipeline.vae)

    @abstractmethod
    def _told(self, text: str, painting: Painting) -> Told:
        """A text encoded, for what is to be painted; its key encoder_hidden_states is a tensor."""

    @abstractmethod
    def _velocity(self, sample: Sample, told: Sequence[Told]) -> "list[Tensor]":
        """What the transformer says, 1 × channels × rows × columns for each of `told`."""

    @abstractmethod
    def _course(self, tokens: int, steps: int) -> Mapping[str, Any]:
        """What the scheduler is set with, for a picture of so many tokens and a whole schedule of so many steps."""

    def _space(self, vae: Any) -> Any:
        return KlSpace(layout.arrange(vae, self.device))

    def sampling(self, painting: Painting) -> FlowSampler:
        """The sampler of the recipe, set to what a painting leaves of its schedule."""
        recipe = painting.recipe
        skipped = painting.skipped if isinstance(painting, Repainting) else 0
        tokens = painting.width * painting.height // self.multiple**2
        return FlowSampler(
            recipe.sampler,
            recipe.scheduler,
            self.scheduler_config,
            course=self._course(tokens, recipe.steps + skipped),
            skipped=skipped,
            device=self.device,
        )

    @property
    def multiple(self) -> int:
        """Pixels per token, across."""
        return 2 * int(self.space.cell)

    def denoised(self) -> "Callable[[Tensor, Tensor, Tensor], Tensor]":
        """By how far along the line the latents are."""
        return clean_latents

    def encode_prompt(self, painting: Painting) -> Words:
        """The prompt, and the negative one where there is guidance against it."""
        recipe = painting.recipe
        self.adapters.put_on(recipe.loras, anew=True)
        told = self._told(text := one_text(recipe.prompt), painting)
        against = self._told(one_text(recipe.negative_prompt), painting) if self._guides(recipe) else None
        return FlowWords(embedding=told["encoder_hidden_states"], told=told, against=against, lost=self._lost(text))

    def _guides(self, recipe: Recipe) -> bool:
        return self.usual.guided == "against" and recipe.guidance_scale > self.usual.unguided

    def _lost(self, text: str) -> str:
        """The end of a text that is more than the encoder reads."""
        tokenizer = self._longest_tokenizer()
        tokens = tokenizer(text, truncation=False, verbose=False).input_ids
        return str(tokenizer.decode(tokens[self.room :], skip_special_tokens=True)) if len(tokens) > self.room else ""

    def _longest_tokenizer(self) -> Any:
        """Of the encoder that reads most."""
        return self.pipeline.tokenizer

    def with_vae(self, path: Path) -> "FlowModel":
        """This model with another VAE (safetensors file or diffusers folder), the rest shared. Raises BrokenModel."""
        try:
            if path.is_dir():
                vae = type(self.space.vae).from_pretrained(path, torch_dtype=self.space.vae.dtype)
            else:
                vae = self._vae_of_file(path)
        except (OSError, ValueError, RuntimeError) as problem:
            raise BrokenModel(f"The VAE {path.name!r} does not load: {problem}", field="vae") from problem
        other = copy.copy(self)
        other.space = self._space(vae.to(self.device).eval())
        return other

    def _vae_of_file(self, path: Path) -> Any:
        """A VAE that is one file, set as the checkpoint's own is. Raises ValueError, RuntimeError or OSError."""
        config, number = str(self.parts.folder("vae")), self.space.vae.dtype
        return type(self.space.vae).from_single_file(str(path), config=config, torch_dtype=number)

    def start(self, painting: Painting, scheduler: Any, timestep: "Tensor", generator: "Generator") -> Start:
        """Latents to begin with. Draws from `generator` in the order of diffusers' stock pipelines."""
        import torch
        from diffusers.utils.torch_utils import randn_tensor

        given = painting if isinstance(painting, Repainting) else None
        known = self._latents_of(signed(given.image), generator) if given else None
        cell = self.space.cell
        shape = (1, self.space.channels, painting.height // cell, painting.width // cell)
        noise = randn_tensor(shape, generator=generator, device=torch.device(self.device), dtype=self.latent_dtype)
        latents = noise
        if given and given.skipped and known is not None:
            origin = known if given.from_image else torch.zeros_like(known)
            latents = scheduler.add_noise(origin, noise, timestep[None])
        conditions = self._conditions(painting, generator)
        by_degree = given is not None and bool(((given.cells > 0) & (given.cells < 1)).any())
        if given is None or (conditions is not None and not by_degree):
            return Start(latents=latents, noise=noise, conditions=conditions)
        cells = torch.from_numpy(given.cells)[None, None].to(self.device, self.latent_dtype)
        return Start(latents=latents, noise=noise, conditions=conditions, known=known, cells=cells)

    def _conditions(self, painting: Painting, generator: "Generator") -> "Tensor | None":
        """What the transformer sees beside the latents, 1 × channels × rows × columns."""
        return None

    def _latents_of(self, picture: "Tensor", generator: "Generator | None") -> "Tensor":
        latents: Tensor = self.space.encode(picture.to(self.device, self.space.vae.dtype), generator)
        # Repeated or packed in diffusers' own pipelines; by the order in memory convolutions choose how they round.
        return latents.to(self.latent_dtype).contiguous()

    def predict(self, samples: Sequence[Sample]) -> "list[Tensor]":
        """1 × channels × rows × columns for each sample, guided; one sample after the other."""
        self.adapters.put_on(samples[0].painting.recipe.loras)
        with layout.attending(self.device):
            return [self._guided(sample) for sample in samples]

    def _guided(self, sample: Sample) -> "Tensor":
        words = sample.words
        assert isinstance(words, FlowWords)
        if words.against is None:
            return self._velocity(sample, [words.told])[0]
        both = [words.against, words.told]
        against, prompt = (
            (self._velocity(sample, [each])[0] for each in both) if self.lean else self._velocity(sample, both)
        )
        return self._mixed(against, prompt, sample.painting.recipe.guidance_scale)

    def _transformed(self, **asked: Any) -> "Tensor":
        """The transformer's answer, compiled where that is ready."""
        if self.forms and self.even and not self.adapters.worn and not self.lean:
            if (answer := self.forms.answer(asked)) is not None:
                return answer
        elif self.forms:
            self.forms.compiled = False
        own: Tensor = self.transformer(**asked, return_dict=False)[0]
        return own

    def _mixed(self, against: "Tensor", prompt: "Tensor", scale: float) -> "Tensor":
        """Guidance without a classifier, Ho and Salimans, 2022."""
        return against + scale * (prompt - against)

    def encode(self, pixels: Pixels) -> "Tensor":
        """1 × channels × rows × columns; the mean of what the VAE might draw."""
        import torch

        with torch.inference_mode():
            return self._latents_of(signed(pixels), None)

    def decode(self, latents: "Tensor") -> Pixels:
        """height × width × 3, RGB. Raises BrokenModel where the model gave no numbers."""
        return picture_of(self.space.decode(latents.to(self.space.vae.dtype)))


def one_text(lines: str) -> str:
    """The lines of a prompt as one text, without brackets and weights."""
    return emphasis.plain(", ".join(line for line in lines.splitlines() if line))


def shift(config: Mapping[str, Any], tokens: int) -> float:
    """How far the schedule of a picture of so many tokens is shifted towards noise; Esser et al., 2024."""
    from diffusers.pipelines.flux.pipeline_flux import calculate_shift

    return float(
        calculate_shift(
            tokens,
            config.get("base_image_seq_len", 256),
            config.get("max_image_seq_len", 4096),
            config.get("base_shift", 0.5),
            config.get("max_shift", 1.15),
        )
    )


def even_course(config: Mapping[str, Any], tokens: int, steps: int) -> Mapping[str, Any]:
    """Levels in even steps from 1 to 1 / steps, which the scheduler shifts."""
    return {"sigmas": np.linspace(1.0, 1 / steps, steps), "mu": shift(config, tokens)}
