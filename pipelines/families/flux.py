"""FLUX.1: dev (told its guidance), schnell (without any) and Fill (made to repaint): CLIP, T5 and a transformer."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from configs.settings import Settings
from masking.errors import NotSupported
from pipelines import flow_model
from pipelines.families import Checkpoint, Sample
from pipelines.flow_model import Build, FlowModel, Told, packed, unpacked
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
            f"edges, depths or the like; {plain} (dev, schnell) and {fill} (Fill) can be used.",
            field="checkpoint",
        )
    inpainting = transformer["in_channels"] == fill
    kind = "flux fill" if inpainting else "flux dev" if transformer["guidance_embeds"] else "flux schnell"
    side = vae.get("sample_size", flow_model.SIDE)
    return flow_model.describe(name, parts, usual=usual(kind), cell=cell, side=side, inpainting=inpainting)


def fits_vae(checkpoint: Checkpoint, path: Path) -> bool:
    """Whether a VAE makes latents of the same shape."""
    return flow_model.fits_vae(checkpoint, path)


def load(checkpoint: Checkpoint, device: str, settings: Settings) -> "Flux":
    """The checkpoint's models on a device. Raises BrokenModel."""
    return Flux(flow_model.build(checkpoint, BUILD, device), checkpoint, settings, device)


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
        tokens = packed(latents)
        if sample.conditions is not None:
            seen, mask = sample.conditions.split([self.space.channels, self.space.cell**2], dim=1)
            tokens = torch.cat([tokens, packed(seen), packed(mask)], dim=2)
        guidance = None
        if self.transformer.config.guidance_embeds:
            guidance = torch.full([1], sample.painting.recipe.guidance_scale, device=self.device, dtype=torch.float32)
        outputs = [
            self.transformer(
                hidden_states=tokens,
                timestep=sample.timestep.expand(1).to(latents.dtype) / 1000,
                guidance=guidance,
                img_ids=self.pipeline._prepare_latent_image_ids(1, rows // 2, columns // 2, self.device, self.dtype),
                **each,
                return_dict=False,
            )[0]
            for each in told
        ]
        return [unpacked(output, rows, columns) for output in outputs]

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
