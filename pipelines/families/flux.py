"""FLUX.1: dev (told its guidance), schnell (without any), Fill (made to repaint) and Kontext (shown the picture).

CLIP, T5 and a transformer.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from configs.settings import Settings
from masking.errors import NotSupported
from pipelines import flow_model
from pipelines.families import Checkpoint, Sample, Start
from pipelines.flow_model import Build, FlowModel, Told
from pipelines.packing import packed, unpacked
from pipelines.parts import Parts
from pipelines.plans import Painting, Repainting
from pipelines.unet_model import signed
from pipelines.usual import usual

if TYPE_CHECKING:
    from torch import Generator, Tensor

BUILD = Build(
    pipeline="FluxPipeline",
    models={"transformer": "FluxTransformer2DModel", "vae": "AutoencoderKL"},
    text_encoders={"text_encoder": "CLIPTextModel", "text_encoder_2": "T5EncoderModel"},
    tokenizers={"tokenizer": "CLIPTokenizer", "tokenizer_2": "T5TokenizerFast"},
)


def describe(name: str, parts: Parts) -> Checkpoint:
    """What the config files tell. Raises NotSupported or BrokenModel."""
    transformer, vae = parts.config("transformer"), parts.config("vae")
    cell, channels = 2 ** (len(vae["block_out_channels"]) - 1), vae["latent_channels"]
    plain, fill = 4 * channels, 4 * (2 * channels + cell**2)
    if transformer["in_channels"] not in (plain, fill):
        raise NotSupported(
            f"The checkpoint {name!r} has a transformer of {transformer['in_channels']} input channels, which is for "
            f"edges, depths or the like; {plain} (dev, schnell, Kontext) and {fill} (Fill) can be used.",
            field="checkpoint",
        )
    inpainting = transformer["in_channels"] == fill
    shown = _is_kontext(parts) and not inpainting
    kind = "fill" if inpainting else "kontext" if shown else "dev" if transformer["guidance_embeds"] else "schnell"
    told = flow_model.describe(
        name,
        parts,
        usual=usual(f"flux {kind}"),
        cell=cell,
        side=vae.get("sample_size", flow_model.SIDE),
        inpainting=inpainting,
        shown=shown,
    )
    return dataclasses.replace(told, kind="FLUX.1 Kontext") if shown else told


def _is_kontext(parts: Parts) -> bool:
    """Told by a folder's index; a single file has the same tensors as dev, and tells by its published name alone."""
    return "kontext" in (parts.path.stem if parts.path.is_file() else parts.kind).lower()


def fits_vae(checkpoint: Checkpoint, path: Path) -> bool:
    """Whether a VAE makes latents of the same shape."""
    return flow_model.fits_vae(checkpoint, path)


def load(checkpoint: Checkpoint, device: str, settings: Settings) -> "Flux":
    """The checkpoint's models on a device. Raises BrokenModel."""
    kind = FluxKontext if checkpoint.shown else Flux
    return kind(flow_model.build(checkpoint, BUILD, device), checkpoint, settings, device)


class Flux(FlowModel):
    """Alone on a CPU bit-equal to diffusers' FluxPipeline and FluxFillPipeline."""

    def _course(self, tokens: int, steps: int) -> Mapping[str, Any]:
        return flow_model.even_course(self.scheduler_config, tokens, steps)

    def _longest_tokenizer(self) -> Any:
        return self.pipeline.tokenizer_2

    def _told(self, text: str, painting: Painting) -> Told:
        words, pooled, places = self.pipeline.encode_prompt(text, text, device=self.device)
        return {"encoder_hidden_states": words, "pooled_projections": pooled, "txt_ids": places}

    def _velocity(self, sample: Sample, told: Sequence[Told]) -> "list[Tensor]":
        import torch

        latents = sample.latents
        rows, columns = latents.shape[2:]
        tokens, places = self._tokens(sample)
        guidance = None
        if self.transformer.config.guidance_embeds:
            guidance = torch.full([1], sample.painting.recipe.guidance_scale, device=self.device, dtype=torch.float32)
        outputs = [
            self._transformed(
                hidden_states=tokens,
                timestep=sample.timestep.expand(1).to(latents.dtype) / 1000,
                guidance=guidance,
                img_ids=places,
                **each,
            )
            for each in told
        ]
        return [unpacked(output[:, : rows * columns // 4], rows, columns) for output in outputs]

    def _tokens(self, sample: Sample) -> "tuple[Tensor, Tensor]":
        """What the transformer sees, 1 × tokens × channels, and where each token lies, tokens × 3."""
        import torch

        tokens = packed(sample.latents)
        if sample.conditions is not None:
            seen, mask = sample.conditions.split([self.space.channels, self.space.cell**2], dim=1)
            tokens = torch.cat([tokens, packed(seen), packed(mask)], dim=2)
        return tokens, self._places(sample)

    def _places(self, sample: Sample) -> "Tensor":
        rows, columns = sample.latents.shape[2:]
        places: Tensor = self.pipeline._prepare_latent_image_ids(1, rows // 2, columns // 2, self.device, self.dtype)
        return places

    def _conditions(self, painting: Painting, generator: "Generator") -> "Tensor | None":
        """For Fill, the picture without what is masked, and the mask, a cell's pixels as channels; else nothing."""
        import torch

        if self.transformer.config.in_channels == self.transformer.out_channels:
            return None
        width, height, cell = painting.width, painting.height, self.space.cell
        picture, mask = torch.zeros(1, 3, height, width), torch.ones(1, 1, height, width)
        if isinstance(painting, Repainting):
            mask = torch.from_numpy(painting.mask)[None, None].float()
            picture = signed(painting.image) * (1 - mask)
        seen = self._latents_of(picture, generator)
        blocks = mask.view(1, height // cell, cell, width // cell, cell).permute(0, 2, 4, 1, 3)
        pixels = blocks.reshape(1, cell**2, height // cell, width // cell).to(seen)
        return torch.cat([seen, pixels], dim=1)


class FluxKontext(Flux):
    """Alone on a CPU bit-equal to diffusers' FluxKontextPipeline and FluxKontextInpaintPipeline."""

    def start(self, painting: Painting, scheduler: Any, timestep: "Tensor", generator: "Generator") -> Start:
        """Latents to begin with, and the picture's own beside them."""
        start = super().start(painting, scheduler, timestep, generator)
        return dataclasses.replace(start, conditions=start.known)

    def _latents_of(self, picture: "Tensor", generator: "Generator | None") -> "Tensor":
        # The likeliest ones: nothing is drawn for them.
        return super()._latents_of(picture, None)

    def _tokens(self, sample: Sample) -> "tuple[Tensor, Tensor]":
        """The picture's tokens come after those that are painted, at the same places of another layer."""
        import torch

        tokens, places = packed(sample.latents), self._places(sample)
        if sample.conditions is None:
            return tokens, places
        there = places.clone()
        there[..., 0] = 1
        return torch.cat([tokens, packed(sample.conditions)], dim=1), torch.cat([places, there])
